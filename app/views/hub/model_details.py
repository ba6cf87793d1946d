"""One model that could be fetched: what it is, what it is good for, its files, and its card."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from app.engine_link.download import Download
from app.engine_link.downloads import Downloads
from app.engine_link.repositories import Repositories, Repository
from app.found_model import FoundModel
from app.found_words import badges_of, card_words, facts, file_stem, files_words, offers, room_sentence
from app.model_room import Memory
from app.offer import Offer
from app.theme.theme import Theme
from app.translation import tr
from app.views.fit_card import FitCard
from app.views.hub.card_view import CardView
from app.views.hub.download_bar import DownloadBar
from app.views.hub.facts_grid import FactsGrid
from app.views.hub.file_row import FileRow
from app.views.plain_label import plain_label
from app.views.reading_column import show_column
from engine.contract.fit_messages import FitTold
from engine.contract.paths import public_address

COLUMN_WIDTH = 720
PADDING = 24


class ModelDetails(QScrollArea):
    """Asks for nothing by itself: whoever owns it answers its signals."""

    files_requested = Signal(object)  # FoundModel
    card_requested = Signal(object)
    download_requested = Signal(object)  # Wanted
    chat_requested = Signal(str)  # model of the library
    ledger_requested = Signal(object)  # Wanted
    address_requested = Signal(str)
    back_requested = Signal()  # where the list has no place beside it

    def __init__(
        self,
        downloads: Downloads,
        repositories: Repositories,
        go_on: Callable[[Download], None],
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._downloads = downloads
        self._repositories = repositories
        self._go_on = go_on
        self._theme = theme
        self._model: FoundModel | None = None
        self._memory = Memory()
        self._here: Mapping[tuple[str, str], str] = {}
        self._rows: list[FileRow] = []
        self._offers: list[Offer] = []
        self.setAccessibleName(tr("Details of the model"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._make_parts()
        self._lay_out()
        downloads.added.connect(self._follow_download)
        downloads.removed.connect(self._follow_download)
        repositories.changed.connect(self._follow_repository)
        theme.changed.connect(self._dress)
        self._dress()
        self._show()

    @property
    def model(self) -> FoundModel | None:
        """The one that is shown."""
        return self._model

    @property
    def rows(self) -> tuple[FileRow, ...]:
        """The files that are offered."""
        return tuple(self._rows)

    def show_model(self, model: FoundModel | None) -> None:
        """Show another model."""
        if model != self._model:
            self._model = model
            self.show_ledger("", None)
            self._show()
            self.verticalScrollBar().setValue(0)

    def show_ledger(self, words: str, told: FitTold | None) -> None:
        """Show what one of its files takes in memory, and words about it."""
        self._ledger_words.setText(words)
        self._ledger_words.setVisible(bool(words))
        self.ledger.show_told(told)
        if told is not None:
            QTimer.singleShot(0, lambda: self.ensureWidgetVisible(self.ledger))

    def set_memory(self, memory: Memory) -> None:
        """Judge by this memory what has room."""
        if memory != self._memory:
            self._memory = memory
            for row in self._rows:
                row.show_room(memory)
            if self._model is not None:
                self._room.setText(room_sentence(self._model, memory))

    def set_here(self, here: Mapping[tuple[str, str], str]) -> None:
        """Names in the library by repository and file name."""
        self._here = here
        for row in self._rows:
            row.show_model(self._name_here(row.offer))

    def set_narrow(self, is_narrow: bool) -> None:
        """Show the way back where the list has no place beside it."""
        self._back.setVisible(is_narrow)

    # what stands where

    def _make_parts(self) -> None:
        theme, inside = self._theme, QWidget(self)
        self._inside = inside
        self._back = QToolButton(inside)
        self._back.setAccessibleName(tr("Back to the list"))
        self._back.setToolTip(tr("Back to the list"))
        self._back.clicked.connect(self.back_requested)
        self._title = plain_label(inside, theme, use="title", wraps=True)
        self._origin = QPushButton(inside)
        self._origin.setProperty("shape", "bare")
        self._origin.setToolTip(tr("Opens the repository's page in your browser"))
        self._origin.clicked.connect(self._open_page)
        self._badges = QHBoxLayout()
        self._good_for = plain_label(inside, theme, use="body", wraps=True)
        self._room = plain_label(inside, theme, wraps=True)
        self._ledger_words = plain_label(inside, theme, use="small", tone="secondary", wraps=True)
        self.ledger = FitCard(theme, inside)
        self._facts = FactsGrid(theme, inside)
        self._gated = plain_label(inside, theme, tone="secondary", wraps=True)
        self._files_heading = plain_label(inside, theme, tr("Files"), "strong")
        self._files_words = plain_label(inside, theme, use="small", tone="secondary", wraps=True)
        self._list_files = self._button(tr("List all files of this repository"))
        self._list_files.clicked.connect(lambda: self.files_requested.emit(self._model))
        self._read_card = self._button(tr("Read the model card"))
        self._read_card.clicked.connect(lambda: self.card_requested.emit(self._model))
        self._card_words = plain_label(inside, theme, use="small", tone="secondary", wraps=True)
        self._card = CardView(theme, inside)
        self._card.link_clicked.connect(self.address_requested)

    def _lay_out(self) -> None:
        self._files = QVBoxLayout()
        self._files.setSpacing(8)
        above = QHBoxLayout()
        above.setSpacing(8)
        above.addWidget(self._back)
        above.addWidget(self._title, 1)
        origin = QHBoxLayout()
        origin.setSpacing(10)
        origin.addWidget(self._origin)
        origin.addLayout(self._badges)
        origin.addStretch()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(PADDING, PADDING, PADDING, PADDING)
        column.setSpacing(12)
        column.addLayout(above)
        column.addLayout(origin)
        column.addWidget(self._good_for)
        column.addWidget(self._gated)
        column.addWidget(self._room)
        column.addWidget(self._files_heading)
        column.addLayout(self._files)
        column.addWidget(self._files_words)
        column.addWidget(self._list_files, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._ledger_words)
        column.addWidget(self.ledger)
        column.addSpacing(6)
        column.addWidget(self._facts)
        column.addSpacing(6)
        column.addWidget(self._read_card, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._card_words)
        column.addWidget(self._card)
        column.addStretch(1)
        self._inside.setMaximumWidth(self._theme.scaled(COLUMN_WIDTH))
        show_column(self, self._inside)

    def _button(self, text: str) -> QPushButton:
        button = QPushButton(text, self._inside)
        button.setProperty("shape", "raised")
        button.setAccessibleName(text)
        return button

    # what they show

    def _show(self) -> None:
        model = self._model
        self._inside.setVisible(model is not None)
        if model is None:
            return
        self._title.setText(model.title)
        self._origin.setText(model.repository)
        self._origin.setAccessibleName(tr("Page of {repository}", repository=model.repository))
        self._show_badges(model)
        self._good_for.setText(model.good_for)
        self._good_for.setVisible(bool(model.good_for))
        self._gated.setText(
            tr("Its terms have to be agreed to on the hub first; until then it cannot be fetched.")
        )
        self._gated.setVisible(model.is_gated)
        self._room.setText(room_sentence(model, self._memory))
        self._facts.show_facts(facts(model))
        self._show_repository(self._repositories.get(model.repository))

    def _show_badges(self, model: FoundModel) -> None:
        while (item := self._badges.takeAt(0)) is not None:
            badge = item.widget()
            if badge is not None:
                badge.hide()
                badge.deleteLater()
        for text in badges_of(model):
            label = plain_label(self._inside, self._theme, text, "heading")
            label.setObjectName("badge")
            self._badges.addWidget(label)

    def _show_repository(self, known: Repository) -> None:
        model = self._model
        assert model is not None
        offered = offers(model, known)
        if offered != self._offers or not self._rows:
            self._offers = offered
            self._make_rows(offered)
        self._files_words.setText(files_words(known))
        self._files_words.setVisible(bool(self._files_words.text()))
        self._list_files.setVisible(known.files is None)
        self._list_files.setEnabled("files" not in known.asked)
        card = known.card
        self._read_card.setVisible(card is None)
        self._read_card.setEnabled("card" not in known.asked)
        self._card_words.setText(card_words(known))
        self._card_words.setVisible(bool(self._card_words.text()))
        self._card.setVisible(card is not None and bool(card.text))
        text = card.text if card is not None else ""
        if text != self._card.text:
            self._card.show_text(text)

    def _make_rows(self, offered: list[Offer]) -> None:
        for row in self._rows:
            self._files.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = []
        for offer in offered:
            row = FileRow(offer, self._memory, self._theme, self._inside)
            row.download_requested.connect(self.download_requested)
            row.chat_requested.connect(self.chat_requested)
            row.ledger_requested.connect(self.ledger_requested)
            self._files.addWidget(row)
            self._rows.append(row)
            self._show_download(row)
            row.show_model(self._name_here(offer))

    def _show_download(self, row: FileRow) -> None:
        download = self._downloads.of(*row.offer.wanted.key)
        bar = None
        if download is not None and download.phase != "done":
            bar = DownloadBar(download, self._downloads, self._go_on, self._theme, row)
        row.show_bar(bar)

    def _name_here(self, offer: Offer) -> str:
        return self._here.get((offer.wanted.repository, file_stem(offer.wanted.file)), "")

    def _follow_download(self, download: Download) -> None:
        for row in self._rows:
            if row.follows(download):
                self._show_download(row)

    def _follow_repository(self, repository: str) -> None:
        if self._model is not None and self._model.repository == repository:
            self._show_repository(self._repositories.get(repository))

    def _open_page(self) -> None:
        if self._model is not None:
            self.address_requested.emit(f"{public_address('hugging_face')}/{self._model.repository}")

    def _dress(self) -> None:
        tokens = self._theme.tokens
        self._back.setIcon(self._theme.icons.icon("back", tokens.secondary))
        self._inside.setMaximumWidth(self._theme.scaled(COLUMN_WIDTH))
        if self._model is not None:
            self._make_rows(self._offers)
