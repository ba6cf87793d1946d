"""One conversation talking with the engine: what is sent, what comes back, and what is kept of it when.

The user's message is on the disk before the engine hears of it; the answer is kept as it grows.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal

from app.conversations.conversation import AnswerStats, Conversation, Message
from app.conversations.message import Attachment
from app.conversations.store import ConversationStore
from app.engine_link.call_params import generation_limits, sampling_params
from app.engine_link.engine_client import EngineClient
from app.engine_link.save_notices import SaveNotices
from engine.contract.errors import EngineError, InternalError
from engine.contract.messages import FinishedEvent

DRAFT_INTERVAL_MS = 250  # an answer that grows is at most this far ahead of the disk

log = logging.getLogger(__name__)
Phase = Literal["idle", "saving", "asking", "answering", "stopping"]


class ChatSession(QObject):
    """A conversation that can be asked and stopped; one answer at a time."""

    message_appended = Signal(object)  # Message
    text_arrived = Signal(str, str)  # message id, text
    message_changed = Signal(object)  # Message
    header_changed = Signal(object)  # ConversationHeader
    activity_changed = Signal(str)  # what the answer waits for, in words
    answering_changed = Signal(bool)

    def __init__(
        self,
        conversation: Conversation,
        *,
        store: ConversationStore,
        notices: SaveNotices,
        client: EngineClient,
        name_of: Callable[[str], str],
        parent: QObject | None = None,
    ) -> None:
        """`name_of` says a model's name for people, which may be known better once it is loaded."""
        super().__init__(parent)
        self.conversation = conversation
        self._name_of = name_of
        self._store = store
        self._client = client
        self._phase: Phase = "idle"
        self._activity = ""
        self._model = ""
        self._answer_id = ""
        self._request_id = ""
        self._awaited_save = 0
        self.first_kept_id = ""  # messages before this one are left out of the request; empty leaves none out
        self._draft_timer = QTimer(self, interval=DRAFT_INTERVAL_MS, singleShot=True)
        self._draft_timer.timeout.connect(self._save_answer)
        notices.saved.connect(self._go_on_when_saved)
        notices.failed.connect(self._fail_when_not_saved)
        client.load_progressed.connect(self._show_progress)
        client.model_loaded.connect(self._note_loaded)
        client.reasoning_arrived.connect(self._note_reasoning)
        client.text_arrived.connect(self._take_text)
        client.finished.connect(self._finish)
        client.failed.connect(self._fail)

    @property
    def is_answering(self) -> bool:
        """Whether an answer is asked for or arriving."""
        return self._phase != "idle"

    @property
    def activity(self) -> str:
        """What the answer waits for, in words; empty while text arrives."""
        return self._activity

    def send(self, text: str, *, model: str, attachments: Sequence[Attachment] = ()) -> None:
        """Append the user's message, keep it, then ask the model; does nothing while an answer runs."""
        if self.is_answering or not (text.strip() or attachments):
            return
        question = self.conversation.append(role="user", text=text, attachments=attachments)
        self._awaited_save = self._store.save(self.conversation.header, question)
        answer = self.conversation.append(
            role="assistant", text="", state="streaming", model=self._name_of(model)
        )
        self._answer_id, self._model = answer.id, model
        self.message_appended.emit(question)
        self.message_appended.emit(answer)
        self.header_changed.emit(self.conversation.header)
        self._enter("saving")

    def stop(self) -> None:
        """End the answer here; what has arrived is kept."""
        if self._phase == "saving":
            self._end(state="complete", stats=AnswerStats(finish_reason="cancelled"))
        elif self._phase in ("asking", "answering"):
            self._enter("stopping", "Stopping…")
            self._client.cancel(self._request_id)

    def interrupt(self) -> None:
        """The window closes: keep what has arrived, as an answer that was cut short."""
        if self.is_answering:
            self._end(state="interrupted", stats=self._answer.stats)

    @property
    def _answer(self) -> Message:
        return self.conversation[self._answer_id]

    def _go_on_when_saved(self, sequence: int) -> None:
        if self._phase != "saving" or sequence < self._awaited_save:
            return
        settings = self.conversation.settings
        self._request_id = self._client.generate(
            self._model,
            self.conversation.chat_messages(self.first_kept_id),
            conversation_id=self.conversation.id,
            sampling=sampling_params(settings),
            limits=generation_limits(settings),
        )
        self._enter("asking", "Reading…")

    def _fail_when_not_saved(self, sequence: int, reason: str) -> None:
        if self._phase == "saving" and sequence == self._awaited_save:
            self._end_with_error(
                InternalError(f"the message could not be saved, so it was not sent ({reason})")
            )

    def _show_progress(self, _request_id: str, model: str, fraction: float) -> None:
        if model == self._model and self._phase == "asking":
            self._say(f"Loading the model, {fraction:.0%}")

    def _note_loaded(self, _request_id: str, model: str, _loaded: object) -> None:
        if model == self._model and self._phase == "asking":
            self._change_answer(replace(self._answer, model=self._name_of(model)))
            self._say("Reading…")

    def _note_reasoning(self, request_id: str, _text: str) -> None:
        if request_id == self._request_id and self._phase == "asking":
            self._say("Thinking…")

    def _take_text(self, request_id: str, text: str) -> None:
        if request_id != self._request_id or not self.is_answering:
            return
        answer = self._answer
        self.conversation.change(replace(answer, text=answer.text + text))
        if self._phase == "asking":
            self._enter("answering")
        self.text_arrived.emit(answer.id, text)
        if not self._draft_timer.isActive():
            self._draft_timer.start()

    def _finish(self, request_id: str, event: FinishedEvent) -> None:
        if request_id != self._request_id or not self.is_answering:
            return
        stats = AnswerStats(
            prompt_tokens=event.usage.prompt_tokens,
            completion_tokens=event.usage.completion_tokens,
            decode_tps=event.usage.decode_tps,
            ttft_ms=event.usage.ttft_ms,
            context_length=event.loaded.context_length if event.loaded else 0,
            finish_reason=event.reason,
        )
        self._end(state="complete", stats=stats)

    def _fail(self, request_id: str, error: EngineError) -> None:
        if request_id and request_id == self._request_id and self.is_answering:
            self._end_with_error(error)

    def _end_with_error(self, error: EngineError) -> None:
        stats = AnswerStats(error_code=error.code, error_message=error.message, error_details=error.details)
        self._end(state="failed", stats=stats)

    def _end(self, *, state: Literal["complete", "interrupted", "failed"], stats: AnswerStats) -> None:
        self._draft_timer.stop()
        self._change_answer(replace(self._answer, state=state, stats=stats))
        self._request_id = ""
        self._save_answer()
        self._enter("idle")

    def _change_answer(self, answer: Message) -> None:
        self.conversation.change(answer)
        self.message_changed.emit(answer)

    def _save_answer(self) -> None:
        self._store.save(self.conversation.header, self._answer)

    def _enter(self, phase: Phase, activity: str = "") -> None:
        was_answering = self.is_answering
        self._phase = phase
        self._say(activity)
        if was_answering != self.is_answering:
            self.answering_changed.emit(self.is_answering)

    def _say(self, activity: str) -> None:
        if activity != self._activity:
            self._activity = activity
            self.activity_changed.emit(activity)
