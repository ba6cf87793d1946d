"""Everything about finding, fetching and keeping models behind the window, and the two pages that show it."""

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices

from app.engine_link.catalogue import Catalogue
from app.engine_link.download import Download, Wanted
from app.engine_link.downloads import Downloads
from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.hub_search import HubSearch
from app.engine_link.library_care import LibraryCare
from app.engine_link.library_stock import LibraryStock
from app.engine_link.machine_memory import MachineMemory
from app.engine_link.model_choice import ModelChoice
from app.engine_link.model_knowledge import ModelKnowledge
from app.engine_link.model_library import ModelLibrary
from app.engine_link.network_gate import NetworkGate
from app.engine_link.network_history import NetworkHistory
from app.engine_link.remote_ledger import RemoteLedger
from app.engine_link.repositories import Repositories
from app.found_model import FoundModel, from_catalogue
from app.found_words import facts_of_found, names_here
from app.recommendation import recommend
from app.theme.theme import Theme
from app.translation import spoken_language, tr
from app.views.main_window import MainWindow
from app.views.model_cards import ModelCards
from app.views.tuning.tune_control import TuneControl
from app.views.window_settings import WindowSettings
from engine.contract.unfinished_messages import UnfinishedDownload

if TYPE_CHECKING:
    from app.views.hub.hub_page import HubPage
    from app.views.library.library_page import LibraryPage


