"""Components: parts of the engine that are installed only where they are wanted, and taken away again."""

from PySide6.QtWidgets import QFileDialog, QProgressBar

from app.engine_link.components import Components
from app.error_texts import describe_error
from app.theme.theme import Theme
from app.translation import format_bytes, mark, tr, tr_count
from app.views.settings.section import Section
from engine.contract.component_messages import ComponentStatus

_STATES = {
    "absent": mark("Not installed"),
    "installed": mark("Installed"),
    "outdated": mark("Of another version of Retort: install it again"),
    "included": mark("Part of this installation"),
    "unavailable": mark("There is none for this system"),
}
_PHASES = {
    "checking": mark("Comparing with what is here already: {done} of {total}"),
    "fetching": mark("Fetching: {done} of {total}"),
    "waiting": mark("Waiting for the network: {done} of {total}"),
    "paused": mark("Paused at {done} of {total}"),
    "verifying": mark("Comparing: {done} of {total}"),
    "installing": mark("Installing: {done} of {total}"),
}


class ComponentsSection(Section):
    """The torch engine, so far the only one."""

    def __init__(self, components: Components, theme: Theme) -> None:
        super().__init__(tr("Components"), theme)
        self._components = components
        self.add_text(
            tr(
                "Parts of Retort that are large and that most people do not need. They are fetched only when "
                "you click, compared with hashes that came with Retort, and can be removed at any time."
            )
        )
        self.add_heading(tr("Torch engine"))
        self.add_text(
            tr(
                "Runs models that are folders of safetensors, counts which experts are used, and makes "
                "weights of 8 or 4 bits while it loads."
            )
        )
        self._state = self.label("", tone="secondary")
        self.add_row(tr("State"), "", self._state)
        self._download, self._needed = self.label("", tone="secondary"), self.label("", tone="secondary")
        self.add_row(tr("To fetch"), "", self._download)
        self._afterwards_less = self.add_row(
            tr("Room on the disk"), tr("While it is being installed; afterwards less."), self._needed
        )
        self.bar = QProgressBar(self)
        self.bar.setObjectName("jobProgress")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("How far it is"))
        self.add(self.bar)
        self.said = self.add_text("")
        self.install = self.button(tr("Fetch and install"))
        self.from_folder = self.button(tr("From a folder…"))
        self.cancel = self.button(tr("Stop"))
        self.check = self.button(tr("Check"))
        self.remove = self.button(tr("Remove"))
        self.add_controls(self.install, self.from_folder, self.cancel, self.check, self.remove)
        self.install.clicked.connect(lambda: components.install("torch"))
        self.from_folder.clicked.connect(self._ask_for_folder)
        self.cancel.clicked.connect(components.cancel)
        self.check.clicked.connect(components.check)
        self.remove.clicked.connect(lambda: components.remove("torch"))
        components.changed.connect(self._show)
        self._show()

    def refresh(self) -> None:
        """Ask again."""
        self._components.refresh()

    def _ask_for_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder with the component's files"))
        if folder:
            self._components.install("torch", folder=folder)

    def _show(self) -> None:
        found = next((one for one in self._components.listed if one.name == "torch"), None)
        is_busy = self._components.is_busy
        can_install = found is not None and found.state in ("absent", "outdated") and not is_busy
        is_here = found is not None and bool(found.disk_bytes) and not is_busy
        self.install.setVisible(can_install)
        self.from_folder.setVisible(can_install)
        self.cancel.setVisible(self._components.can_cancel)
        self.check.setVisible(is_here and found is not None and found.state == "installed")
        self.remove.setVisible(is_here)
        if found is not None:
            self._show_status(found)
        self._show_progress()
        text = self._words()
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def _show_status(self, found: ComponentStatus) -> None:
        self._state.setText(f"{tr(_STATES[found.state])} · {found.version}")
        is_absent = found.state in ("absent", "outdated")
        download = format_bytes(found.download_bytes)
        if found.arrived_bytes and is_absent:
            arrived = format_bytes(found.arrived_bytes)
            download = tr("{size}, of which {arrived} have arrived", size=download, arrived=arrived)
        self._download.setText(download if is_absent else "–")
        taken = found.disk_bytes if found.state == "installed" else found.needed_bytes
        self._needed.setText(format_bytes(taken) if taken else "–")
        self._afterwards_less.setVisible(is_absent)

    def _show_progress(self) -> None:
        progress = self._components.progress
        self.bar.setVisible(progress is not None)
        if progress is not None:
            self.bar.setValue(1000 * progress.done_bytes // max(1, progress.total_bytes))

    def _words(self) -> str:
        """What is going on, or what came of it."""
        components = self._components
        if components.progress is not None:
            done, total = components.progress.done_bytes, components.progress.total_bytes
            words = _PHASES[components.progress.phase]
            return tr(words, done=format_bytes(done), total=format_bytes(total))
        if components.error is not None:
            text = describe_error(components.error)
            return f"{text.happened} {text.to_do}"
        if components.checked is not None:
            damaged = len(components.checked.damaged)
            if damaged:
                return tr_count(
                    damaged,
                    "{count} file is damaged: remove the component and install it again.",
                    "{count} files are damaged: remove the component and install it again.",
                )
            return tr("Every file is as it was installed.")
        return ""
