"""A checkpoint of a layout that we know, written as a GGUF file that llama.cpp runs.

`python -m engine.quantization.convert FOLDER OUT.gguf [--type Q8_0]`.

Everything that headers and configuration tell is checked before the first byte is written: that every tensor
is there in its shape, that none is left over, and that llama.cpp's graph would compute the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.contract.errors import ModelUnsupported
from engine.library.checkpoint import Checkpoint, read_checkpoint
from engine.library.disk_room import check_room
from engine.quantization.checkpoint_values import SCALE, CheckpointValues
from engine.quantization.gguf_file import BLOCK, Array, Tensor, Value, file_bytes, write_gguf
from engine.quantization.layouts.layout import Computed, Mapped
from engine.quantization.layouts.registry import LAYOUTS
from engine.quantization.vocabulary import vocabulary
from engine.transformer.config import MlaConfig, ModelConfig
from engine.transformer.config_readers import read_config

FILE_TYPES = {"F32": 0, "F16": 1, "BF16": 32, "Q8_0": 7}
QUANTIZATION_VERSION = 2
LARGEST_F16 = 65504.0
ALWAYS_F32 = ("norm.weight", "ffn_gate_inp.weight")
# what checkpoints hold besides weights, and copies of the model's own matrices in an MTP layer
PASSED_OVER = ("rotary_emb.inv_freq", "embed_tokens.weight", "shared_head.head.weight", SCALE)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A file that can be written: everything that can be checked without its weights has been."""

    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    notes: tuple[str, ...]  # what llama.cpp computes otherwise, and what was left out

    @property
    def size_bytes(self) -> int:
        """Of the file, exactly."""
        return file_bytes(self.metadata, self.tensors)


def is_known(checkpoint: Checkpoint) -> bool:
    """Whether there is a layout for a checkpoint."""
    return checkpoint.config.get("model_type") in LAYOUTS


def convert(
    folder: Path,
    path: Path,
    *,
    weight_type: str = "Q8_0",
    about: dict[str, str] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Conversion:
    """Write the checkpoint of `folder` to the GGUF file `path`; vectors and routers stay in float32.

    `about` is what the file says of itself: the `general.` keys, such as name and license; `progress`
    hears how many tensors of all are written. Raises what `plan_conversion` does, ModelDamaged with the
    tensor that holds no numbers, StorageFailed where the disk has no room, OSError where it is not written.
    """
    planned = plan_conversion(folder, weight_type=weight_type, about=about)
    check_room(path, planned.size_bytes)
    write_gguf(path, planned.metadata, planned.tensors, progress)
    return planned


def plan_conversion(
    folder: Path, *, weight_type: str = "Q8_0", about: dict[str, str] | None = None
) -> Conversion:
    """What `convert` would write; reads no weights.

    Raises ModelUnsupported for another layout, ModelDamaged with the tensor that is missing or misshapen.
    """
    checkpoint = read_checkpoint(folder)
    model_type = checkpoint.config.get("model_type")
    layout = LAYOUTS.get(str(model_type))
    if layout is None:
        raise ModelUnsupported(str(folder), f"its layout {model_type!r:.60} is not known to our converter")
    config, notes = _with_its_mtp_layer(read_config(checkpoint), checkpoint)
    if problem := layout.problem(config):
        raise ModelUnsupported(str(folder), problem)
    architecture = layout.architecture
    metadata: dict[str, Value] = {"general.architecture": architecture, "general.type": "model"}
    metadata |= {f"general.{key}": value for key, value in ({"name": folder.name} | (about or {})).items()}
    metadata |= {"general.file_type": FILE_TYPES[weight_type]}
    metadata |= {"general.quantization_version": QUANTIZATION_VERSION}
    metadata |= {f"{architecture}.{key}": value for key, value in layout.hyperparameters(config).items()}
    metadata |= {f"tokenizer.{key}": value for key, value in vocabulary(folder, checkpoint.config).items()}
    values = CheckpointValues(checkpoint, config.fp8_block)
    tensors = tuple(_planned(entry, values, weight_type) for entry in layout.tensors(config))
    _refuse_left_over(values, config)
    return Conversion(metadata, tensors, (*notes, *layout.notes(config)))


def _with_its_mtp_layer(config: ModelConfig, checkpoint: Checkpoint) -> tuple[ModelConfig, tuple[str, ...]]:
    """The MTP layers that are there and llama.cpp can run: one, with experts and bottlenecked queries."""
    present = sum(
        f"model.layers.{config.num_layers + depth}.eh_proj.weight" in checkpoint.tensors
        for depth in range(config.num_mtp_layers)
    )
    attention, kept = config.attention, min(1, present)
    if not isinstance(attention, MlaConfig) or attention.q_rank is None or not config.has_experts(-1):
        kept = 0
    notes: tuple[str, ...] = ()
    if kept < present:
        notes = (f"llama.cpp can run {kept} MTP layers of this model; {present - kept} were left out",)
    return replace(config, num_mtp_layers=kept), notes


def _planned(entry: Mapped | Computed, values: CheckpointValues, weight_type: str) -> Tensor:
    if isinstance(entry, Computed):
        return Tensor(name=entry.name, shape=entry.values.shape, type="F32", read=lambda: [entry.values])
    for source in entry.sources:
        values.check(source, entry.source_shape)
    stored = _stored_type(entry.name, entry.shape, weight_type)
    return Tensor(
        name=entry.name, shape=entry.shape, type=stored, read=lambda: _pieces(entry, values, stored)
    )


def _stored_type(name: str, shape: tuple[int, ...], weight_type: str) -> str:
    if len(shape) == 1 or name.endswith(ALWAYS_F32):
        return "F32"
    return "F16" if weight_type == "Q8_0" and shape[-1] % BLOCK else weight_type


def _pieces(entry: Mapped, values: CheckpointValues, stored: str) -> Iterator[Array]:
    """The values of each source in its turn, so that one expert at a time is in memory."""
    for source in entry.sources:
        found = values.read(source)
        if stored == "F16" and found.size and max(found.max(), -found.min()) > LARGEST_F16:
            raise ModelUnsupported(
                values.path, f"the tensor {source} holds values too large for F16; take BF16 or F32"
            )
        yield np.ascontiguousarray(entry.arrange(found))


def _refuse_left_over(values: CheckpointValues, config: ModelConfig) -> None:
    """A tensor that nothing asked for would be missing from what llama.cpp computes."""
    first_dropped = config.num_layers + config.num_mtp_layers
    for name in values.unchecked():
        parts = name.split(".")
        is_dropped = parts[:2] == ["model", "layers"] and int(parts[2]) >= first_dropped
        is_tied = name == "lm_head.weight" and config.has_tied_embeddings
        if not (is_dropped or is_tied or name.endswith(PASSED_OVER)):
            raise ModelUnsupported(values.path, f"it holds the tensor {name}, which its layout does not have")


def about_from(pairs: Iterable[str]) -> dict[str, str]:
    """What was written as KEY=TEXT."""
    return dict(pair.split("=", 1) for pair in pairs)


def main(arguments: list[str] | None = None) -> None:
    """Convert from the command line."""
    parser = argparse.ArgumentParser(prog="python -m engine.quantization.convert", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("path", type=Path)
    parser.add_argument("--type", choices=sorted(FILE_TYPES), default="Q8_0", help="of the matrices")
    parser.add_argument(
        "--about", metavar="KEY=TEXT", nargs="*", default=[], help="what the file says of itself"
    )
    options = parser.parse_args(arguments)
    convert(options.folder, options.path, weight_type=options.type, about=about_from(options.about))


if __name__ == "__main__":
    main()
