"""The workings: every long-lived object behind the window, made once and wired with the window's parts.

Not imported before the window can be seen.
"""

import logging
import sys
import time
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from app.chat_view import accessible_view
from app.chat_view.chat_view import ChatView
from app.conversations.presets import Presets
from app.conversations.store import ConversationStore
from app.engine_link.chat_sessions import ChatSessions
from app.engine_link.chat_settings import ChatSettings
from app.engine_link.draft_keeper import DraftKeeper
from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.engine_status import EngineStatus
from app.engine_link.host_process import HostProcess
from app.engine_link.model_choice import ModelChoice
from app.engine_link.model_library import ModelLibrary
from app.engine_link.save_notices import SaveNotices
from app.engine_link.title_writer import TitleWriter
from app.engine_link.typesetter import Typesetter
from app.engine_parts import EngineParts
from app.error_texts import describe_error
from app.lists.bin_list import BinList
from app.lists.conversation_list import ConversationList
from app.lists.message_list import MessageList
from app.lists.search_results import SearchResults
from app.log_files import set_aside_long_log
from app.model_names import BUILTIN
from app.model_pages import ModelPages
from app.theme.theme import Theme
from app.translation import tr
from app.views.bin_view import BinView
from app.views.conversation_actions import ConversationActions
from app.views.conversation_view import ConversationView
from app.views.experts.expert_control import ExpertControl
from app.views.main_window import MainWindow
from app.views.message_actions import MessageActions
from app.views.results_view import ResultsView
from app.views.safe_closing import SafeClosing
from app.views.shown_chat import ShownChat
from app.views.side_panel.load_control import LoadControl
from app.views.side_panel.side_panel import SidePanel
from app.views.window_settings import WindowSettings
from app.views.workbench_door import WorkbenchDoor
from engine.contract.errors import ComponentMissing, EngineError
from engine.contract.model_info import LoadedModel
from engine.contract.paths import Paths
from engine.contract.processes import bare_environment, child_command, child_environment

log = logging.getLogger(__name__)


