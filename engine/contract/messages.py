"""The messages on the wire, one type each: those of models in memory and of answers, and the union of all.

Requests go down (window → host → worker), events come up. Other messages have files of their own beside this.
An event carries the id of the request it answers, a sequence number that grows by one per event of a
process, and the generation of the worker it comes from: events of a worker that has died are ignored.
"""

from typing import Any, Literal

import msgspec

from engine.contract.bin_messages import BinEvent, BinQuestion
from engine.contract.catalogue_messages import CatalogueEvent, CatalogueQuestion
from engine.contract.chat import ChatMessage, Part, ReasoningPart, TextPart, ToolCallPart
from engine.contract.component_messages import ComponentEvent, ComponentQuestion
from engine.contract.elsewhere_messages import ElsewhereEvent, ElsewhereQuestion
from engine.contract.errors import DetailValue
from engine.contract.fit_messages import DeviceMemory, FitRequest, FitTold
from engine.contract.hub_messages import HubEvent, HubRequest
from engine.contract.job_messages import JobEvent, JobRequests
from engine.contract.library_messages import LibraryEvent, LibraryRequest
from engine.contract.message_base import EventBase as _Event
from engine.contract.message_base import MessageBase as _Message
from engine.contract.model_info import LoadedModel, MemoryChange
from engine.contract.pack_messages import PackEvent, PackRequest, ProbeRequest
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.place_messages import PlaceEvent, PlaceQuestion
from engine.contract.settings_messages import SettingsChange, SettingsEvent, StatusRequest
from engine.contract.tuning_messages import TuningEvent, TuningRequest
from engine.contract.unfinished_messages import UnfinishedEvent, UnfinishedQuestion
from engine.contract.workbench_messages import WorkbenchEvent, WorkbenchRequest

ReasoningEnd = Literal["", "budget", "loop", "asked"]
FinishReason = Literal["stop", "length", "context", "cancelled"]  # length: max_tokens; context: its length
MAX_LOGPROBS = 20  # alternatives per token
# by request, by time, for another model, its worker died, another engine is used from now on
UnloadReason = Literal["asked", "idle", "room", "ended", "engine"]


class Hello(_Message, tag="hello", frozen=True, kw_only=True):
    """The first line of every process: who speaks, and whether the two sides fit."""

    process: Literal["host", "worker", "gateway"]  # a job's process counts as a worker
    protocol: int
    fingerprint: str
    pid: int


class LoadRequest(_Message, tag="load", frozen=True, kw_only=True):
    """Put a model into memory; answered by LoadProgress and ModelLoaded."""

    request_id: str
    model: str  # `builtin`, a name of the library, or a path
    load: LoadParams = LoadParams()
    prefix_cache_mib: int = 0  # said by the host: of the disk, for the states of conversations; 0 keeps none


class GenerateRequest(_Message, tag="generate", frozen=True, kw_only=True):
    """Answer a conversation, or go on with a bare prompt; loads the model where it is not yet in memory.

    Answered by any number of AnswerEvents and one FinishedEvent or ErrorEvent.
    """

    request_id: str
    model: str
    load: LoadParams = LoadParams()
    conversation_id: str = ""
    messages: tuple[ChatMessage, ...] = ()  # the path from the first message to the newest
    tools: tuple[dict[str, Any], ...] = ()  # what may be called, each as {"type": "function", "function": …}
    documents: tuple[dict[str, Any], ...] = ()  # to answer from, for templates that know them
    reasoning_effort: str = ""  # one of LoadedModel.reasoning_efforts; empty leaves it to the template
    template_options: dict[str, Any] = msgspec.field(
        default_factory=dict
    )  # more variables of the chat template
    keep_language: bool = False  # letters of scripts that the conversation does not use become unlikely
    continue_last: bool = False  # the last message is an answer that goes on where its text ends
    prompt: str = ""  # used instead of messages where there are none
    sampling: SamplingParams = SamplingParams()
    limits: GenerationLimits = GenerationLimits()
    logprobs: int | None = None  # tell each token's log-probability, and so many alternatives

    def __post_init__(self) -> None:
        """Refuse what cannot be told."""
        if self.logprobs is not None and not 0 <= self.logprobs <= MAX_LOGPROBS:
            raise ValueError(f"logprobs must be from 0 to {MAX_LOGPROBS}, got {self.logprobs}")


