"""Closing without losing anything: the window closes at once, or asks first where the disk takes nothing."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QWidget

from app.conversations.export import write_conversations
from app.conversations.store import ConversationStore
from app.engine_link.chat_sessions import ChatSessions
from app.engine_link.draft_keeper import DraftKeeper
from app.engine_link.save_notices import SaveNotices
from app.theme.theme import Theme
from app.views.closing_question import ClosingQuestion

WAIT_S = 1.0  # for the disk to take what was said last


class SafeClosing(QObject):
    """Says whether the window may close now; if not, asks, and closes it once that is wanted."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        sessions: ChatSessions,
        drafts: DraftKeeper,
        notices: SaveNotices,
        window: QWidget,
        theme: Theme,
        close: Callable[[], object],
    ) -> None:
        """`close` closes the window, which asks `may_close` again."""
        super().__init__(window)
        self._store = store
        self._sessions = sessions
        self._drafts = drafts
        self._window = window
        self._theme = theme
        self._close = close
        self._is_certain = False
        self._question: ClosingQuestion | None = None
        notices.unblocked.connect(self._go_on)

    def may_close(self) -> bool:
        """Whether everything is on the disk, or the user gives it up; asks where neither is so."""
        self._drafts.save()
        if self._is_certain or self._store.wait_until_idle(WAIT_S):
            return True
        if self._question is None:
            self._ask()
        return False

    def _ask(self) -> None:
        question = ClosingQuestion(self._theme, self._window)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        question.finished.connect(self._forget)
        question.close_wanted.connect(self._close_for_good)
        question.copy_wanted.connect(self._save_copy)
        self._question = question
        question.open()

    def _save_copy(self, path: str) -> None:
        try:
            write_conversations(self._sessions.unsaved, Path(path))
        except OSError as error:
            if self._question is not None:
                self._question.tell_refusal(error.strerror or str(error))
        else:
            self._close_for_good()

    def _close_for_good(self) -> None:
        self._is_certain = True
        self._go_on()

    def _go_on(self) -> None:
        """There is room again, or it no longer matters: close, if that was wanted."""
        if self._question is not None:
            self._question.accept()
            self._close()

    def _forget(self) -> None:
        self._question = None
