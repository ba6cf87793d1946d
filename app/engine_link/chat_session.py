"""One conversation talking with the engine: what is sent, what comes back, and what is kept of it when.

The user's message is on the disk before the engine hears of it; the answer is kept as it grows.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QObject, QTimer, Signal, SignalInstance

from app.conversations.conversation import Conversation
from app.conversations.message import AnswerStats, Attachment, ConversationHeader, Message
from app.conversations.settings import ConversationSettings
from app.conversations.store import ConversationStore
from app.engine_link.answer_figures import AnswerFigures
from app.engine_link.engine_client import EngineClient
from app.engine_link.save_notices import SaveNotices
from app.translation import tr
from engine.contract.errors import EngineError, InternalError, InvalidRequest
from engine.contract.messages import FinishedEvent
from engine.contract.params import GenerationLimits

DRAFT_INTERVAL_MS = 120  # a commit and a busy machine take their time: at most 250 ms are ever lost

log = logging.getLogger(__name__)
Phase = Literal["idle", "saving", "asking", "answering", "stopping"]


class ChatSession(QObject):
    """A conversation that can be asked and stopped; one answer at a time."""

    message_appended = Signal(object)  # Message, at the end of the shown path
    path_changed = Signal()  # the shown path is another one
    text_arrived = Signal(str, str)  # message id, text
    reasoning_arrived = Signal(str, str)  # message id, text
    message_changed = Signal(object)  # Message
    header_changed = Signal(object)  # ConversationHeader
    settings_changed = Signal(object)  # ConversationSettings
    activity_changed = Signal(str)  # what the answer waits for, in words
    answering_changed = Signal(bool)
    reasoning_changed = Signal(bool)  # the model thinks, and has not begun to answer

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
        self.is_reasoning = False
        self._activity = ""
        self._model = ""
        self._answer_id = ""
        self._figures = AnswerFigures(AnswerStats())
        self._request_id = ""
        self._awaited_save = 0
        self.num_left_out = 0  # of the oldest messages, in the next request
        self._draft_timer = QTimer(self, interval=DRAFT_INTERVAL_MS, singleShot=True)
        self._draft_timer.timeout.connect(self._save_answer)
        notices.saved.connect(self._go_on_when_saved)
        notices.failed.connect(self._fail_when_not_saved)
        notices.blocked.connect(self._wait_for_room)

    @property
    def is_answering(self) -> bool:
        """Whether an answer is asked for or arriving."""
        return self._phase != "idle"

    @property
    def activity(self) -> str:
        """What the answer waits for, in words; empty while text arrives."""
        return self._activity

    # what the user asks for; nothing of it happens while an answer runs

    def send(self, text: str, *, model: str, attachments: Sequence[Attachment] = ()) -> None:
        """Append the user's message, keep it, then ask the model."""
        if self.is_answering or not (text.strip() or attachments):
            return
        is_new = self.conversation.is_empty
        question = self.conversation.append(role="user", text=text, attachments=attachments)
        self._awaited_save = self._store.save(self.conversation.header, question)
        if is_new and self.conversation.settings != ConversationSettings():
            self._awaited_save = self._store.save_settings(self.conversation.id, self.conversation.settings)
        answer = self.conversation.append(
            role="assistant", text="", state="streaming", model=self._name_of(model)
        )
        self.message_appended.emit(question)
        self.message_appended.emit(answer)
        self._begin(answer, model)

    def edit(
        self, message_id: str, text: str, *, model: str, attachments: Sequence[Attachment] | None = None
    ) -> None:
        """Send another version of a question; the old one and what followed stay as a branch.

        Without attachments it keeps those of the old one.
        """
        if self.is_answering or not (text.strip() or attachments):
            return
        question = self.conversation.edit(message_id, text, attachments)
        self._awaited_save = self._store.save(self.conversation.header, question)
        answer = self.conversation.answer_again(question.id, model=self._name_of(model))
        self.path_changed.emit()
        self._begin(answer, model)

    def answer_again(self, message_id: str, *, model: str) -> None:
        """Ask for another version of this answer, or for an answer to this question."""
        if self.is_answering:
            return
        answer = self.conversation.answer_again(message_id, model=self._name_of(model))
        self._awaited_save = self._store.save(self.conversation.header, answer)
        self.path_changed.emit()
        self._begin(answer, model)

    def continue_answer(self, message_id: str, *, model: str) -> None:
        """Let an answer that was cut short go on; one that has no text yet is asked for again."""
        if self.is_answering or self.conversation.path()[-1].id != message_id:
            return
        answer = self.conversation[message_id]
        if not answer.text.strip():
            self.answer_again(message_id, model=model)
            return
        self._change_message(replace(answer, state="streaming"))
        self._awaited_save = self._store.save(self.conversation.header, self.conversation[message_id])
        self._begin(self.conversation[message_id], model)

    def select_version(self, message_id: str, step: int) -> None:
        """Show the version so many before or after this one."""
        versions = [version.id for version in self.conversation.siblings(message_id)]
        wanted = versions.index(message_id) + step
        if self.is_answering or not 0 <= wanted < len(versions):
            return
        self.conversation.select(versions[wanted])
        self._store.save(self.conversation.header)
        self.path_changed.emit()

    def show_message(self, message_id: str) -> None:
        """Show the path that this message is on."""
        is_shown = any(message.id == message_id for message in self.conversation.path())
        if message_id in self.conversation.tree and not is_shown and not self.is_answering:
            self.conversation.select(message_id)
            self._store.save(self.conversation.header)
            self.path_changed.emit()

    def delete(self, message_id: str, *, with_branch: bool = False) -> list[str]:
        """Move a message to the bin, and what is below it if wanted; returns the ids that `restore` takes."""
        if self.is_answering:
            return []
        changed = self.conversation.delete(message_id, with_branch=with_branch)
        self._store.save(self.conversation.header, *changed)
        self._client.forget(self.conversation.id)
        self.path_changed.emit()
        return [message.id for message in changed]

    def restore(self, message_ids: Iterable[str]) -> None:
        """Take messages out of the bin and show them."""
        changed = self.conversation.restore(message_ids)
        self._store.save(self.conversation.header, *changed)
        self.path_changed.emit()

    def change_settings(self, settings: ConversationSettings) -> None:
        """Take what this conversation sets for itself; a new one keeps it with its first message."""
        if settings == self.conversation.settings:
            return
        self.conversation.settings = settings
        if not self.conversation.is_empty:
            self._store.save_settings(self.conversation.id, settings)
        self.settings_changed.emit(settings)

    def change_header(self, header: ConversationHeader) -> None:
        """Take a title, pin or folder that was changed elsewhere and is saved there."""
        self.conversation.header = header
        self.header_changed.emit(header)

    def stop(self) -> None:
        """End the answer here; what has arrived is kept."""
        if self._phase == "saving":
            self._end(state="complete", stats=replace(self._figures.so_far, finish_reason="cancelled"))
        elif self._phase in ("asking", "answering"):
            self._enter("stopping", tr("Stopping…"))
            self._client.cancel(self._request_id)

    def answer_now(self) -> None:
        """Let the model end its reasoning and answer; both are kept."""
        self._client.answer_now(self._request_id)

    def interrupt(self) -> None:
        """The window closes: keep what has arrived, as an answer that was cut short."""
        if self.is_answering:
            self._end(state="interrupted", stats=self._figures.so_far)

    # what the disk and the engine say

    def _engine_signals(self) -> tuple[tuple[SignalInstance, Callable[..., None]], ...]:
        """Heard while an answer is awaited: a session at rest costs an event of the engine nothing."""
        client = self._client
        return (
            (client.load_progressed, self._show_progress),
            (client.model_loaded, self._note_loaded),
            (client.reasoning_arrived, self._take_reasoning),
            (client.text_arrived, self._take_text),
            (client.finished, self._finish),
            (client.failed, self._fail),
        )

    @property
    def _answer(self) -> Message:
        return self.conversation[self._answer_id]

    def _begin(self, answer: Message, model: str) -> None:
        self._answer_id, self._model = answer.id, model
        self._figures = AnswerFigures(answer.stats)
        self.header_changed.emit(self.conversation.header)
        self._enter("saving")

    def _go_on_when_saved(self, sequence: int) -> None:
        if self._phase != "saving" or sequence != self._awaited_save:
            return
        settings = self.conversation.settings
        try:
            self._request_id = self._client.generate(
                self._model,
                self.conversation.chat_messages(self.num_left_out),
                conversation_id=self.conversation.id,
                sampling=settings.sampling_params(),
                limits=GenerationLimits(max_tokens=settings.max_tokens, stop=settings.stop),
                reasoning_effort=settings.reasoning_effort,
                keep_language=settings.keep_language,
                continue_last=bool(self._answer.text),
            )
        except ValueError as error:
            self._end_with_error(InvalidRequest(str(error)))
        else:
            self._enter("asking", tr("Reading…"))

    def _fail_when_not_saved(self, sequence: int, reason: str) -> None:
        if self._phase == "saving" and sequence == self._awaited_save:
            self._end_with_error(
                InternalError(f"the message could not be saved, so it was not sent ({reason})")
            )

    def _wait_for_room(self, reason: str) -> None:
        if self._phase == "saving":
            self._say(tr("Waiting until it can be saved: {reason}…", reason=reason))

    def _show_progress(self, _request_id: str, model: str, fraction: float) -> None:
        if model == self._model and self._phase == "asking":
            self._say(tr("Loading the model, {percent} %", percent=round(100 * fraction)))

    def _note_loaded(self, _request_id: str, model: str, _loaded: object) -> None:
        if model == self._model and self._phase == "asking":
            self._change_message(replace(self._answer, model=self._name_of(model)))
            self._say(tr("Reading…"))

    def _take_reasoning(self, request_id: str, text: str) -> None:
        if request_id != self._request_id or not self.is_answering:
            return
        self._figures.note_reasoning()
        answer = self._answer
        self.conversation.change(
            replace(answer, reasoning=answer.reasoning + text, stats=self._figures.so_far)
        )
        if self._phase == "asking":
            self._say(tr("Thinking…"))
            self._note_reasoning(True)
        self.reasoning_arrived.emit(answer.id, text)
        self._save_soon()

    def _take_text(self, request_id: str, text: str) -> None:
        if request_id != self._request_id or not self.is_answering:
            return
        answer = self._answer
        self.conversation.change(replace(answer, text=answer.text + text))
        if self._phase == "asking":
            self._enter("answering")
        self.text_arrived.emit(answer.id, text)
        self._save_soon()

    def _finish(self, request_id: str, event: FinishedEvent) -> None:
        if request_id == self._request_id and self.is_answering:
            self._end(state="complete", stats=self._figures.at_end(event))

    def _fail(self, request_id: str, error: EngineError) -> None:
        if request_id and request_id == self._request_id and self.is_answering:
            self._end_with_error(error)

    def _end_with_error(self, error: EngineError) -> None:
        stats = replace(
            self._figures.so_far,
            error_code=error.code,
            error_message=error.message,
            error_details=error.details,
        )
        self._end(state="failed", stats=stats)

    def _end(self, *, state: Literal["complete", "interrupted", "failed"], stats: AnswerStats) -> None:
        self._draft_timer.stop()
        self._change_message(replace(self._answer, state=state, stats=stats))
        self._request_id = ""
        self._save_answer()
        self._enter("idle")

    def _change_message(self, message: Message) -> None:
        self.conversation.change(message)
        self.message_changed.emit(message)

    def _save_soon(self) -> None:
        if not self._draft_timer.isActive():
            self._draft_timer.start()

    def _save_answer(self) -> None:
        self._store.save(self.conversation.header, self._answer)

    def _enter(self, phase: Phase, activity: str = "") -> None:
        was_answering = self.is_answering
        self._phase = phase
        self._say(activity)
        self._note_reasoning(False)
        if was_answering != self.is_answering:
            for signal, slot in self._engine_signals():
                (signal.connect if self.is_answering else signal.disconnect)(slot)
            self.answering_changed.emit(self.is_answering)

    def _note_reasoning(self, is_reasoning: bool) -> None:
        if is_reasoning != self.is_reasoning:
            self.is_reasoning = is_reasoning
            self.reasoning_changed.emit(is_reasoning)

    def _say(self, activity: str) -> None:
        if activity != self._activity:
            self._activity = activity
            self.activity_changed.emit(activity)
