"""The torch engine as a backend: a folder of safetensors or a GGUF file, run by `engine.transformer`."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from engine.backends.tokenizer import ModelTokenizer, read_gguf_tokenizer, read_tokenizer
from engine.chat.reasoning_effort import reasoning_efforts
from engine.contract.errors import InternalError, InvalidRequest, ModelDamaged
from engine.contract.model_info import LoadedModel, ModelInfo
from engine.contract.params import LoadParams, SamplingParams
from engine.contract.paths import Paths
from engine.generation.backend import CacheFull, Cancelled, Entry, Floats, Progress
from engine.generation.draft import PromptLookup
from engine.generation.sampler import LogitsSampler
from engine.generation.speculative import NEAR_TIE, QUANTIZED_NEAR_TIE
from engine.generation.vocabulary import Vocabulary
from engine.hardware.expert_placement import ModelBytes, place_model
from engine.hardware.memory import available_bytes, physical_cores, rss_bytes
from engine.library.checkpoint import Checkpoint, describe_checkpoint, read_checkpoint
from engine.library.describe import describe
from engine.library.gguf import GgufHeader, read_header
from engine.transformer.config import ModelConfig
from engine.transformer.drafters import ModelDrafter, MtpDrafter
from engine.transformer.model import Transformer, load_model, model_config
from engine.transformer.products import product_speeds
from engine.transformer.quantized_linear import QuantizedType

ModelFile = Checkpoint | GgufHeader

DEFAULT_CONTEXT_LENGTH = 8192
log = logging.getLogger("retort.backends")
IDLE_SLOTS = 4  # conversations that stay in the KV cache while others run
WEIGHT_BYTES: dict[QuantizedType, float] = {"int8": 1.0, "int4": 0.625}


class TorchBackend:
    """Implements `engine.generation.backend.Backend` over a `Transformer`.

    Weights and KV cache are kept in one type, which `choose_dtype` chooses; linear layers in 8 or 4 bits
    where that is asked for. `kv_bytes_per_token` says what a position takes.
    """

    def __init__(self, path: Path, params: LoadParams, progress: Progress, cancelled: Cancelled) -> None:
        """Load a checkpoint.

        Raises ModelError or InvalidRequest; DecodeCancelled where `cancelled` became true while loading.
        """
        started, rss_before_bytes = time.perf_counter(), rss_bytes()
        if {params.kv_type, params.kv_type_v} & {"q8_0", "q4_0"}:
            raise InvalidRequest("the torch engine has no quantized KV cache; leave its type out")
        model_file = read_model_file(path)
        config = model_config(model_file)
        self._tokenizer = _read_tokenizer(model_file)
        if self._tokenizer.num_tokens > config.vocabulary_size:
            raise ModelDamaged(
                str(path),
                f"its tokenizer has {self._tokenizer.num_tokens} tokens, the model {config.vocabulary_size}",
            )
        device = choose_device(params)
        quantize_to = quantized_type(params, device)
        context_length = params.context_length or min(config.context_length, DEFAULT_CONTEXT_LENGTH)
        if device.type == "cpu":
            torch.set_num_threads(params.threads or physical_cores())
        dtype = choose_dtype(params, device, model_file)
        sizes = model_bytes(model_file, config, context_length, dtype, quantize_to=quantize_to)
        placement = place_model(sizes, ram_free=available_bytes(), gpu_free=free_gpu_bytes(device))
        if placement.where == "cpu" and device.type != "cpu":
            device = torch.device("cpu")
            dtype = choose_dtype(params, device, model_file)
        log.info("%s: %s", placement.where, placement.reason)
        self._model = load_model(
            model_file,
            dtype=dtype,
            device=str(device),
            expert_device="cpu" if placement.where == "split" else None,
            quantize_to=quantize_to,
            cache_folder=Paths.from_environment().cache,
            with_mtp=params.draft_tokens != 0,
            progress=progress,
            cancelled=cancelled,
        )
        self._draft_model = None
        if params.draft_model:
            self._draft_model = load_draft_model(
                Path(params.draft_model),
                self._tokenizer,
                num_logits=config.vocabulary_size,
                dtype=dtype,
                device=device,
                quantize_to=quantize_to,
                cancelled=cancelled,
            )
        self.num_slots = params.sequences + IDLE_SLOTS
        self.can_truncate = True
        self._caches = [
            self._model.new_cache(context_length, count_experts=params.count_experts)
            for _ in range(self.num_slots)
        ]
        self.num_positions = context_length  # positions of all slots together: what memory was found free for
        self._states: dict[int, torch.Tensor] = {}  # by slot, hidden states (T, C) of its last decode call
        self._draft_tokens = params.draft_tokens
        self._logits: list[torch.Tensor] = []  # (V,) float32 each, of the last decode call
        self.batch_size = min(params.batch_size, context_length)
        self.is_interruptible = True  # between layers
        is_exact = dtype == torch.float32 and quantize_to is None
        self.near_tie = NEAR_TIE if is_exact else QUANTIZED_NEAR_TIE
        self.end_tokens = self._tokenizer.end_tokens
        self.vocabulary = Vocabulary(self.piece, config.vocabulary_size, self.end_tokens)
        self.chat_template = self._tokenizer.chat_template
        self.template_tokens = self._tokenizer.template_tokens
        self.loaded = LoadedModel(
            info=_describe(model_file),
            backend="torch",
            weight_type=params.weight_type,
            device=describe_device(device),
            context_length=context_length,
            kv_bytes_per_token=self._caches[0].bytes_per_token,
            load_ms=1000 * (time.perf_counter() - started),
            backend_version=str(torch.__version__),
            reasoning_efforts=reasoning_efforts(self.chat_template),
            sequences=params.sequences,
            kv_cache_bytes=self._caches[0].bytes_per_token * self.num_positions,
            rss_before_bytes=rss_before_bytes,
            rss_after_bytes=rss_bytes(),
        )

    def tokenize(self, text: str, *, add_special: bool) -> list[int]:
        """Token ids, with special tokens in the text recognised."""
        return self._tokenizer.encode(text, add_special=add_special)

    def piece(self, token: int, *, special: bool = False) -> bytes:
        """The bytes of a token; special tokens have none."""
        return self._tokenizer.piece(token, special=special)

    def decode(self, entries: Sequence[Entry], cancelled: Cancelled) -> list[int]:
        """Compute the entries one after the other; a cancel is noticed between layers."""
        if (
            sum(cache.length for cache in self._caches) + sum(len(e.token_ids) for e in entries)
            > self.num_positions
        ):
            raise CacheFull
        rows, all_logits = list[int](), list[torch.Tensor]()
        for entry in entries:
            cache, end = self._caches[entry.slot], entry.position + len(entry.token_ids)
            if entry.position > cache.length or end > cache.max_length:
                raise InternalError(
                    f"positions {entry.position} to {end} do not follow on the KV cache of {cache.max_length}"
                )
            hidden = self._model.hidden_states(entry.token_ids, entry.position, cache, cancelled)  # (T, C)
            self._states[entry.slot] = hidden
            rows.append(len(all_logits))
            if entry.num_logits:
                all_logits += self._model.logits(hidden[-entry.num_logits :])  # (V,) each
        self._logits = all_logits
        return rows

    def logits(self, row: int) -> Floats:
        """A row of logits, (V,)."""
        if row >= len(self._logits):
            raise InternalError(f"there are {len(self._logits)} rows of logits, {row} was asked for")
        logits: Floats = self._logits[row].cpu().numpy()
        return logits

    def truncate(self, slot: int, length: int) -> bool:
        """Forget positions from `length` on, which every architecture here can."""
        cache = self._caches[slot]
        cache.truncate(length)
        if length == 0 and cache.expert_counts is not None:
            cache.expert_counts.zero_()
        return True

    def copy(self, source: int, target: int, length: int) -> None:
        """The same rows in another slot."""
        self._caches[target].copy_from(self._caches[source], length)

    def save_state(self, slot: int, *, partial: bool = False) -> bytes:  # noqa: ARG002
        """The rows of a slot, layer by layer, without a header: who keeps them on a disk adds one."""
        return self._caches[slot].to_bytes()

    def restore_state(self, slot: int, state: bytes, *, partial: bool = False) -> bool:  # noqa: ARG002
        """Bring back what `save_state` gave; false for what is no whole number of positions, too."""
        cache = self._caches[slot]
        cache.truncate(0)
        length, rest = divmod(len(state), cache.bytes_per_token)
        if rest or length > cache.max_length:
            return False
        if sum(other.length for other in self._caches) + length > self.num_positions:
            return False
        cache.take_bytes(state)
        return True

    def states(self, slot: int) -> torch.Tensor:
        """Hidden states (T, C) of the last call."""
        return self._states[slot]

    def drafter(self) -> MtpDrafter | ModelDrafter | PromptLookup | None:
        """The draft model, else the model's MTP layers, else the text itself; None where drafting is off."""
        if self._draft_tokens == 0:
            return None
        if self._draft_model is not None:
            trained = self._draft_model.config.context_length
            return ModelDrafter(self._draft_model, min(self.loaded.context_length, trained))
        if self._model.mtp_layers:
            return MtpDrafter(self._model, self.loaded.context_length)
        return PromptLookup()

    def expert_counts(self, slot: int) -> tuple[tuple[int, ...], ...]:
        """How often each expert of each layer was chosen, of tokens that were forgotten again too."""
        counts = self._caches[slot].expert_counts
        return () if counts is None else tuple(tuple(layer) for layer in counts.tolist())

    def sampler(self, params: SamplingParams, seed: int, history: Sequence[int]) -> LogitsSampler:
        """A sampler over this backend's logits, which has seen the prompt's end."""
        return LogitsSampler(
            params,
            seed,
            history,
            logits=self.logits,
            vocabulary=self.vocabulary,
        )

    def close(self) -> None:
        """Give the memory back."""
        self._model = self._draft_model = None  # type: ignore[assignment]
        self._caches, self._logits, self._states = [], [], {}
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def read_model_file(path: Path) -> ModelFile:
    """A folder's checkpoint or a GGUF file's header with its vocabulary; raises ModelError."""
    return read_checkpoint(path) if path.is_dir() else read_header(path, whole_arrays=True)


