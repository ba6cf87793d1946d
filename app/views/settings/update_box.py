"""Looking for a newer version: a button, and what came of it."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLabel

from app.engine_link.update_check import UpdateCheck
from app.error_texts import describe_error
from app.translation import tr
from app.views.settings.section import Section


class UpdateBox:
    """The part of a section that asks."""

    def __init__(self, section: Section, updates: UpdateCheck, *, is_possible: bool) -> None:
        """Add it to a section; it is not possible where the build names no place to ask."""
        self._updates = updates
        self.look = section.button(tr("Ask now"))
        self.open_page = section.button(tr("Open the page of the release"))
        section.add_heading(tr("Newer versions"))
        why = tr("Only this button asks; nothing is fetched or installed.")
        if not is_possible:
            why = tr("This build does not know where newer versions are announced.")
        section.add_row(tr("Ask whether there is one"), why, self.look)
        self.said: QLabel = section.add_text("")
        section.add_controls(self.open_page)
        self.look.setEnabled(is_possible)
        self._is_possible = is_possible
        self.look.clicked.connect(updates.ask)
        self.open_page.clicked.connect(self._open)
        updates.changed.connect(self._show)
        self._show()

    def _open(self) -> None:
        if self._updates.told is not None:
            QDesktopServices.openUrl(QUrl(self._updates.told.page))

    def _show(self) -> None:
        told = self._updates.told
        self.look.setEnabled(self._is_possible and not self._updates.is_asking)
        self.open_page.setVisible(told is not None and told.is_newer)
        text = self._words()
        self.said.setText(text)
        self.said.setVisible(bool(text))

    def _words(self) -> str:
        told, error = self._updates.told, self._updates.error
        if self._updates.is_asking:
            return tr("Asking…")
        if error is not None:
            text = describe_error(error)
            return f"{text.happened} {text.to_do}"
        if told is None:
            return ""
        if not told.is_newer:
            return tr(
                "This is the newest version. The last release was {version} of {date}.",
                version=told.version,
                date=told.date,
            )
        news = "\n".join(f"• {line}" for line in told.news)
        first = tr("Version {version} of {date} is newer.", version=told.version, date=told.date)
        return f"{first}\n{news}".strip()
