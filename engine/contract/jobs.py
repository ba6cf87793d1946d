"""The workbench's jobs and what comes of them: each runs in a process of its own, which alone knows how.

A recipe travels as the text of its file (see `engine.quantization.recipe`), so that a type on its own is
`{"base": "Q4_K_M"}`. Paths are absolute; models may be named as everywhere until the host has found them.
"""

import math
from typing import Literal

import msgspec

from engine.contract.errors import DetailValue

JobStep = Literal[
    "waiting", "planning", "quantizing", "converting", "reading", "scoring", "comparing", "trying types"
]  # what a job is doing, in words that the window can translate
JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
Converter = Literal["auto", "own", "llama.cpp"]  # "auto": llama.cpp's scripts where ours knows no layout

CHUNK_LENGTH = 512  # tokens, as llama.cpp's perplexity tool has it
RECIPE_CHUNKS = 16  # read anew for every trial of a recipe: some 4,000 scored tokens tell types apart


class _Job(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What jobs have in common: a tag in the JSON object."""


class PlanJob(_Job, tag="plan", frozen=True, kw_only=True):
    """What a recipe would make of a model, without computing it; answered by PlanResult."""

    source: str
    recipe: str
    target: str = ""  # refused where it is the source under another name


class QuantizeJob(_Job, tag="quantize", frozen=True, kw_only=True):
    """Write a GGUF model in other types; answered by QuantizeResult."""

    source: str
    target: str
    recipe: str
    importance: str = ""  # the path of an importance matrix
    threads: int = 0  # 0: as many as there are cores


class ConvertJob(_Job, tag="convert", frozen=True, kw_only=True):
    """Write a folder of safetensors as a GGUF file; answered by ConvertResult."""

    source: str
    target: str
    weight_type: str = "Q8_0"  # of the matrices: F32, F16, BF16 or Q8_0
    converter: Converter = "auto"
    is_dry_run: bool = False  # only check and tell the size, which llama.cpp's scripts cannot


class ImportanceJob(_Job, tag="importance", frozen=True, kw_only=True):
    """Let a model read a text and keep how strongly its inputs are used; answered by ImportanceResult."""

    model: str
    text: str  # the path of a text file
    target: str
    chunk_length: int = CHUNK_LENGTH
    max_chunks: int | None = None


class MeasureJob(_Job, tag="measure", frozen=True, kw_only=True):
    """Perplexity on a text, and how far a model is from a reference; answered by a QualityCard."""

    model: str
    text: str
    against: str = ""  # the reference; empty for perplexity alone
    chunk_length: int = CHUNK_LENGTH
    max_chunks: int | None = None


class RecipeJob(_Job, tag="recipe", frozen=True, kw_only=True):
    """The recipe of least damage within a number of bytes; answered by RecipeResult.

    With a text the damage of every type to every group of tensors is measured on it. Without one the largest
    of the stock types that fits is taken, which is known at once.
    """

    model: str
    budget_bytes: int = 0  # 0: what this machine's free memory leaves beside a context of `context_length`
    context_length: int = 0  # tokens; read only where the machine is the budget
    is_dry_run: bool = False  # the text is looked at and nothing measured
    text: str = ""
    importance: str = ""
    chunk_length: int = CHUNK_LENGTH
    max_chunks: int | None = RECIPE_CHUNKS


class ExportCardJob(_Job, tag="export_card", frozen=True, kw_only=True):
    """Write quality cards to a file: JSON, or a picture where its name ends in .svg."""

    cards: "tuple[QualityCard, ...]"
    target: str


Job = PlanJob | QuantizeJob | ConvertJob | ImportanceJob | MeasureJob | RecipeJob | ExportCardJob


class _Result(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What results have in common: the tag of the job that they are of."""


class PlannedTensor(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one tensor."""

    name: str
    part: str  # of the model: "routed experts", "router", "norm" …
    shape: tuple[int, ...]  # innermost dimension first
    old_type: str
    new_type: str
    wanted_type: str  # what was asked for; another than new_type where the rows do not allow it
    size_bytes: int  # afterwards

    @property
    def fell_back(self) -> bool:
        """Whether another type than the one asked for is taken."""
        return self.wanted_type != self.new_type


class PlanResult(_Result, tag="plan", frozen=True, kw_only=True):
    """What would be written, exactly."""

    tensors: tuple[PlannedTensor, ...]
    size_bytes: int  # of the file
    source_bytes: int
    bits_per_weight: float
    needs_importance: bool  # it would be refused without an importance matrix

    @property
    def source_bits_per_weight(self) -> float:
        """What the source spends on a weight, its metadata counted in; 0 for a model without weights."""
        weights = sum(math.prod(tensor.shape) for tensor in self.tensors)
        return 8 * self.source_bytes / weights if weights else 0.0

    @property
    def source_has_lost_bits(self) -> bool:
        """Whether the source itself is quantized to fewer bits than the eight that lose next to nothing."""
        return 0 < self.source_bits_per_weight < 8


class QuantizeResult(_Result, tag="quantize", frozen=True, kw_only=True):
    """What was written."""

    target: str
    size_bytes: int
    source_bytes: int
    bits_per_weight: float
    tensor_types: dict[str, int]  # how many tensors of each
    fallen_back: tuple[str, ...]  # tensors that got another type than was asked for
    seconds: float


class ConvertResult(_Result, tag="convert", frozen=True, kw_only=True):
    """What was written, or would be."""

    target: str
    size_bytes: int  # 0 where it is not known beforehand
    seconds: float
    converter: str = "own"  # or "llama.cpp"
    notes: tuple[str, ...] = ()  # what the file does not keep or computes otherwise, in words


class ImportanceResult(_Result, tag="importance", frozen=True, kw_only=True):
    """What was written, and which experts no token reached."""

    target: str
    num_chunks: int
    unreached_experts: dict[str, int]  # by tensor
    seconds: float


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A mean over tokens with its standard error."""

    value: float
    error: float


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """How far a model's predictions are from its reference's; KL divergences in nats per token."""

    mean: Estimate
    median: float
    percentile_99: float
    largest: float
    top1_agreement: Estimate  # 0 to 1
    flips_to_wrong: float  # share of positions where the reference's first choice was right, the model's not
    flips_to_right: float


class QualityCard(_Result, tag="measure", frozen=True, kw_only=True):
    """One measurement of one model on one text; kept with the model."""

    model: str  # its path
    against: str  # the reference's path; empty without one
    text_name: str
    text_sha256: str
    chunk_length: int
    num_tokens: int  # scored
    perplexity: Estimate
    divergence: Divergence | None
    prompt_tps: float  # tokens per second: half a chunk at once
    decode_tps: float  # one token after the other
    size_bytes: int
    bits_per_weight: float
    measured_at: float  # seconds since 1970
    peak_memory_bytes: int = 0  # of the process that scored it, at most; 0 where it was not measured
    draft_acceptance: float | None = None  # share of the MTP head's drafts that the model agrees with


class RecipeResult(_Result, tag="recipe", frozen=True, kw_only=True):
    """A recipe within its budget."""

    recipe: str
    size_bytes: int  # of the file that it gives, exactly
    bits_per_weight: float
    budget_bytes: int = 0  # what it had to fit into


class ExportCardResult(_Result, tag="export_card", frozen=True, kw_only=True):
    """What was written."""

    target: str


JobResult = (
    PlanResult
    | QuantizeResult
    | ConvertResult
    | ImportanceResult
    | QualityCard
    | RecipeResult
    | ExportCardResult
)


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A job as its host keeps it."""

    request_id: str
    job: Job
    state: JobState
    started_at: float  # seconds since 1970; of one that waits, when it was asked for
    ended_at: float = 0.0  # 0 while it has not
    starts: int = 1  # more than one where an earlier host ended before it
    result: JobResult | None = None
    error_code: str = ""
    error_message: str = ""
    error_details: dict[str, DetailValue] = {}
