"""A checkpoint: a folder with config.json and safetensors shards, and what its headers say.

Nothing in the folder is ever executed: code that config.json points to (`auto_map`) is ignored, and weights
that are pickles are refused, since opening a pickle runs what is in it.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.contract.errors import ModelDamaged, ModelNotFound, ModelUnsupported
from engine.contract.model_info import ModelInfo
from engine.library.safetensors import SafetensorsHeader, TensorInfo, read_header

CONFIG, INDEX, SINGLE = "config.json", "model.safetensors.index.json", "model.safetensors"
MAX_JSON_BYTES = 64 * 2**20
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The configuration and the tensors of a folder; of the weights only where they are."""

    folder: Path
    config: dict[str, Any]
    tensors: dict[str, tuple[SafetensorsHeader, TensorInfo]]
    known_template: str | None = None  # of one that lies in no folder of this disk

    @property
    def template(self) -> str:
        """The Jinja source of its chat template, empty where it has none."""
        return chat_template(self.folder) if self.known_template is None else self.known_template

    @property
    def size_bytes(self) -> int:
        """Bytes of all shards."""
        return sum(header.size_bytes for header in {h.path: h for h, _ in self.tensors.values()}.values())

    @property
    def parameters(self) -> int:
        """All weights of all tensors; the scales of FP8 blocks are none."""
        return sum(info.num_values for name, (_, info) in self.tensors.items() if not _is_scale(name))

    @property
    def tensor_types(self) -> Counter[str]:
        """How many weights have which type."""
        counts: Counter[str] = Counter()
        for name, (_, info) in self.tensors.items():
            if not _is_scale(name):
                counts[info.dtype] += info.num_values
        return counts

    def number(self, *names: str) -> int:
        """The first of these entries of config.json that is a whole number, else 0."""
        return next((n for name in names if type(n := self.config.get(name)) is int), 0)


def is_checkpoint(path: Path) -> bool:
    """Whether a path is a folder with a configuration in it."""
    return (path / CONFIG).is_file()


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read config.json, the index and the header of every shard.

    Raises ModelNotFound, ModelDamaged or ModelUnsupported with what is wrong.
    """
    config = read_json(folder / CONFIG)
    shards = _shards(folder)
    tensors: dict[str, tuple[SafetensorsHeader, TensorInfo]] = {}
    for shard in sorted(shards):
        try:
            header = read_header(folder / shard)
        except ModelNotFound as error:
            raise ModelDamaged(str(folder), f"its part {shard} is missing") from error
        for name, info in header.tensors.items():
            if name in tensors:
                raise ModelDamaged(str(folder), f"the tensor {name[:80]!r} is in two of its parts")
            tensors[name] = header, info
    return Checkpoint(folder, config, tensors)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a checkpoint; raises ModelNotFound or ModelDamaged."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ModelDamaged(str(path), "it is far too long")
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise ModelNotFound(str(path)) from error
    except (ValueError, RecursionError) as error:
        raise ModelDamaged(str(path), f"it is no JSON ({error})") from error
    except OSError as error:
        raise ModelDamaged(str(path), f"it cannot be read ({error.strerror})") from error
    if not isinstance(value, dict):
        raise ModelDamaged(str(path), "it is no JSON object")
    return value


def describe_checkpoint(checkpoint: Checkpoint) -> ModelInfo:
    """The facts of a checkpoint, from its configuration and headers alone."""
    folder, config = checkpoint.folder, checkpoint.config
    types = checkpoint.tensor_types.most_common(1)
    return ModelInfo(
        name=folder.name,
        path=str(folder),
        architecture=str(config.get("model_type", "")),
        size_bytes=checkpoint.size_bytes,
        parameters=checkpoint.parameters,
        quantization=types[0][0] if types else "",
        context_length=checkpoint.number("max_position_embeddings"),
        vocabulary_size=checkpoint.number("vocab_size"),
        has_chat_template=bool(checkpoint.template),
    )


def chat_template(folder: Path) -> str:
    """The Jinja source of a checkpoint's chat template, empty where it has none."""
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8", errors="replace")
    if not (folder / "tokenizer_config.json").is_file():
        return ""
    return template_in(read_json(folder / "tokenizer_config.json"))


def template_in(tokenizer_config: dict[str, Any]) -> str:
    """The chat template of a tokenizer_config.json."""
    template = tokenizer_config.get("chat_template")
    if isinstance(template, list):  # several with names; `default` is the one for conversations
        named = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
        template = named.get("default")
    return template if isinstance(template, str) else ""


def _shards(folder: Path) -> set[str]:
    if (folder / INDEX).is_file():
        places = read_json(folder / INDEX).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise ModelDamaged(str(folder / INDEX), "it names no weights")
        shards = {str(shard) for shard in places.values()}
        for shard in shards:
            if Path(shard).name != shard or "\\" in shard or not shard.endswith(".safetensors"):
                raise ModelDamaged(str(folder / INDEX), f"{shard[:80]!r} is no name of a part")
        return shards
    if (folder / SINGLE).is_file():
        return {SINGLE}
    if any(True for pattern in PICKLES for _ in folder.glob(pattern)):
        raise ModelUnsupported(
            str(folder),
            "its weights are pickles, which can run code when they are opened; only safetensors are read",
        )
    raise ModelDamaged(str(folder), f"there is neither {SINGLE} nor {INDEX} in it")


def _is_scale(name: str) -> bool:
    return name.endswith("weight_scale_inv")
