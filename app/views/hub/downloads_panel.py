"""Every download of this window below the page, the newest first; gone while there is none."""

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.engine_link.download import Download
from app.engine_link.downloads import Downloads
from app.theme.theme import Theme
from app.translation import tr
from app.views.hub.download_bar import DownloadBar
from app.views.plain_label import plain_label

MOST_HEIGHT = 230


class DownloadsPanel(QFrame):
    """A row for each, which stays until it is taken off the list."""

    chat_requested = Signal(str)  # model of the library

    def __init__(
        self,
        downloads: Downloads,
        go_on: Callable[[Download], None],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("downloadsPanel")
        self._downloads = downloads
        self._go_on = go_on
        self._theme = theme
        self._rows: list[DownloadRow] = []
        heading = plain_label(self, theme, tr("Downloads"), "strong")
        inside = QWidget(self)
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 6, 0)
        self._column.setSpacing(10)
        self._column.addStretch(1)
        self._area = QScrollArea(self)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setWidgetResizable(True)
        self._area.setAccessibleName(tr("Downloads"))
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 10, 14, 10)
        layout.setSpacing(6)
        layout.addWidget(heading)
        layout.addWidget(self._area, 1)
        downloads.added.connect(self._add)
        downloads.removed.connect(self._remove)
        downloads.changed.connect(self._follow)
        for download in downloads.all:
            self._add(download)
        self._fit()

    @property
    def rows(self) -> tuple["DownloadRow", ...]:
        """As they stand, the newest first."""
        return tuple(self._rows)

    def _add(self, download: Download) -> None:
        row = DownloadRow(download, self._downloads, self._go_on, self._theme, self)
        row.chat_requested.connect(self.chat_requested)
        self._rows.insert(0, row)
        self._column.insertWidget(0, row)
        self._fit()

    def _remove(self, download: Download) -> None:
        for row in self._rows:
            if row.download is download:
                self._rows.remove(row)
                self._column.removeWidget(row)
                row.hide()
                row.deleteLater()
                break
        self._fit()

    def _follow(self, download: Download) -> None:
        for row in self._rows:
            if row.download is download:
                row.show_state()

    def _fit(self) -> None:
        self.setVisible(bool(self._rows))
        rows = sum(row.sizeHint().height() + 10 for row in self._rows)
        self.setFixedHeight(min(rows + self._theme.scaled(56), self._theme.scaled(MOST_HEIGHT)))


class DownloadRow(QWidget):
    """A title over a bar, and the way to a chat once it is here."""

    chat_requested = Signal(str)

    def __init__(
        self,
        download: Download,
        downloads: Downloads,
        go_on: Callable[[Download], None],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.download = download
        title = plain_label(self, theme, download.wanted.title)
        origin = plain_label(self, theme, download.wanted.repository, "small", tone="secondary")
        origin.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._chat = QPushButton(tr("Chat with it"), self)
        self._chat.setProperty("shape", "link")
        self._chat.setAccessibleName(f"{tr('Chat with it')}: {download.wanted.title}")
        self._chat.clicked.connect(self._ask_chat)
        self.bar = DownloadBar(download, downloads, go_on, theme, self)
        above = QHBoxLayout()
        above.setSpacing(10)
        above.addWidget(title)
        above.addWidget(origin, 1)  # the one that is cut where there is little room
        above.addWidget(self._chat)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(above)
        layout.addWidget(self.bar)
        self.show_state()

    def show_state(self) -> None:
        """Offer the chat once there is something to chat with."""
        self._chat.setVisible(self.download.model is not None)

    def _ask_chat(self) -> None:
        if self.download.model is not None:
            self.chat_requested.emit(self.download.model.name)
