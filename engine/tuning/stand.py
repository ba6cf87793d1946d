"""Measures settings with real models: engine hosts in this process, each with one setting loaded.

One host does not keep a model loaded in two ways, so there are two of them and settings are compared without
loading again. Where a GPU is used there is one: two models on it would leave each other too little of it.
The user's own way of loading the model is left out of these hosts' settings, which lie in a folder of their
own; otherwise it would fill in wherever a trial wants the default.
"""

import statistics
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from engine.contract.chat import ChatMessage
from engine.contract.messages import (
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    ModelLoaded,
    ModelUnloaded,
    UnloadRequest,
    Usage,
)
from engine.contract.model_info import LoadedModel
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.contract.settings import EngineSettings
from engine.contract.tuned import TYPICAL_PROMPT_TOKENS, Trial
from engine.hardware.memory import available_bytes
from engine.host.settings_file import SettingsFile
from engine.tuning.asking import AskedHost
from engine.tuning.prompts import prompt_of

ANSWER_TOKENS = 64
LEAST_ANSWER_TOKENS = 16  # a shorter one says nothing of the decode speed
LEAST_PROMPT_TOKENS = 48
WORDS_PER_TOKEN = 0.7  # before the model's own tokens are known
MOST_OF_THE_TIME = 1 / 30  # that one trial may take
MOST_ANSWERS = 3  # of one trial


class _Host:
    """A host and the setting that it has loaded."""

    def __init__(self, model: str, paths: Paths) -> None:
        self._model, self._host = model, AskedHost(paths)
        self.load: LoadParams | None = None
        self.loaded: LoadedModel | None = None

    def put(self, load: LoadParams) -> LoadedModel:
        """Load the model this way, and no longer the way before; raises EngineError."""
        if self.loaded is None or load != self.load:
            if self.loaded is not None:
                self.loaded = None
                self._host.ask(UnloadRequest(request_id=uuid.uuid4().hex, model=self._model), ModelUnloaded)
            request = LoadRequest(request_id=uuid.uuid4().hex, model=self._model, load=load)
            self.load, self.loaded = load, self._host.ask(request, ModelLoaded).loaded
        return self.loaded

    def answer(self, request: GenerateRequest) -> FinishedEvent:
        """The end of an answer; raises EngineError."""
        try:
            return self._host.ask(request, FinishedEvent)
        except Exception:
            self.loaded = None
            raise

    def close(self) -> None:
        self._host.close()


class TuningStand:
    """Measures settings of one model, for the time of a `with` block. For one thread."""

    def __init__(
        self,
        model: Path,
        paths: Paths,
        settings: EngineSettings,
        *,
        seconds: float,
        uses_gpu: bool,
        folder: Path | None = None,
    ) -> None:
        """Nothing is loaded yet; `seconds` is the time of the whole search, by which trials are sized.

        `folder` is for files that are needed meanwhile; None takes the system's.
        """
        self._model, self._seconds = str(model), seconds
        self._folder = tempfile.TemporaryDirectory(prefix="retort-tune-", dir=folder)
        own = replace(paths, config=Path(self._folder.name))
        file = SettingsFile(own.settings)
        file.change("memory_reserve_mib", settings.memory_reserve_mib)
        file.change("prefix_cache_mib", 0)
        self._hosts = [_Host(self._model, own) for _ in range(1 if uses_gpu else 2)]
        self._num_words = 0  # of a prompt; 0 until the first trial has told
        self._is_chat = True
        self._count = 0

    def __enter__(self) -> "TuningStand":
        """Ready; the first trial loads."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the hosts and their workers."""
        for host in self._hosts:
            host.close()
        self._folder.cleanup()

    def measure(self, load: LoadParams, number: int, keep: LoadParams) -> Trial:
        """Answers with a setting, while that of `keep` stays loaded where two are; raises EngineError.

        Trials of one number have the same prompts.
        """
        host = self._host_for(load, keep)
        loaded = host.put(load)
        if not self._num_words:
            self._size(host, load)
        usages = self._answers(host, load, number)
        usage = usages[-1]
        peak_bytes = round(usage.peak_rss_mib * 2**20)
        others = sum(1 for other in self._hosts if other is not host and other.loaded is not None)
        # the other host's model would not be there
        free_bytes = max(0, available_bytes() + others * loaded.kv_cache_bytes)
        room = free_bytes // loaded.kv_bytes_per_token if loaded.kv_bytes_per_token else 0
        trained = loaded.info.context_length or loaded.context_length
        return Trial(
            prompt_tps=statistics.median(one.prompt_tps for one in usages),
            decode_tps=statistics.median(one.decode_tps for one in usages),
            resident_bytes=peak_bytes,
            free_bytes=free_bytes,
            context_length=loaded.context_length,
            most_context=max(loaded.context_length, min(trained, loaded.context_length + room)),
            backend=loaded.backend,
            backend_version=loaded.backend_version,
            device=loaded.device,
        )

    def _host_for(self, load: LoadParams, keep: LoadParams) -> _Host:
        for host in self._hosts:
            if host.loaded is not None and host.load == load:
                return host
        free = [host for host in self._hosts if host.loaded is None or host.load != keep]
        return (free or self._hosts)[0]

    def _size(self, host: _Host, load: LoadParams) -> None:
        """How long prompts are: 512 tokens, or fewer where the model is slow or its context short.

        The model's first answer warms it up besides.
        """
        assert host.loaded is not None
        self._is_chat = host.loaded.info.has_chat_template
        usage = self._answer(host, load, 0, round(LEAST_PROMPT_TOKENS * WORDS_PER_TOKEN)).usage
        if usage.completion_tokens < LEAST_ANSWER_TOKENS:  # it says little to a task: let it go on with prose
            self._is_chat = False
        room = host.loaded.context_length - ANSWER_TOKENS - 16
        seconds = self._seconds * MOST_OF_THE_TIME
        affordable = round(seconds * usage.prompt_tps) if usage.prompt_tps else TYPICAL_PROMPT_TOKENS
        tokens = max(LEAST_PROMPT_TOKENS, min(TYPICAL_PROMPT_TOKENS, room, affordable))
        tokens_per_word = usage.prompt_tokens / (LEAST_PROMPT_TOKENS * WORDS_PER_TOKEN + 20)
        self._num_words = max(16, int(tokens / max(1.0, tokens_per_word)) - 20)

    def _answers(self, host: _Host, load: LoadParams, number: int) -> list[Usage]:
        """One answer, or several where they are short: loading took longer than they do."""
        ends_at = time.monotonic() + self._seconds * MOST_OF_THE_TIME / 2
        usages: list[Usage] = []
        while len(usages) < MOST_ANSWERS and (not usages or time.monotonic() < ends_at):
            prompt_number = number * MOST_ANSWERS + len(usages)
            usages.append(self._answer(host, load, prompt_number, self._num_words).usage)
        return usages

    def _answer(self, host: _Host, load: LoadParams, number: int, num_words: int) -> FinishedEvent:
        text = prompt_of(num_words, number)
        return host.answer(
            GenerateRequest(
                request_id=uuid.uuid4().hex,
                model=self._model,
                load=load,
                messages=(ChatMessage(role="user", text=text),) if self._is_chat else (),
                prompt="" if self._is_chat else text,
                sampling=SamplingParams(seed=number),
                limits=GenerationLimits(max_tokens=ANSWER_TOKENS),
            )
        )
