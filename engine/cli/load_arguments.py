"""How a model is put into memory, as options of a command."""

import argparse
from dataclasses import fields

import msgspec

from engine.contract.params import LoadParams


def add_load_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; what is not said the model's own settings say, then the params' defaults."""
    load = LoadParams()
    add = parser.add_argument_group("loading").add_argument
    add("--ctx", type=int, metavar="N", help="context length in tokens (default: as trained, at most 8192)")
    add("--threads", type=int, metavar="N", help="CPU threads (default: the physical cores, one left free)")
    add(
        "--gpu-layers",
        type=int,
        default=load.gpu_layers,
        metavar="N",
        help="layers on the GPU; -1 is as many as fit (default %(default)s)",
    )
    add(
        "--kv-type",
        choices=["f32", "f16", "q8_0"],
        default=load.kv_type,
        help="type of the KV cache's values (default %(default)s)",
    )


def load_from(arguments: argparse.Namespace) -> LoadParams:
    """The params that the options say; raises ValueError for a value out of range."""
    return LoadParams(
        context_length=arguments.ctx,
        threads=arguments.threads,
        gpu_layers=arguments.gpu_layers,
        kv_type=arguments.kv_type,
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