class CancelRequest(_Message, tag="cancel", frozen=True, kw_only=True):
    """Stop the named request; it still ends with its own FinishedEvent (reason `cancelled`)."""

    request_id: str


class AnswerNowRequest(_Message, tag="answer_now", frozen=True, kw_only=True):
    """End the reasoning of the named request: the answer follows on it, and nothing is lost of either.

    Answered by nothing; without effect where the model does not reason just now.
    """

    request_id: str


class ForgetRequest(_Message, tag="forget", frozen=True, kw_only=True):
    """A conversation was deleted: what was kept of it to answer sooner goes too. Answered by nothing."""

    request_id: str
    conversation_id: str


class UnloadRequest(_Message, tag="unload", frozen=True, kw_only=True):
    """Give the model's memory back; answered by ModelUnloaded."""

    request_id: str
    model: str


class DescribeRequest(_Message, tag="describe", frozen=True, kw_only=True):
    """Ask a worker which native library it runs and on what; answered by EngineDescription."""

    request_id: str


WorkerRequest = (
    LoadRequest
    | GenerateRequest
    | CancelRequest
    | AnswerNowRequest
    | ForgetRequest
    | UnloadRequest
    | DescribeRequest
)
Request = (
    WorkerRequest
    | LibraryRequest
    | UnfinishedQuestion
    | BinQuestion
    | PlaceQuestion
    | ElsewhereQuestion
    | CatalogueQuestion
    | HubRequest
    | ComponentQuestion
    | SettingsChange
    | StatusRequest
    | JobRequests
    | WorkbenchRequest
    | FitRequest
    | PackRequest
    | ProbeRequest
    | TuningRequest
)


class LoadProgress(_Event, tag="load_progress", frozen=True, kw_only=True):
    """How much of the weights has been read."""

    model: str
    fraction: float


class ModelLoaded(_Event, tag="model_loaded", frozen=True, kw_only=True):
    """The model is in memory and answers."""

    model: str
    loaded: LoadedModel
    memory: MemoryChange | None = None  # from the host; None where the model was in memory already


class ModelUnloaded(_Event, tag="model_unloaded", frozen=True, kw_only=True):
    """The model's memory has been given back; request_id is empty where nobody asked for it."""

    model: str
    reason: UnloadReason = "asked"
    memory: MemoryChange | None = None  # None where the worker died


class TokenLogprob(msgspec.Struct, frozen=True):
    """A token, and how likely the model found it: natural logarithm, temperature 1, before all filters."""

    text: str  # U+FFFD for a part of a character
    data: bytes
    logprob: float
    alternatives: tuple["TokenLogprob", ...] = ()  # the likeliest tokens, best first


class TextEvent(_Event, tag="text", frozen=True, kw_only=True):
    """More text of an answer."""

    text: str
    num_tokens: int = 0  # generated since the last event of the answer; text may wait for several
    logprobs: tuple[TokenLogprob, ...] = ()  # of the tokens since the last event, where they were asked for


class ReasoningEvent(_Event, tag="reasoning", frozen=True, kw_only=True):
    """More of what the model thinks before it answers."""

    text: str
    num_tokens: int = 0
    logprobs: tuple[TokenLogprob, ...] = ()


