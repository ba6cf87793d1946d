"""The memory ledger: what a model takes, byte by byte, once it is loaded one way.

The one place of this arithmetic: who stays in memory, what the loader asks of the devices and what `retort
fit` and the window's card say all come from here. Headers in, figures out; no native code, no measuring.
"""

from dataclasses import dataclass
from pathlib import Path

from engine.contract.fit_messages import BackendName, FitPart
from engine.contract.model_shape import OUTSIDE, ModelShape
from engine.contract.params import LoadParams, WeightType
from engine.hardware.compute_buffers import ComputeBytes, compute_bytes
from engine.hardware.kv_cache import has_latent, layer_kv_bytes, layer_state_bytes
from engine.hardware.kv_layout import KvLayout, choose_context_length, kv_layout

WORKER_BYTES = (
    32 * 2**20
)  # of a worker before it has loaded anything (measured, docs/benchmarks.md 2026-11-22)
ENGINE_BYTES = {"llama": 10 * 2**20, "torch": 220 * 2**20}  # native libraries once they run
TOKEN_BYTES = 170  # per token of the vocabulary: its text, and the tables that find it
# of the torch engine, scales included; as the file has them where it is not said
BYTES_PER_WEIGHT: dict[WeightType, float] = {"f32": 4.0, "bf16": 2.0, "int8": 1.1, "int4": 0.65}
# types whose products llama.cpp computes from a layout of its own on CPUs, which the embedding cannot have
REARRANGED_TYPES = ("Q4_0", "Q4_K", "IQ4_NL", "MXFP4", "Q2_K")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerMemory:
    """What one layer takes on the device that computes it. Routed experts may lie elsewhere."""

    weights: int
    experts: int
    kv_cache: int
    state: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.experts + self.kv_cache + self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMemory:
    """What a model takes once it is loaded."""

    backend: BackendName
    context_length: int
    layout: KvLayout
    layers: tuple[LayerMemory, ...]
    cache_part: FitPart  # "kv_cache" or "latent"
    input: int  # the embedding: always in RAM
    output: int  # the output layer and what else is outside the layers
    output_copy: int  # of a tied embedding, where the output layer is on another device than it
    mtp: int
    mtp_buffers: int  # its own cache and its own buffers for computing
    projector: int
    compute: ComputeBytes
    draft_model: int
    process: int

    @property
    def experts(self) -> int:
        """Routed experts of all layers."""
        return sum(layer.experts for layer in self.layers)

    @property
    def kv_cache(self) -> int:
        """The cache of all layers."""
        return sum(layer.kv_cache for layer in self.layers)

    @property
    def state(self) -> int:
        """The state of all recurrent layers."""
        return sum(layer.state for layer in self.layers)

    @property
    def weights(self) -> int:
        """What every token reads, but for the MTP head."""
        return self.input + self.output + sum(layer.weights for layer in self.layers)

    @property
    def kept_in_files(self) -> int:
        """Weights, which could be read from the disk again where the RAM has no room for them."""
        return self.weights + self.experts + self.mtp

    @property
    def total(self) -> int:
        """All of it, on a computer without GPUs."""
        cache = self.kv_cache + self.state
        rest = self.projector + self.compute.total + self.mtp_buffers + self.draft_model + self.process
        return self.kept_in_files + cache + rest


