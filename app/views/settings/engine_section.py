"""The engine: which llama.cpp models run on, what was found out about it, and the way back."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.engine_link.engine_packs import EnginePacks
from app.engine_words import KINDS, pack_name, pack_words, progress_words
from app.error_texts import describe_error
from app.theme.theme import Theme
from app.translation import format_bytes, tr
from app.views.settings.section import Section
from engine.contract.errors import EngineError
from engine.contract.packs import BUILTIN_ENGINE, EnginePack


class EngineSection(Section):
    """Shows what the host tells of packs."""

    def __init__(self, packs: EnginePacks, theme: Theme) -> None:
        super().__init__(tr("Engine"), theme)
        self._packs = packs
        self.add_text(
            tr(
                "Models run on llama.cpp. An engine pack is the same llama.cpp, built for graphics cards. "
                "Each pack is tried in a process of its own before it is used, and left again when it fails."
            )
        )
        self._problem = self.label("", tone="bad")
        self._problem.setWordWrap(True)
        self._problem.hide()
        self.add(self._problem)
        self._pack_rows = QVBoxLayout()
        self._pack_rows.setSpacing(14)
        self._shown: list[PackRow] = []
        holder = QWidget(self)
        holder.setLayout(self._pack_rows)
        self._pack_rows.setContentsMargins(0, 0, 0, 0)
        self.add(holder)
        self._busy = self.add_text("")
        self.install = self.button(tr("Install from a file…"))
        self.choose = self.button(tr("Choose the best"))
        self.back = self.button(tr("Go back"))
        self.install.clicked.connect(self._ask_file)
        self.choose.clicked.connect(lambda: packs.use("auto"))
        self.back.clicked.connect(packs.roll_back)
        self.add_controls(self.install, self.choose)
        self.add_controls(self.back)
        self._published = self.add_text("")
        self._fetches = QVBoxLayout()
        fetch_holder = QWidget(self)
        fetch_holder.setLayout(self._fetches)
        self._fetches.setContentsMargins(0, 0, 0, 0)
        self.add(fetch_holder)
        packs.changed.connect(self._show)
        packs.failed.connect(self._tell_failure)
        self._show()

    @property
    def rows(self) -> list["PackRow"]:
        """What is shown of each engine."""
        return self._shown

    @property
    def problem(self) -> str:
        """What went wrong last; empty where nothing did."""
        return self._problem.text() if not self._problem.isHidden() else ""

    def refresh(self) -> None:
        """Ask the host anew."""
        self._packs.refresh()

    def _ask_file(self) -> None:
        dialog = QFileDialog(self, tr("Install an engine pack"), "", tr("Engine packs (*.zip)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.install_file)
        dialog.open()

    def install_file(self, path: str) -> None:
        """Install the pack of an archive."""
        self._packs.install(path)

    def _tell_failure(self, error: EngineError) -> None:
        text = describe_error(error)
        self._problem.setText(f"{text.happened} {text.to_do}")
        self._problem.show()

    def _show(self) -> None:
        listed, is_busy = self._packs.listed, self._packs.is_busy
        if is_busy:
            self._problem.hide()
        while len(self._shown) > len(listed.packs):
            self._shown.pop().deleteLater()
        while len(self._shown) < len(listed.packs):
            row = PackRow(self._packs, self)
            self._shown.append(row)
            self._pack_rows.addWidget(row)
        for row, pack in zip(self._shown, listed.packs, strict=True):
            row.show_pack(pack, is_busy=is_busy)
        self._busy.setText(progress_words(self._packs.progress) if is_busy else "")
        self._busy.setVisible(is_busy)
        self.install.setEnabled(not is_busy)
        self.choose.setVisible(len(listed.packs) > 1)
        self.choose.setEnabled(not is_busy)
        before = next((pack for pack in listed.packs if pack.id == listed.before), None)
        self.back.setVisible(before is not None)
        self.back.setEnabled(not is_busy)
        if before is not None:
            self.back.setText(tr("Go back to “{name}”", name=pack_name(before)))
            self.back.setAccessibleName(self.back.text())
        self._show_published()

    def _show_published(self) -> None:
        here = {pack.id for pack in self._packs.listed.packs}
        offered = [pack for pack in self._packs.listed.published if pack.id not in here]
        if not self._packs.listed.published:
            said = tr(
                "No pack can be fetched yet: none has been published. A pack can be installed from a file."
            )
        else:
            said = tr("To be fetched, checked against the hashes that ship with Retort:")
        self._published.setText(said)
        self._published.setVisible(bool(offered) or not self._packs.listed.published)
        while (item := self._fetches.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for pack in offered:
            words = tr("Fetch {kind} ({size})", kind=tr(KINDS[pack.kind]), size=format_bytes(pack.size_bytes))
            button = self.button(words)
            button.setEnabled(not self._packs.is_busy)
            button.clicked.connect(lambda _checked=False, pack=pack: self._packs.fetch(pack.id))
            self._fetches.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)


class PackRow(QWidget):
    """One engine: its name, whether it is used, what the probe said, and what can be done with it."""

    def __init__(self, packs: EnginePacks, section: Section) -> None:
        super().__init__(section)
        self._packs = packs
        self._pack: EnginePack | None = None
        self._name = section.label("")
        self._used = section.label(tr("in use"), "small", tone="good")
        self._said = section.label("", "small", tone="secondary")
        self._said.setWordWrap(True)
        self.use = section.button(tr("Use it"))
        self.check = section.button(tr("Check it"))
        self.remove = section.button(tr("Remove"))
        self.use.clicked.connect(lambda: self._do(packs.use))
        self.check.clicked.connect(lambda: self._do(packs.check))
        self.remove.clicked.connect(lambda: self._do(packs.remove))
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._name)
        head.addWidget(self._used)
        head.addStretch()
        buttons = QHBoxLayout()
        for button in (self.use, self.check, self.remove):
            buttons.addWidget(button)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self._said)
        column.addLayout(buttons)

    @property
    def words(self) -> str:
        """What is said of it."""
        return self._said.text()

    @property
    def label(self) -> QLabel:
        """Its name."""
        return self._name

    def show_pack(self, pack: EnginePack, *, is_busy: bool) -> None:
        """Show an engine as it is now."""
        self._pack = pack
        name, is_builtin = pack_name(pack), pack.id == BUILTIN_ENGINE
        self._name.setText(name)
        self._used.setVisible(pack.is_used)
        self._said.setText(pack_words(pack))
        self._said.setProperty("tone", "bad" if pack.problem else "secondary")
        self._said.style().unpolish(self._said)
        self._said.style().polish(self._said)
        self.use.setVisible(not pack.is_used)
        self.check.setVisible(not is_builtin)
        self.remove.setVisible(not is_builtin)
        for button in (self.use, self.check, self.remove):
            button.setEnabled(not is_busy)
            button.setAccessibleName(f"{button.text()}: {name}, {pack.id}")

    def _do(self, action: Callable[[str], None]) -> None:
        if self._pack is not None:
            action(self._pack.id)