class ToolCallEvent(_Event, tag="tool_call", frozen=True, kw_only=True):
    """A tool call, once it is whole or has turned out to be none."""

    call: ToolCallPart


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer took: tokens, and milliseconds on the worker's clock."""

    prompt_tokens: int = 0
    cached_tokens: int = 0  # of the prompt, found in the KV cache
    completion_tokens: int = 0
    reasoning_tokens: int = 0  # of the completion
    ttft_ms: float = 0.0  # from the start of tokenizing to the first token
    prompt_ms: float = 0.0
    decode_ms: float = 0.0
    peak_rss_mib: float = 0.0
    drafted_tokens: int = 0
    accepted_tokens: int = 0  # of those drafted
    drafting: str = ""  # what drafting brought, in words; empty where nobody drafts
    # how often this request chose each expert of each layer; empty where that is not counted
    expert_counts: tuple[tuple[int, ...], ...] = ()

    @property
    def prompt_tps(self) -> float:
        """Prompt tokens that were really evaluated, per second."""
        evaluated = self.prompt_tokens - self.cached_tokens
        return 1000 * evaluated / self.prompt_ms if self.prompt_ms > 0 else 0.0

    @property
    def decode_tps(self) -> float:
        """Tokens per second after the first one."""
        return 1000 * (self.completion_tokens - 1) / self.decode_ms if self.decode_ms > 0 else 0.0


class TemplateNotice(msgspec.Struct, frozen=True, kw_only=True):
    """The model's chat template failed, and the answer was asked for in plain turns."""

    fallback: str  # whose turns, for example "ChatML"
    reason: str  # what the template failed of


class FinishedEvent(_Event, tag="finished", frozen=True, kw_only=True):
    """The end of an answer. One that was cancelled before its model was in memory has no usage."""

    reason: FinishReason
    usage: Usage = Usage()
    seed: int = 0  # the one that was drawn, so that an answer can be repeated
    loaded: LoadedModel | None = None
    template_notice: TemplateNotice | None = None
    reasoning_ended_by: ReasoningEnd = ""  # what ended the reasoning in the model's place
    drifted_to: str = ""  # the code of the language that the answer slipped into, such as "zh"


class EngineDescription(_Event, tag="engine_description", frozen=True, kw_only=True):
    """A native library and the devices it sees."""

    backend: str
    version: str
    system: str  # CPU features in use, as the library says them
    devices: tuple[str, ...]
    memory: tuple[DeviceMemory, ...] = ()  # of those that can hold weights
    modules: tuple[str, ...] = ()  # chosen for these devices at the start; none where they are built in


class ErrorEvent(_Event, tag="error", frozen=True, kw_only=True):
    """The request failed; an empty request_id means the process itself has something to say."""

    code: str
    message: str
    details: dict[str, DetailValue] = msgspec.field(default_factory=dict)


class Heartbeat(_Event, tag="heartbeat", frozen=True, kw_only=True):
    """A worker lives; sent about once a second, and kept by the host for itself."""

    call_s: float  # how long its main thread has been within the call that it is in


AnswerEvent = TextEvent | ReasoningEvent | ToolCallEvent


def answer_event(request_id: str, part: Part) -> AnswerEvent:
    """The event that brings a part of an answer."""
    if isinstance(part, TextPart):
        return TextEvent(request_id=request_id, text=part.text)
    if isinstance(part, ReasoningPart):
        return ReasoningEvent(request_id=request_id, text=part.text)
    return ToolCallEvent(request_id=request_id, call=part)


def event_part(event: AnswerEvent) -> Part:
    """The part of an answer that an event brings."""
    if isinstance(event, ToolCallEvent):
        return event.call
    return TextPart(event.text) if isinstance(event, TextEvent) else ReasoningPart(event.text)


Event = (
    LoadProgress
    | ModelLoaded
    | ModelUnloaded
    | AnswerEvent
    | FinishedEvent
    | EngineDescription
    | Heartbeat
    | LibraryEvent
    | UnfinishedEvent
    | BinEvent
    | PlaceEvent
    | ElsewhereEvent
    | CatalogueEvent
    | HubEvent
    | ComponentEvent
    | SettingsEvent
    | JobEvent
    | WorkbenchEvent
    | FitTold
    | TuningEvent
    | PackEvent
    | ErrorEvent
)
Message = Hello | Request | Event
