"""The settings of a call: how to sample, when to stop, how to load."""

from dataclasses import dataclass
from typing import Literal

FORBIDDEN = -1_000_000.0  # a logit bias that no token survives; JSON has no infinity
MAX_GRAMMAR_LENGTH = 262_144  # characters

KvType = Literal["f32", "f16", "bf16", "q8_0", "q4_0"]
FlashAttention = Literal["auto", "on", "off"]
BackendChoice = Literal["auto", "llama", "torch"]
WeightType = Literal["auto", "f32", "bf16", "int8", "int4"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How the next token is picked from the logits. The filters work in the order of the fields."""

    logit_bias: tuple[tuple[int, float], ...] = ()  # token id and what is added to its logit
    repeat_penalty: float = 1.0  # divides the logit of tokens seen in the window; 1 changes nothing
    frequency_penalty: float = 0.0  # subtracted once per occurrence in the window
    presence_penalty: float = 0.0  # subtracted once for any occurrence
    penalty_window: int = 64  # tokens that penalties look back on; -1 is the whole context
    dry_multiplier: float = 0.0  # punishes going on with a repetition; 0 is off
    dry_base: float = 1.75  # how steeply the punishment grows with the repetition's length
    dry_allowed_length: int = 2  # repetitions up to this many tokens go unpunished
    top_k: int = 40  # 0 keeps the whole vocabulary
    typical_p: float = 1.0  # 1 keeps the whole vocabulary
    top_p: float = 0.95  # 1 keeps the whole vocabulary
    min_p: float = 0.05  # 0 keeps the whole vocabulary
    xtc_probability: float = 0.0  # how often the likeliest choices are dropped; 0 is off
    xtc_threshold: float = 0.1  # those above this probability, but for the least likely of them
    temperature: float = 0.8  # 0 picks the most likely token
    seed: int | None = None  # None draws one per request
    grammar: str = ""  # GBNF that the answer has to follow
    json_schema: str = ""  # JSON Schema that the answer has to follow, in place of a grammar

    def __post_init__(self) -> None:
        """Refuse values no sampler can use."""
        _require_between("temperature", self.temperature, 0, 100)
        _require_between("top_k", self.top_k, 0, 2**31 - 1)
        _require(0 < self.typical_p <= 1, "typical_p", "above 0 and at most 1", self.typical_p)
        _require(0 < self.top_p <= 1, "top_p", "above 0 and at most 1", self.top_p)
        _require_between("min_p", self.min_p, 0, 1)
        _require_between("xtc_probability", self.xtc_probability, 0, 1)
        _require_between("xtc_threshold", self.xtc_threshold, 0, 1)
        repeat = self.repeat_penalty
        _require(0 < repeat <= 10, "repeat_penalty", "above 0 and at most 10", repeat)
        _require_between("frequency_penalty", self.frequency_penalty, -100, 100)
        _require_between("presence_penalty", self.presence_penalty, -100, 100)
        _require_between("penalty_window", self.penalty_window, -1, 2**20)
        _require_between("dry_multiplier", self.dry_multiplier, 0, 100)
        _require_between("dry_base", self.dry_base, 1, 100)
        _require_between("dry_allowed_length", self.dry_allowed_length, 1, 2**20)
        if self.seed is not None:
            _require_between("seed", self.seed, 0, 2**32 - 1)
        for token, bias in self.logit_bias:
            _require_between("a token id of logit_bias", token, 0, 2**31 - 1)
            _require_between("logit_bias", bias, FORBIDDEN, 1000)
        if self.grammar and self.json_schema:
            raise ValueError("a grammar and a JSON schema exclude each other")
        size = max(len(self.grammar), len(self.json_schema))
        _require(size <= MAX_GRAMMAR_LENGTH, "the grammar's length", f"at most {MAX_GRAMMAR_LENGTH}", size)


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationLimits:
    """When an answer ends, besides the model's own end tokens."""

    max_tokens: int | None = None  # None goes on to the context length
    stop: tuple[str, ...] = ()  # stop strings; the text ends before the first of them
    reasoning_budget: int | None = None  # tokens of reasoning; 0 is none, None leaves it to the model

    def __post_init__(self) -> None:
        """Refuse limits that mean nothing."""
        if self.max_tokens is not None:
            _require(self.max_tokens >= 0, "max_tokens", "0 or more", self.max_tokens)
        if self.reasoning_budget is not None:
            _require(self.reasoning_budget >= 0, "reasoning_budget", "0 or more", self.reasoning_budget)
        if any(not text for text in self.stop):
            raise ValueError("a stop string must not be empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerPlacement:
    """Which device holds which layers; counted from the model's end, as llama.cpp does."""

    gpu_layers: int  # the last so many; the output layer counts as one
    gpu_shares: tuple[float, ...] = ()  # of those layers for each GPU in turn; empty leaves it to the engine
    main_gpu: int = 0  # for what is not split
    expert_layers_in_ram: tuple[int, ...] = ()  # layers on GPUs whose routed experts stay in RAM

    def __post_init__(self) -> None:
        """Refuse what no engine can do."""
        _require(self.gpu_layers >= 0, "gpu_layers", "0 or more", self.gpu_layers)
        _require(self.main_gpu >= 0, "main_gpu", "0 or more", self.main_gpu)
        _require(all(share >= 0 for share in self.gpu_shares), "gpu_shares", "0 or more", self.gpu_shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadParams:
    """How a model is put into memory. Two different ones are two loaded models."""

    context_length: int | None = None  # tokens; None takes the trained length, at most 8192
    threads: int | None = None  # None takes the physical cores, leaving one processor free
    gpu_layers: int = -1  # -1 offloads every layer that a device takes, 0 none
    placement: LayerPlacement | None = None  # layer by layer, chosen by the host; None goes by gpu_layers
    batch_size: int = 512  # tokens per decode call
    kv_type: KvType = "f16"
    kv_type_v: KvType | None = None  # of the values, where it differs from that of the keys
    sequences: int = 4  # requests that are answered at a time; others wait
    flash_attention: FlashAttention = "auto"
    use_mmap: bool = True  # the weights stay in the file and are read as they are needed
    use_mlock: bool = False  # the weights may not leave the memory
    backend: BackendChoice = "auto"  # which engine runs it, where two can
    weight_type: WeightType = "auto"  # of the torch engine: as the file has them, or fewer bits
    draft_tokens: int | None = 0  # guessed per step by MTP layers or from the text; None measures what pays
    draft_model: str = ""  # a smaller model with the same vocabulary that guesses
    count_experts: bool = False  # the torch engine tells how often each expert was chosen

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be loaded."""
        if self.context_length is not None:
            _require(
                8 <= self.context_length <= 2**24, "context_length", "from 8 to 16777216", self.context_length
            )
        if self.threads is not None:
            _require(1 <= self.threads <= 512, "threads", "from 1 to 512", self.threads)
        if self.draft_tokens is not None:
            _require_between("draft_tokens", self.draft_tokens, 0, 8)
        _require(self.gpu_layers >= -1, "gpu_layers", "-1 or more", self.gpu_layers)
        _require(1 <= self.batch_size <= 65536, "batch_size", "from 1 to 65536", self.batch_size)
        _require(1 <= self.sequences <= 128, "sequences", "from 1 to 128", self.sequences)


def _require_between(name: str, value: float, least: float, most: float) -> None:
    _require(least <= value <= most, name, f"from {least} to {most}", value)


def _require(holds: bool, name: str, wanted: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}, got {value}")