class Workings:
    """Conversations, the engine, and what the user can do with them."""

    def __init__(self, paths: Paths, window: MainWindow, settings: WindowSettings, theme: Theme) -> None:
        """Build everything; raises StoreError where the conversations cannot be opened."""
        _log_to(paths.log / "window.log")
        self._settings = settings
        self._window = window
        self._page = window.page
        self.notices = SaveNotices()
        self.store = ConversationStore(paths.conversations, self.notices.reports)
        self.host = HostProcess(child_command("engine.host"), child_environment(), paths.log / "host.log")
        self.host.start()  # while the rest is made
        self.client = EngineClient(self.host)
        self.status = EngineStatus(self.client)
        self.preferences = EnginePreferences(self.client)
        self.choice = ModelChoice(
            self.client, current=_still_there(settings.model), recent=settings.recent_models
        )
        self.sessions = ChatSessions(
            store=self.store, notices=self.notices, client=self.client, name_of=self.choice.name_of
        )
        self.conversations = ConversationList()
        self.conversation_view = ConversationView(self.conversations, theme)
        self.messages = MessageList()
        self.typesetter = Typesetter(child_command("engine.worker.children.typeset"), bare_environment())
        self.chat_view = ChatView(self.messages, theme, typesetter=self.typesetter, picture_folder=paths.data)
        accessible_view.install()
        self.chat_view.models = lambda: window.picker.known_models
        self.chat_view.link_clicked.connect(lambda address: QDesktopServices.openUrl(QUrl(address)))
        window.sidebar.set_list(self.conversation_view)
        window.page.set_chat_view(self.chat_view)
        self.library = ModelLibrary(self.client)
        window.picker.follow(self.choice, self.library)
        self.engine = EngineParts(
            window,
            theme,
            client=self.client,
            choice=self.choice,
            library=self.library,
            preferences=self.preferences,
        )
        self.model_pages = ModelPages(
            window,
            settings,
            theme,
            client=self.client,
            preferences=self.preferences,
            library=self.library,
            choice=self.choice,
            tune=self.engine.tune,
        )
        window.strip.follow(self.status)
        self.drafts = DraftKeeper(self.store)
        self.shown = ShownChat(
            self.sessions.new(),
            page=window.page,
            messages=self.messages,
            choice=self.choice,
            drafts=self.drafts,
        )
        self.closing = SafeClosing(
            store=self.store,
            sessions=self.sessions,
            drafts=self.drafts,
            notices=self.notices,
            window=window,
            theme=theme,
            close=window.close,
        )
        self.workbench = WorkbenchDoor(
            host=self.host,
            window=window,
            library=self.library,
            choice=self.choice,
            paths=paths,
            theme=theme,
        )
        window.may_close = lambda: self.closing.may_close() and self.workbench.closing.may_close()
        self._add_conversation_parts(window, theme)
        self._wire(window)
        self._add_panel(window, paths, theme)

    def start(self, model_file: str = "") -> None:
        """List the conversations and start the engine; the built-in model is small enough to load unasked."""
        self.store.end_interrupted()
        self.conversations.set_headers(self.store.headers(), self.store.folders())
        self.client.start()
        self.library.refresh()
        self.preferences.refresh()
        self.workbench.refresh()
        self.model_pages.start()
        if model_file:
            self.open_model(model_file)
        elif self.choice.current == BUILTIN:
            self.choice.preload()
        self.store.empty_bin(time.time())

    def new_chat(self) -> None:
        """Show an empty conversation; the one that is shown will do if it is empty."""
        is_empty = self.shown.session.conversation.is_empty
        self.shown.show(self.shown.session if is_empty else self.sessions.new())

    def open_conversation(self, conversation_id: str) -> None:
        """Show a conversation."""
        self._window.show_chat()
        self.shown.show(self.sessions.open(conversation_id))

    def open_model(self, path: str) -> None:
        """Use a model file from now on."""
        self.choice.choose(str(Path(path).absolute()))

    def delete_conversation(self, conversation_id: str) -> None:
        """Move a conversation to the bin, and offer to take it out again."""
        was_shown = self.shown.conversation_id == conversation_id
        self.sessions.remove(conversation_id)
        if was_shown:
            self.shown.show(self.sessions.new())

        def restore() -> None:
            self.sessions.restore(conversation_id)
            self.open_conversation(conversation_id)

        self._page.notice.show_plain(tr("The chat was moved to the bin."), tr("Undo"), restore)

    def close(self) -> None:
        """Keep what is unsaved and end every child process."""
        self.title_writer.close()
        self.workbench.close()
        self.drafts.save()
        self.sessions.interrupt_all()
        self.store.close()
        self.typesetter.close()
        self.client.close()

    def _wire(self, window: MainWindow) -> None:
        self.conversation_view.set_current(self.shown.conversation_id)
        self.conversation_view.opened.connect(self.open_conversation)
        self.conversation_view.delete_requested.connect(self.delete_conversation)
        self.shown.session_shown.connect(self.conversation_view.set_current)
        self.sessions.note_shown(self.shown.conversation_id)
        self.shown.session_shown.connect(self.sessions.note_shown)
        window.new_requested.connect(self.new_chat)
        window.stop_requested.connect(self._go_back)
        window.model_file_chosen.connect(self.open_model)
        window.commands["eject_model"].triggered.connect(self._eject)
        window.commands["find"].triggered.connect(self._find)
        self.choice.changed.connect(self._show_demonstration)
        self._show_demonstration()
        self.choice.changed.connect(self._keep_choice)
        self.choice.refused.connect(self._tell_refusal)
        self.notices.failed.connect(self._tell_unsaved)
        self.notices.blocked.connect(self._tell_blocked)
        self.notices.unblocked.connect(self._page.notice.hide)

    def _add_conversation_parts(self, window: MainWindow, theme: Theme) -> None:
        self.title_writer = TitleWriter(
            sessions=self.sessions, client=self.client, current_model=lambda: self.choice.current
        )
        self.title_writer.is_enabled = self._settings.writes_titles
        self.message_actions = MessageActions(
            shown=self.shown, sessions=self.sessions, chat_view=self.chat_view, notice=window.page.notice
        )
        self.search_results = SearchResults(self.store.read_in_background)
        results_view = ResultsView(self.search_results, theme)
        window.sidebar.search.textChanged.connect(self.search_results.set_words)
        window.sidebar.set_results(results_view)
        results_view.chosen.connect(window.show_chat)
        results_view.chosen.connect(self.message_actions.show_message)
        self.bin_list = BinList()
        bin_view = BinView(self.bin_list, theme)
        window.sidebar.set_bin(bin_view)
        self.conversation_actions = ConversationActions(
            store=self.store,
            notices=self.notices,
            sessions=self.sessions,
            conversations=self.conversations,
            view=self.conversation_view,
            bin_view=bin_view,
            bin_list=self.bin_list,
            sidebar=window.sidebar,
            notice=window.page.notice,
        )
        self.conversation_actions.open_requested.connect(self.open_conversation)

    def _add_panel(self, window: MainWindow, paths: Paths, theme: Theme) -> None:
        self.chat_settings = ChatSettings(self.shown.session)
        self.panel = SidePanel(self.chat_settings, Presets(paths.config / "presets.json"), theme)
        self.panel.load.add_below(self.engine.tune.box_of_choice(self.panel.load))
        self.load_control = LoadControl(
            self.panel.load,
            choice=self.choice,
            library=self.library,
            preferences=self.preferences,
            client=self.client,
        )
        self.experts = ExpertControl(
            window=window,
            messages=self.messages,
            choice=self.choice,
            library=self.library,
            preferences=self.preferences,
            theme=theme,
        )
        self.panel.load.engine.experts_requested.connect(self.experts.open)
        self.chat_view.experts_requested.connect(self.experts.open)
        self.library.changed.connect(self._offer_experts)
        self.choice.changed.connect(self._offer_experts)
        window.frame.set_panel(self.panel)
        window.frame.set_open(self._settings.shows_panel)
        window.page.composer.setFocus()
        self.shown.session_shown.connect(self._follow_shown)
        self.choice.changed.connect(self._show_efforts)
        self.client.model_loaded.connect(self._take_loaded)

    def _take_loaded(self, _request_id: str, model: str, _loaded: LoadedModel) -> None:
        """A file that was opened and works stays in the library, where it lies."""
        if Path(model).exists() and self.library.find(model) is None:
            self.library.import_file(model)

    def _show_efforts(self) -> None:
        loaded = self.choice.loaded
        self.panel.show_efforts(loaded.reasoning_efforts if loaded is not None else ())

    def _offer_experts(self) -> None:
        self.chat_view.offers_experts = self.experts.has_experts

    def _follow_shown(self) -> None:
        self.chat_settings.follow(self.shown.session)

    def _go_back(self) -> None:
        """Esc in the chat: close the search in it, else leave an edit or stop the answer."""
        if self.chat_view.find_control.bar.isHidden():
            self.shown.stop()
        else:
            self.chat_view.find_control.close()

    def _find(self) -> None:
        if not self.shown.session.conversation.is_empty:
            self._window.show_chat()
            self.chat_view.find_control.open()

    def _eject(self) -> None:
        self.choice.eject()

    def _show_demonstration(self) -> None:
        self._page.empty_state.show_demonstration(self.choice.current == BUILTIN)

    def _keep_choice(self) -> None:
        self._settings.model = self.choice.current
        self._settings.recent_models = self.choice.recent

    def _tell_refusal(self, _model: str, error: EngineError) -> None:
        text = describe_error(error)
        if isinstance(error, ComponentMissing):
            show = self._window.settings_requested.emit
            self._page.notice.show_plain(text.happened, tr("Install…"), lambda: show("components"))
            return
        self._page.notice.show_error(f"{text.happened} {text.to_do}")

    def _tell_blocked(self, reason: str) -> None:
        self._page.notice.show_error(
            tr(
                "Nothing can be saved for now: {reason}. Nothing is lost: it is kept in memory and saved "
                "as soon as there is room. Do not close the window before.",
                reason=reason,
            )
        )

    def _tell_unsaved(self, _sequence: int, reason: str) -> None:
        self._page.notice.show_error(
            tr(
                "This conversation could not be saved: {reason}. Make room on the disk, then go on.",
                reason=reason,
            )
        )


def _log_to(path: Path) -> None:
    set_aside_long_log(path)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        filename=path,
        encoding="utf-8",
    )
    if sys.excepthook is sys.__excepthook__:  # a test has its own
        sys.excepthook = _log_unhandled


def _log_unhandled(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What a slot raises reaches nobody; the log keeps it."""
    log.error("unhandled", exc_info=(kind, error, trace))
    sys.__excepthook__(kind, error, trace)


def _still_there(model: str) -> str:
    """The model that was used last; a file only if it is still there, a name of the library in any case."""
    is_name = "/" in model and not Path(model).is_absolute()
    return model if is_name or (model and Path(model).exists()) else BUILTIN