def measure(
    shape: ModelShape, load: LoadParams, *, free_bytes: int, draft: ModelShape | None = None
) -> ModelMemory:
    """What a model takes with these params; `free_bytes` of RAM, by which its cache is shared out.

    `draft` is the shape of the params' draft model.
    """
    backend = backend_of(shape, load)
    layout = kv_layout(shape, load, free_bytes)
    if backend == "torch":
        layout = KvLayout(layout.slots, choose_context_length(shape, load), is_shared=True)
    rows = _rows(shape, load, backend)
    buffers = compute_bytes(shape, load, layout)
    has_head = any(part == "mtp" for _, part in rows)
    drafts_by_itself = has_head and load.draft_tokens != 0 and not load.draft_model
    draft_bytes = 0
    if draft is not None:
        positions = choose_context_length(shape, load) * (load.sequences + 1)  # one more than is answered
        drafting = measure(draft, LoadParams(context_length=positions, sequences=1), free_bytes=free_bytes)
        draft_bytes = drafting.total - drafting.process
    return ModelMemory(
        backend=backend,
        context_length=choose_context_length(shape, load),
        layout=layout,
        layers=tuple(_layer(shape, load, layout, layer, rows) for layer in range(shape.num_layers)),
        cache_part="latent" if has_latent(shape) else "kv_cache",
        input=rows.get((OUTSIDE, "embedding"), 0),
        output=sum(size for (layer, part), size in rows.items() if layer == OUTSIDE and part != "embedding")
        + (_rearranged_copy(shape) if backend == "llama" else 0),
        output_copy=shape.tied_output_bytes if backend == "llama" else 0,
        mtp=sum(size for (_, part), size in rows.items() if part == "mtp") if drafts_by_itself else 0,
        mtp_buffers=_mtp_buffers(shape, load, buffers) if drafts_by_itself else 0,
        projector=shape.projector_bytes,
        compute=buffers,
        draft_model=draft_bytes,
        process=ENGINE_BYTES[backend] + TOKEN_BYTES * shape.vocabulary_size,
    )


def backend_of(shape: ModelShape, load: LoadParams) -> BackendName:
    """Which engine will run it: what `engine.library.backend_choice` says, for a model that is not here."""
    if shape.format == "checkpoint":
        return "torch"
    if load.backend != "auto":
        return load.backend
    is_torch_draft = bool(load.draft_model) and Path(load.draft_model).is_dir()
    return "torch" if load.weight_type != "auto" or is_torch_draft else "llama"


def _rows(shape: ModelShape, load: LoadParams, backend: str) -> dict[tuple[int, str], int]:
    """Bytes in memory by layer and part. A layer of the MTP head belongs to it as a whole."""
    per_weight = BYTES_PER_WEIGHT.get(load.weight_type) if backend == "torch" else None
    rows: dict[tuple[int, str], int] = {}
    for group in shape.weights:
        part = "mtp" if group.layer >= shape.num_layers else group.part
        size = int(group.num_values * per_weight) if per_weight else group.size_bytes
        rows[group.layer, part] = rows.get((group.layer, part), 0) + size
    return rows


def _mtp_buffers(shape: ModelShape, load: LoadParams, buffers: ComputeBytes) -> int:
    """A cache of one layer for everyone who is answered and one more, and buffers as the model has them."""
    positions = choose_context_length(shape, load) * (load.sequences + 1)
    cache = layer_kv_bytes(shape, shape.num_layers, load.kv_type, load.kv_type_v) * positions
    return round(cache) + buffers.graph


def _layer(
    shape: ModelShape, load: LoadParams, layout: KvLayout, layer: int, rows: dict[tuple[int, str], int]
) -> LayerMemory:
    return LayerMemory(
        weights=sum(size for (at, part), size in rows.items() if at == layer and part != "expert"),
        experts=rows.get((layer, "expert"), 0),
        kv_cache=round(layer_kv_bytes(shape, layer, load.kv_type, load.kv_type_v) * layout.positions),
        state=layer_state_bytes(shape, layer) * layout.slots,
    )


def _rearranged_copy(shape: ModelShape) -> int:
    """Of an embedding that is the output layer too, where products want another layout than lookups."""
    embedding = max(
        (group for group in shape.weights if group.part == "embedding"),
        key=lambda group: group.size_bytes,
        default=None,
    )
    is_rearranged = embedding is not None and embedding.type in REARRANGED_TYPES
    return shape.tied_output_bytes if is_rearranged else 0
