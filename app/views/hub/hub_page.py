"""Finding models: the catalogue at once, the hub where that is allowed, a download by its button only."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.engine_link.catalogue import Catalogue
from app.engine_link.download import Download, Wanted
from app.engine_link.downloads import Downloads
from app.engine_link.hub_search import HubSearch
from app.engine_link.machine_memory import MachineMemory
from app.engine_link.model_library import ModelLibrary
from app.engine_link.network_gate import NetworkGate
from app.engine_link.remote_ledger import RemoteLedger
from app.engine_link.repositories import Repositories
from app.error_texts import describe_error
from app.found_model import FoundModel, from_catalogue, from_hub
from app.found_words import names_here
from app.lists.found_list import FoundList, FoundRole
from app.model_filter import ModelFilter, Sorting, matches_words
from app.theme.theme import Theme
from app.translation import format_bytes, spoken_language, tr, tr_count
from app.views.hub.downloads_panel import DownloadsPanel
from app.views.hub.filter_panel import FilterPanel
from app.views.hub.found_view import FoundView
from app.views.hub.model_details import ModelDetails
from app.views.hub.network_question import NetworkQuestion
from app.views.hub.search_row import ORDERS, SearchRow
from app.views.page_head import PageHead
from app.views.plain_label import plain_label
from app.views.two_sides import TwoSides
from engine.contract.hub_messages import SearchOrder


class HubPage(QWidget):
    """Shows the catalogue until something was searched for; nothing but its buttons asks the network."""

    closed = Signal()
    library_requested = Signal()
    chat_requested = Signal(str)  # model of the library
    address_requested = Signal(str)

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        search: HubSearch,
        repositories: Repositories,
        downloads: Downloads,
        library: ModelLibrary,
        memory: MachineMemory,
        ledger: RemoteLedger,
        gate: NetworkGate,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._catalogue = catalogue
        self._search = search
        self._repositories = repositories
        self._downloads = downloads
        self._library = library
        self._memory = memory
        self._ledger = ledger
        self._theme = theme
        self._has_chosen = False  # else what the list begins with is shown
        self.found = FoundList(self)
        self.head = PageHead(theme, is_hub=True, parent=self)
        self.row = SearchRow(theme, self)
        self.filters = FilterPanel(theme, self)
        self.filters.hide()
        self.question = NetworkQuestion(gate, theme, self)
        self._words = plain_label(self, theme, use="small", tone="secondary", wraps=True)
        self.view = FoundView(self.found, theme, self)
        self.details = ModelDetails(downloads, repositories, self._go_on, theme, self)
        self.panel = DownloadsPanel(downloads, self._go_on, theme, self)
        self._lay_out()
        self._wire()
        self._show_library()
        self._show_found()

    @property
    def in_order(self) -> tuple[QWidget, ...]:
        """Its parts as they are read."""
        return (self.head, self.row, self.filters, self.question, self.view, self.details, self.panel)

    @property
    def words(self) -> str:
        """What is said above the list."""
        return self._words.text()

    def enter(self) -> None:
        """Ask for what may have changed; none of it needs the network."""
        self._memory.refresh()
        self._library.refresh()
        if not self._catalogue.models:
            self._catalogue.refresh()
        self.row.field.setFocus()

    def show_model(self, key: str) -> None:
        """Show one of the catalogue's models."""
        self.row.field.clear()
        self._search.clear()
        self.filters.reset()
        model = next((one for one in self.found.models if one.key == key), None)
        if model is not None:
            self.view.show_key(key)
            self._show_details(model)

    # parts

    def _lay_out(self) -> None:
        side = QWidget(self)
        side.setFocusProxy(self.view)
        left = QVBoxLayout(side)
        left.setContentsMargins(12, 0, 8, 8)
        left.setSpacing(4)
        self._words.setContentsMargins(10, 0, 10, 0)
        left.addWidget(self._words)
        left.addWidget(self.view, 1)
        self._sides = TwoSides(side, self.details, self._theme, self)
        top = QVBoxLayout()
        top.setContentsMargins(16, 4, 16, 8)
        top.setSpacing(8)
        for part in (self.row, self.filters, self.question):
            top.addWidget(part)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addLayout(top)
        layout.addWidget(self._sides, 1)
        layout.addWidget(self.panel)

    def _wire(self) -> None:
        self._sides.narrow_changed.connect(self.details.set_narrow)
        self._sides.narrow_changed.connect(self.row.set_narrow)
        self.details.set_narrow(False)
        self.head.closed.connect(self.closed)
        self.head.library_requested.connect(self.library_requested)
        self.row.words_changed.connect(self._follow_words)
        self.row.search_requested.connect(self._ask_search)
        self.row.sorting_changed.connect(self._sort)
        self.row.filter_toggled.connect(self.filters.setVisible)
        self.row.left_down.connect(self.view.enter)
        self.filters.changed.connect(self._filter)
        self.view.chosen.connect(self._choose)
        self.view.clicked.connect(lambda _index: self._sides.show_details())
        self.view.activated.connect(lambda _index: self._sides.show_details())
        self.details.back_requested.connect(self._sides.show_list)
        self.details.files_requested.connect(self._ask_files)
        self.details.card_requested.connect(self._ask_card)
        self.details.download_requested.connect(self._ask_download)
        self.details.ledger_requested.connect(self._ask_ledger)
        self._ledger.changed.connect(self._show_ledger)
        self.details.chat_requested.connect(self.chat_requested)
        self.details.address_requested.connect(self.address_requested)
        self.panel.chat_requested.connect(self.chat_requested)
        self._catalogue.changed.connect(self._show_found)
        self._search.changed.connect(self._show_found)
        self._library.changed.connect(self._show_library)
        self._memory.changed.connect(self._show_memory)

    # what is shown

    def _show_found(self) -> None:
        is_hub = self._search.phase != "idle"
        self.row.offer_sortings(is_hub=is_hub)
        models: Sequence[FoundModel]
        if is_hub:
            models = [from_hub(model) for model in self._search.models]
        else:
            language = spoken_language()
            models = [from_catalogue(model, language) for model in self._catalogue.models]
            models = [model for model in models if matches_words(model, self.row.field.text())]
        self.filters.offer(models)
        self.found.set_sorting(self.row.sorting.currentData() or "room")
        self.found.set_models(models)
        self._show_first()
        self._say()

    def _show_first(self) -> None:
        """So that the page is not half empty: what the list begins with, which asks for nothing."""
        if self._has_chosen or self._search.phase != "idle":
            return
        for number in range(self.found.rowCount()):
            model = self.found.index(number).data(FoundRole.MODEL)
            if model is not None:
                self.view.show_key(model.key)
                self.view.scrollToTop()  # its heading too
                self._has_chosen = False
                return

    def _say(self) -> None:
        phase = self._search.phase
        if phase == "asking":
            words = tr("Asking Hugging Face for “{words}”…", words=self._search.words)
        elif phase == "failed" and self._search.error is not None:
            text = describe_error(self._search.error)
            words = f"{text.happened} {text.to_do}"
        elif phase == "found":
            count = tr_count(len(self._search.models), "{count} repository", "{count} repositories")
            words = tr("{count} on Hugging Face for “{words}”", count=count, words=self._search.words)
        elif not self.found.models and self._catalogue.models:
            words = tr("Nothing in the catalogue is called so. Enter asks Hugging Face.")
        else:
            words = tr("The catalogue that came with Retort: no network is needed to look at it.")
        hidden = len(self.found.models) - self.found.num_shown
        if hidden:
            words += " " + tr_count(
                hidden, "The filter hides {count} model.", "The filter hides {count} models."
            )
        self._words.setText(words)

    def _show_library(self) -> None:
        here = names_here(self._library.models)
        self.details.set_here(here)
        self.found.set_here((repository, f"{stem}.gguf") for repository, stem in here)

    def _show_memory(self) -> None:
        self.found.set_memory(self._memory.now)
        self.details.set_memory(self._memory.now)
        self._show_first()
        self._say()

    def _choose(self, model: FoundModel) -> None:
        self._has_chosen = True
        self.details.show_model(model)

    def _show_details(self, model: FoundModel) -> None:
        self.details.show_model(model)
        self._sides.show_details()

    # what is asked

    def _follow_words(self, words: str) -> None:
        if not words.strip() or self._search.phase != "idle":
            self._search.clear()
        self._show_found()

    def _sort(self, sorting: Sorting) -> None:
        order = next((one for one in ORDERS if one == sorting), None)
        if self._search.phase in ("found", "asking", "failed") and order is not None:
            self._ask_search(self._search.words)
        else:
            self.found.set_sorting(sorting)

    def _filter(self, model_filter: ModelFilter) -> None:
        self.found.set_filter(model_filter)
        self._say()

    def _ask_search(self, words: str) -> None:
        sorting = self.row.sorting.currentData()
        order: SearchOrder = next((one for one in ORDERS if one == sorting), "downloads")
        would = (
            tr("The search would send “{words}” to Hugging Face.", words=words)
            if words
            else tr("The search would ask Hugging Face for its models.")
        )
        self.question.ask(would, lambda online: self._search.ask(words, order, online=online))

    def _ask_files(self, model: FoundModel) -> None:
        would = tr("Hugging Face would be asked for the files of {repository}.", repository=model.repository)
        self.question.ask(would, lambda online: self._repositories.ask_files(model.repository, online=online))

    def _ask_card(self, model: FoundModel) -> None:
        would = tr("Hugging Face would be asked for the card of {repository}.", repository=model.repository)
        self.question.ask(would, lambda online: self._repositories.ask_card(model.repository, online=online))

    def _ask_download(self, wanted: Wanted) -> None:
        size = format_bytes(wanted.size_bytes) if wanted.size_bytes else tr("size asked at download")
        would = tr("{title} ({size}) would be fetched from Hugging Face.", title=wanted.title, size=size)
        self.question.ask(would, lambda online: self._start(wanted, online=online))

    def _ask_ledger(self, wanted: Wanted) -> None:
        would = tr("Hugging Face would be asked for the header of {title}.", title=wanted.title)
        self.question.ask(would, lambda online: self._ledger.ask(wanted, online=online))

    def _show_ledger(self) -> None:
        ledger, model = self._ledger, self.details.model
        if ledger.wanted is None or model is None or model.repository != ledger.wanted.repository:
            return
        if ledger.error is not None:
            text = describe_error(ledger.error)
            self.details.show_ledger(f"{text.happened} {text.to_do}", None)
        elif ledger.is_asking:
            self.details.show_ledger(tr("Reading the header of {title}…", title=ledger.wanted.title), None)
        else:
            self.details.show_ledger(ledger.wanted.title, ledger.told)

    def _go_on(self, download: Download) -> None:
        title = download.wanted.title
        would = tr("What is missing of {title} would be fetched from Hugging Face.", title=title)
        self.question.ask(would, lambda online: self._downloads.go_on(download, online=online))

    def go_on_with(self, wanted: Wanted) -> None:
        """Fetch the rest of what has begun, with the network's leave."""
        would = tr("What is missing of {title} would be fetched from Hugging Face.", title=wanted.title)
        self.question.ask(would, lambda online: self._start(wanted, online=online))

    def _start(self, wanted: Wanted, *, online: bool) -> None:
        self._downloads.start(wanted, online=online)