def load_draft_model(
    path: Path,
    tokenizer: ModelTokenizer,
    *,
    num_logits: int,
    dtype: torch.dtype,
    device: torch.device,
    quantize_to: QuantizedType | None,
    cancelled: Cancelled,
) -> Transformer:
    """A model whose guesses another one checks; raises InvalidRequest for another vocabulary."""
    model_file = read_model_file(path)
    other, width = _read_tokenizer(model_file), model_config(model_file).vocabulary_size
    if width != num_logits:  # rows beyond the tokenizer's tokens are padding, but both have to have them
        raise InvalidRequest(
            f"the draft model {path.name} gives {width} logits per token, the model {num_logits}; only "
            "models of one vocabulary can draft for each other"
        )
    same = other.num_tokens == tokenizer.num_tokens and all(
        other.piece(token, special=True) == tokenizer.piece(token, special=True)
        for token in range(tokenizer.num_tokens)
    )
    if not same:
        raise InvalidRequest(
            f"the draft model {path.name} has another vocabulary ({other.num_tokens} tokens) than the model "
            f"({tokenizer.num_tokens}); only models of one family can draft for each other"
        )
    return load_model(
        model_file,
        dtype=dtype,
        device=str(device),
        quantize_to=quantize_to,
        cache_folder=Paths.from_environment().cache,
        with_mtp=False,
        cancelled=cancelled,
    )