class ModelPages(QObject):
    """Downloads go on whichever page is shown; the pages are made when they are shown first."""

    def __init__(
        self,
        window: MainWindow,
        settings: WindowSettings,
        theme: Theme,
        *,
        client: EngineClient,
        preferences: EnginePreferences,
        library: ModelLibrary,
        choice: ModelChoice,
        tune: TuneControl,
    ) -> None:
        super().__init__(window)
        self._tune = tune
        self._window = window
        self._settings = settings
        self._theme = theme
        self._library = library
        self._choice = choice
        self.gate = NetworkGate(preferences, self)
        self.catalogue = Catalogue(client, self)
        self.memory = MachineMemory(client, preferences, self)
        self.search = HubSearch(client, self)
        self.repositories = Repositories(client, self)
        self.ledger = RemoteLedger(client, self)
        self.downloads = Downloads(client, self._keep_unfinished, self)
        self.care = LibraryCare(client, self)
        self.stock = LibraryStock(client, self)
        self.history = NetworkHistory(client, self)
        self.knowledge = ModelKnowledge(client, self)
        self._hub_page: HubPage | None = None
        self._library_page: LibraryPage | None = None
        self.gate.changed.connect(self._go_on_with_kept)
        self.downloads.finished.connect(self._tell_finished)
        for changed in (self.catalogue.changed, self.memory.changed, library.changed):
            changed.connect(self._recommend)
        for changed in (self.downloads.added, self.downloads.changed, self.downloads.removed):
            changed.connect(self._show_progress)
        window.library_requested.connect(self.show_library)
        window.hub_requested.connect(self.show_hub)
        window.picker.recommended.connect(self.show_hub_at)
        window.picker.details_requested.connect(self.show_model)
        window.page.empty_state.offer_requested.connect(self.show_hub_at)

    def start(self) -> None:
        """List what an earlier window left unfinished, and ask the host for what needs no network."""
        self.downloads.remember(self._settings.unfinished_downloads)
        self.catalogue.refresh()
        self.memory.refresh()

    @property
    def hub_page(self) -> "HubPage":
        """The page of what can be fetched."""
        if self._hub_page is None:
            from app.views.hub.hub_page import HubPage  # noqa: PLC0415  (not at every start)

            page = HubPage(
                catalogue=self.catalogue,
                search=self.search,
                repositories=self.repositories,
                downloads=self.downloads,
                library=self._library,
                memory=self.memory,
                ledger=self.ledger,
                gate=self.gate,
                theme=self._theme,
            )
            page.closed.connect(self._window.show_chat)
            page.library_requested.connect(self.show_library)
            page.chat_requested.connect(self.chat_with)
            page.address_requested.connect(lambda address: QDesktopServices.openUrl(QUrl(address)))
            self._hub_page = page
        return self._hub_page

    @property
    def library_page(self) -> "LibraryPage":
        """The page of what is here."""
        if self._library_page is None:
            from app.views.library.library_page import LibraryPage  # noqa: PLC0415  (not at every start)

            page = LibraryPage(self._library, self.care, self.stock, self._theme)
            page.closed.connect(self._window.show_chat)
            page.hub_requested.connect(self.show_hub)
            page.chat_requested.connect(self.chat_with)
            page.folder_requested.connect(_show_folder)
            page.go_on_requested.connect(self.go_on_with)
            cards = ModelCards(self.knowledge, self._theme, page.details)
            page.details.details_place.addWidget(cards)
            box, show_in_box = self._tune.box_of_library(page.details)
            page.details.details_place.insertWidget(0, box)
            page.details.model_shown.connect(show_in_box)
            show_in_box(page.details.model)
            page.details.model_shown.connect(cards.show_model)
            cards.show_model(page.details.model)
            self._library_page = page
        return self._library_page

    def show_hub(self) -> None:
        """Show what can be fetched."""
        self._window.show_page(self.hub_page)
        self.hub_page.enter()

    def show_hub_at(self, key: str) -> None:
        """Show one of the catalogue's models; nothing is fetched by it. An empty key shows them all."""
        self.show_hub()
        if key:
            self.hub_page.show_model(key)

    def show_library(self) -> None:
        """Show what is here."""
        self._window.show_page(self.library_page)
        self.library_page.enter()

    def show_model(self, model: str) -> None:
        """Show what is known of a model that is here."""
        self.show_library()
        self.library_page.show_model(model)

    def go_on_with(self, unfinished: UnfinishedDownload) -> None:
        """Fetch the rest of what did not arrive, on the page that asks whether the network may be used."""
        publisher, name, file = unfinished.model.split("/", 2)
        kept = (one for one in self.downloads.all if one.wanted.repository == f"{publisher}/{name}")
        same = next((one.wanted for one in kept if file.startswith(one.wanted.file)), None)
        wanted = Wanted(
            repository=f"{publisher}/{name}",
            file=file,
            title=PurePosixPath(file).name,
            size_bytes=unfinished.size_bytes,
        )
        self.show_hub()
        self.hub_page.go_on_with(same or wanted)

    def chat_with(self, model: str) -> None:
        """Begin a chat with a model of the library."""
        self._choice.choose(model)
        self._window.new_requested.emit()
        self._window.show_chat()

    def _recommend(self) -> None:
        language = spoken_language()
        models = [from_catalogue(model, language) for model in self.catalogue.models]
        found = recommend(models, self.memory.now, names_here(self._library.models))
        self._window.picker.recommend([facts_of_found(model) for model in found])
        self._window.page.empty_state.offer(_first(found))

    def _show_progress(self, _download: Download) -> None:
        self._window.sidebar.show_downloads(len(self.downloads.active), self.downloads.fraction)
        self._window.strip.show_downloads(len(self.downloads.active), self.downloads.fraction)

    def _keep_unfinished(self, unfinished: list[str]) -> None:
        self._settings.unfinished_downloads = unfinished

    def _go_on_with_kept(self) -> None:
        """Where the network is allowed, what was interrupted goes on by itself."""
        if self.gate.is_open:
            for download in self.downloads.all:
                if download.phase == "kept":
                    self.downloads.go_on(download, online=False)

    def _tell_finished(self, download: Download) -> None:
        self._library.refresh()
        model = download.model
        if model is not None:
            self._window.page.notice.show_plain(
                tr("{title} is in the library now.", title=download.wanted.title),
                tr("Chat with it"),
                lambda: self.chat_with(model.name),
            )


def _first(models: list[FoundModel]) -> FoundModel | None:
    return models[0] if models else None


def _show_folder(path: str) -> None:
    """Let the system show where a model lies."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(path).parent)))
