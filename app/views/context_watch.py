"""Watches how full the context is while one writes, and asks before a turn that has no room."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QMetaObject, QObject

from app.conversations.context_plan import ContextPlan, MeasuredPath, measure_path, plan_context
from app.conversations.message import Message
from app.engine_link.chat_session import ChatSession
from app.engine_link.model_choice import ModelChoice
from app.lists.message_list import MessageList
from app.translation import tr, tr_count
from app.views.chat_page import ChatPage


class ContextWatch(QObject):
    """Shows the gauge and dims what does not fit; a conversation that was once told to roll goes on so."""

    def __init__(self, page: ChatPage, messages: MessageList, choice: ModelChoice) -> None:
        super().__init__(page)
        self._page = page
        self._messages = messages
        self._choice = choice
        self._session: ChatSession | None = None
        self._rolling: set[str] = set()  # ids of conversations
        self._measured: MeasuredPath | None = None  # of the path that is shown; None where it has changed
        self._connections: list[QMetaObject.Connection] = []
        page.composer.changed.connect(self.measure)
        choice.changed.connect(self.measure)

    def follow(self, session: ChatSession) -> None:
        """Watch this conversation from now on."""
        for connection in self._connections:
            QObject.disconnect(connection)
        self._session = session
        self._connections = [
            session.answering_changed.connect(self._measure_path),
            session.path_changed.connect(self._measure_path),
            session.settings_changed.connect(self.measure),
        ]
        self._measure_path()

    def measure(self) -> None:
        """Show how full the context is and would be."""
        session = self._session
        if session is None or session.is_answering:
            return
        plan = self._plan(session)
        self._page.composer.set_context(plan.used_tokens, plan.context_length, is_estimate=plan.is_estimate)
        session.num_left_out = plan.num_left_out if session.conversation.id in self._rolling else 0
        assert self._measured is not None
        self._messages.set_first_kept(_first_kept(self._measured.path, plan.num_left_out))

    def has_room(self, send: Callable[[], None]) -> bool:
        """Whether the next turn can be sent; if not, the user is asked, and `send` is called once it can."""
        session = self._session
        if session is None:
            return False
        plan = self._plan(session)
        if not plan.draft_fits:
            self._page.notice.show_error(
                tr(
                    "This message alone is longer than the model has room for. "
                    "Shorten it, or load the model with a longer context."
                )
            )
            return False
        if not plan.num_left_out or session.conversation.id in self._rolling:
            session.num_left_out = plan.num_left_out
            return True
        self._ask(plan, session.conversation.id, send)
        return False

    def _ask(self, plan: ContextPlan, conversation_id: str, send: Callable[[], None]) -> None:
        def roll() -> None:
            self._rolling.add(conversation_id)
            self.measure()
            send()

        self._page.notice.ask(
            tr_count(
                plan.num_left_out,
                "The model has no room left for the oldest message, which is dimmed.",
                "The model has no room left for the {count} oldest messages, which are dimmed.",
            ),
            (tr("Leave out the oldest"), roll),
            (tr("Do not send"), self._page.composer.setFocus),
        )

    def _measure_path(self) -> None:
        self._measured = None
        self.measure()

    def _plan(self, session: ChatSession) -> ContextPlan:
        conversation, loaded = session.conversation, self._choice.loaded
        self._measured = self._measured or measure_path(conversation.path())
        path = self._measured.path
        known = (message.stats.context_length for message in reversed(path) if message.stats.context_length)
        settings = conversation.settings
        return plan_context(
            self._measured,
            system_prompt=settings.system_prompt,
            draft=self._page.composer.written,
            context_length=loaded.context_length if loaded is not None else next(known, 0),
            max_tokens=settings.max_tokens,
        )


def _first_kept(path: Sequence[Message], num_left_out: int) -> str:
    """The id of the first message that fits; empty where all do, and none of theirs where none does."""
    if not num_left_out:
        return ""
    return path[num_left_out].id if num_left_out < len(path) else "the next one"
