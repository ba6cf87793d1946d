"""One model of a repository: its quantization, size and room, and the button that fetches it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.engine_link.download import Download
from app.lists.found_list import ROOM_WORDS
from app.model_room import Memory, room_for
from app.offer import Offer
from app.theme.theme import Theme
from app.translation import format_bytes, tr, tr_count
from app.views.hub.download_bar import DownloadBar
from app.views.hub.found_view import room_colour
from app.views.plain_label import plain_label


class FileRow(QFrame):
    """Only its button fetches anything."""

    download_requested = Signal(object)  # Wanted
    chat_requested = Signal(str)  # model of the library
    ledger_requested = Signal(object)  # Wanted

    def __init__(self, offer: Offer, memory: Memory, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fileRow")
        self.offer = offer
        self._theme = theme
        self._model = ""  # its name in the library, once it is there
        self._bar: DownloadBar | None = None
        name = plain_label(self, theme, offer.name, "strong")
        facts = plain_label(self, theme, self._facts(), "small", tone="secondary")
        self._room = plain_label(self, theme, use="small")
        self._note = plain_label(self, theme, self._note_text(), "small", tone="secondary", wraps=True)
        self._note.setVisible(bool(self._note.text()))
        self._button = QPushButton(self)
        self._button.setProperty("shape", "raised")
        self._button.clicked.connect(self._act)
        self._ledger = QPushButton(tr("Memory"), self)
        self._ledger.setProperty("shape", "link")
        self._ledger.setAccessibleName(f"{tr('Memory')}: {offer.wanted.title}")
        self._ledger.setToolTip(tr("Reads the file's header from the hub and reckons what it takes here"))
        self._ledger.clicked.connect(lambda: self.ledger_requested.emit(offer.wanted))
        self._ledger.setVisible(not offer.is_part and not offer.num_missing)
        words = QHBoxLayout()
        words.setSpacing(10)
        for label in (name, facts, self._room):
            words.addWidget(label)
        words.addStretch()
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addLayout(words)
        left.addWidget(self._note)
        above = QHBoxLayout()
        above.setSpacing(12)
        above.addLayout(left, 1)
        above.addWidget(self._ledger, 0, Qt.AlignmentFlag.AlignVCenter)
        above.addWidget(self._button, 0, Qt.AlignmentFlag.AlignVCenter)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(14, 10, 10, 10)
        self._layout.setSpacing(8)
        self._layout.addLayout(above)
        self._show_button()
        self.show_room(memory)

    @property
    def button(self) -> QPushButton:
        """Fetches it, or begins a chat with it where it is here."""
        return self._button

    def show_room(self, memory: Memory) -> None:
        """Say whether this memory has room for it."""
        room = room_for(self.offer.wanted.size_bytes, memory)
        is_model = not self.offer.is_part and not self.offer.num_missing
        self._room.setText(tr(ROOM_WORDS[room]) if is_model else "")
        self._room.setStyleSheet(f"color: {room_colour(room, self._theme.tokens)};")

    def show_bar(self, bar: DownloadBar | None) -> None:
        """Show how far its download is; the button has no place beside it."""
        if self._bar is not None:
            self._bar.hide()
            self._bar.deleteLater()
        self._bar = bar
        if bar is not None:
            self._layout.addWidget(bar)
        self._show_button()

    def show_model(self, model: str) -> None:
        """Say that it is in the library under this name; empty for one that is not."""
        self._model = model
        self._show_button()

    def follows(self, download: Download) -> bool:
        """Whether it is this row's download."""
        return download.wanted.key == self.offer.wanted.key

    def _show_button(self) -> None:
        offer = self.offer
        text = tr("Chat with it") if self._model else tr("Download")
        self._button.setText(text)
        self._button.setAccessibleName(f"{text}: {offer.wanted.title}")
        size = format_bytes(offer.wanted.size_bytes) if offer.wanted.size_bytes else ""
        self._button.setToolTip("" if self._model else tr("Fetches {size}", size=size) if size else "")
        self._button.setEnabled(bool(self._model) or not offer.num_missing)
        self._button.setVisible(not offer.is_part and (self._bar is None or bool(self._model)))
        if self._bar is not None:
            self._bar.setVisible(not self._model)

    def _act(self) -> None:
        if self._model:
            self.chat_requested.emit(self._model)
        else:
            self.download_requested.emit(self.offer.wanted)

    def _facts(self) -> str:
        wanted = self.offer.wanted
        size = format_bytes(wanted.size_bytes) if wanted.size_bytes else tr("size asked at download")
        num_files = self.offer.num_files
        parts = tr_count(num_files, "{count} file", "{count} files") if num_files > 1 else ""
        return " · ".join(filter(None, (size, parts)))

    def _note_text(self) -> str:
        if self.offer.num_missing:
            return tr_count(
                self.offer.num_missing,
                "{count} part is missing in the repository: this model cannot be put together.",
                "{count} parts are missing in the repository: this model cannot be put together.",
            )
        return self.offer.note
