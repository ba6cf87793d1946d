"""What the engine is doing, for the status strip: one phase, a speed, and what runs where."""

import time
from collections import deque
from typing import Literal

from PySide6.QtCore import QObject, Signal

from app.engine_link.engine_client import EngineClient
from engine.contract.errors import EngineError, ProcessError, RequestError
from engine.contract.messages import FinishedEvent
from engine.contract.model_info import LoadedModel

EnginePhase = Literal["idle", "loading", "ready", "answering", "failed"]
RATE_WINDOW_S = 2.0
TOLD_EVERY_S = 0.25


class EngineStatus(QObject):
    """Follows the client's signals; `changed` comes at most a few times per second while text arrives."""

    changed = Signal()

    def __init__(self, client: EngineClient, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.phase: EnginePhase = "idle"
        self.load_fraction = 0.0
        self.decode_tps = 0.0
        self.num_tokens = 0  # of the answer that arrives, reasoning included
        self.ttft_s = 0.0  # of the answer that arrives, on the window's clock
        self.loaded: LoadedModel | None = None
        self._loaded_name = ""
        self._arrivals: deque[tuple[float, int]] = deque()  # when text came, and of how many tokens
        self._told_at = 0.0
        self._asked_at = 0.0
        client.load_progressed.connect(self._note_progress)
        client.model_loaded.connect(self._note_loaded)
        client.model_unloaded.connect(self._note_unloaded)
        client.answer_requested.connect(self._note_asked)
        client.tokens_arrived.connect(self._note_tokens)
        client.finished.connect(self._note_finished)
        client.engine_failed.connect(self._note_failure)

    def _note_progress(self, _request_id: str, _model: str, fraction: float) -> None:
        self.load_fraction = fraction
        self._enter("loading")

    def _note_loaded(self, _request_id: str, model: str, loaded: LoadedModel) -> None:
        self.loaded, self._loaded_name = loaded, model
        self._enter("ready")

    def _note_unloaded(self, _request_id: str, model: str) -> None:
        if model == self._loaded_name:
            self.loaded = None
            self._enter("failed" if self.phase == "failed" else "idle")

    def _note_asked(self, _request_id: str) -> None:
        self._asked_at = time.monotonic()

    def _note_tokens(self, _request_id: str, num_tokens: int) -> None:
        now = time.monotonic()
        if self.phase != "answering":
            self._arrivals.clear()
            self.decode_tps = 0.0
            self.num_tokens = 0
            self.ttft_s = now - self._asked_at
            self._enter("answering")
        self.num_tokens += num_tokens
        self._arrivals.append((now, num_tokens))
        while self._arrivals[0][0] < now - RATE_WINDOW_S:
            self._arrivals.popleft()
        since, before = self._arrivals[0]
        if now - since > TOLD_EVERY_S:
            self.decode_tps = (sum(count for _, count in self._arrivals) - before) / (now - since)
        if now - self._told_at >= TOLD_EVERY_S:
            self._told_at = now
            self.changed.emit()

    def _note_finished(self, _request_id: str, event: FinishedEvent) -> None:
        if event.usage.decode_tps:
            self.decode_tps = event.usage.decode_tps
        self.loaded = event.loaded or self.loaded
        self._enter("ready" if self.loaded else "idle")

    def _note_failure(self, error: EngineError) -> None:
        if isinstance(error, RequestError):  # nothing is wrong with the engine
            self._enter("ready" if self.loaded else "idle")
            return
        if isinstance(error, ProcessError):
            self.loaded = None
        self._enter("failed")

    def _enter(self, phase: EnginePhase) -> None:
        self.phase = phase
        self.changed.emit()