def _read_tokenizer(model_file: ModelFile) -> ModelTokenizer:
    if isinstance(model_file, GgufHeader):
        return read_gguf_tokenizer(model_file)
    return read_tokenizer(model_file.folder)


def _describe(model_file: ModelFile) -> ModelInfo:
    return describe(model_file) if isinstance(model_file, GgufHeader) else describe_checkpoint(model_file)


def choose_device(params: LoadParams) -> torch.device:
    """The first GPU that torch sees, unless no layer is to be offloaded. No GPU has been tried yet."""
    if params.gpu_layers == 0:
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def quantized_type(params: LoadParams, device: torch.device) -> QuantizedType | None:
    """The bits of linear layers; raises InvalidRequest for int4 on a GPU, whose kernel is another."""
    if params.weight_type == "int4" and device.type != "cpu":
        raise InvalidRequest("4-bit weights run on the CPU only; take int8, or --gpu-layers 0")
    return params.weight_type if params.weight_type in ("int8", "int4") else None


def choose_dtype(params: LoadParams, device: torch.device, model_file: ModelFile) -> torch.dtype:
    """What is computed in: float32, or 16 bits.

    CUDA computes in bfloat16; Apple's GPUs, of which older ones know none, in float16. CPUs take bfloat16
    where a file's weights lose nothing by it and products were measured faster so; for quantized models they
    compute in float32, around products that are narrow already.
    """
    if params.weight_type in ("f32", "bf16"):
        return torch.float32 if params.weight_type == "f32" else torch.bfloat16
    if device.type != "cpu":
        return torch.float16 if device.type == "mps" else torch.bfloat16
    is_narrow = _describe(model_file).quantization == "BF16" and params.weight_type == "auto"
    return torch.bfloat16 if is_narrow and product_speeds().prefers_bfloat16 else torch.float32


def describe_device(device: torch.device) -> str:
    """What a person would call it."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "CPU" if device.type == "cpu" else "Apple GPU"


def model_bytes(
    model_file: ModelFile,
    config: ModelConfig,
    context_length: int,
    dtype: torch.dtype,
    *,
    quantize_to: QuantizedType | None = None,
) -> ModelBytes:
    """What weights and a full KV cache take; nothing of them stays on the disk.

    Of a quantized model the embeddings, norms and routers are counted as if they were quantized too.
    """
    per_weight = WEIGHT_BYTES[quantize_to] if quantize_to else dtype.itemsize
    experts = 0
    if config.moe is not None:
        per_layer = 3 * config.moe.num_experts * config.moe.expert_size * config.hidden_size
        experts = min(sum(config.moe_layers) * per_layer, model_file.parameters)
    cache_values = config.num_layers * config.attention.row_width * context_length
    return ModelBytes(
        experts=int(experts * per_weight),
        others=int((model_file.parameters - experts) * per_weight),
        kv_cache=cache_values * dtype.itemsize,
    )


def free_gpu_bytes(device: torch.device) -> int | None:
    """What a GPU has room for; an Apple GPU shares RAM and may take three quarters of what is free."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return None if device.type == "cpu" else available_bytes() * 3 // 4
