"""How a model is put into memory, as options of a command."""

import argparse
from collections.abc import Iterable
from dataclasses import fields
from typing import get_args

import msgspec

from engine.contract.params import BackendChoice, FlashAttention, KvType, LoadParams, WeightType

DRAFTS: dict[str, int | None] = {"off": 0, "auto": None, "1": 1, "2": 2, "3": 3, "4": 4}
WEIGHT_TYPES: dict[str, WeightType] = {"none": "auto", "int8": "int8", "int4": "int4"}


def add_load_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; what is not said the model's own settings say, then the params' defaults."""
    default = LoadParams()
    group = parser.add_argument_group("loading")

    def number(name: str, value: int | None, meaning: str) -> None:
        shown = meaning if value is None else f"{meaning} (default {value})"
        group.add_argument(name, type=int, default=value, metavar="N", help=shown)

    def choice(name: str, value: str | None, choices: Iterable[str], meaning: str) -> None:
        shown = meaning if value is None else f"{meaning} (default {value})"
        group.add_argument(name, choices=list(choices), default=value, help=shown)

    number("--ctx", None, "context length in tokens (default: as trained, at most 8192)")
    number("--threads", None, "CPU threads (default: the physical cores, one processor left free)")
    number("--gpu-layers", default.gpu_layers, "layers on the GPU; -1 is as many as fit")
    number("--batch-size", default.batch_size, "tokens per decode call")
    number("--sequences", default.sequences, "requests that are answered at a time")
    choice("--kv-type", default.kv_type, get_args(KvType), "type of the KV cache")
    choice("--kv-type-v", None, get_args(KvType), "type of its values, where it differs from its keys'")
    choice("--flash-attention", default.flash_attention, get_args(FlashAttention), "fused attention")
    choice("--backend", default.backend, get_args(BackendChoice), "which engine runs it")
    choice("--quantize", "none", WEIGHT_TYPES, "the torch engine's weights in 8 or 4 bits")
    drafts = "guess N tokens per step by MTP layers or from the text; auto measures what pays"
    group.add_argument("--mtp", default="off", choices=DRAFTS, help=drafts)
    smaller = "let a smaller model of the same vocabulary guess; with --mtp N, N tokens"
    group.add_argument("--draft", default="", metavar="MODEL", help=smaller)
    counting = "tell in --json how often each expert of each layer was chosen (torch engine)"
    group.add_argument("--count-experts", action="store_true", help=counting)
    group.add_argument("--no-mmap", action="store_true", help="read the weights into memory of their own")
    group.add_argument("--mlock", action="store_true", help="do not let the weights leave the memory")


def load_from(arguments: argparse.Namespace) -> LoadParams:
    """The params that the options say; raises ValueError for a value out of range."""
    return LoadParams(
        context_length=arguments.ctx,
        threads=arguments.threads,
        gpu_layers=arguments.gpu_layers,
        batch_size=arguments.batch_size,
        kv_type=arguments.kv_type,
        kv_type_v=arguments.kv_type_v,
        sequences=arguments.sequences,
        flash_attention=arguments.flash_attention,
        use_mmap=not arguments.no_mmap,
        use_mlock=arguments.mlock,
        backend=arguments.backend,
        weight_type=WEIGHT_TYPES[arguments.quantize],
        draft_tokens=None if arguments.draft and arguments.mtp == "off" else DRAFTS[arguments.mtp],
        draft_model=arguments.draft,
        count_experts=arguments.count_experts,
    )


def load_from_words(words: list[str]) -> LoadParams:
    """The params of words such as `threads=4`; raises ValueError for names and values that are none."""
    names = [field.name for field in fields(LoadParams)]
    said: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if name not in names or not equals:
            raise ValueError(f"{word!r} is not NAME=VALUE with one of {', '.join(names)}")
        said[name] = value
    try:
        return msgspec.convert(said, LoadParams, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
