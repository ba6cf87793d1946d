"""From the files of a repository to the models in it: shards together, grouped by quantization.

Names from the network are judged here. Pickles are no model: loading one runs whatever is in it.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from engine.contract.errors import HubAnswerWrong, InvalidRequest
from engine.contract.hub_messages import HubGroup, HubGroupKind
from engine.gateway.hub import Listing, RemoteFile
from engine.library.names import is_valid_part
from engine.library.shards import model_stem

_QUANTIZATION = re.compile(
    r"(?:UD-)?(?:IQ[1-8]_[A-Z0-9_]+|T?Q[1-8](?:_[A-Z0-9]+)*|MXFP4(?:_MOE)?|NVFP4|BF16|F16|F32|FP16|FP8)",
    re.IGNORECASE,
)
# what a checkpoint needs beside its weights
_CHECKPOINT_FILES = frozenset(
    {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model"}
    | {"special_tokens_map.json", "chat_template.jinja", "vocab.json", "merges.txt"}
    | {"model.safetensors.index.json"}
)
CHECKPOINT = "safetensors"  # the name of the group
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def group_files(files: Iterable[RemoteFile]) -> tuple[HubGroup, ...]:
    """The models among a repository's files, smallest first."""
    files = list(files)
    by_stem: dict[str, list[RemoteFile]] = {}
    for file in files:
        path = PurePosixPath(file.path)
        if path.suffix.lower() == ".gguf":
            stem = model_stem(Path(path.name))
            by_stem.setdefault(str(path.with_name(stem)), []).append(file)
    groups = [_gguf_group(stem, members) for stem, members in by_stem.items()]
    weights = [file for file in files if "/" not in file.path and file.path.endswith(".safetensors")]
    if weights and any(file.path == "config.json" for file in files):
        rest = [file for file in files if file.path in _CHECKPOINT_FILES]
        groups.append(_group(CHECKPOINT, "checkpoint", "", weights + rest))
    return tuple(sorted(groups, key=lambda group: (group.size_bytes, group.name)))


def choose_group(listing: Listing, wanted: str) -> HubGroup:
    """The model that `wanted` means: a file's name or path, or a quantization that one model alone has.

    Raises InvalidRequest where it fits none or several; an empty one fits the only model of a repository.
    """
    groups = [group for group in group_files(listing.files) if group.kind != "projector"]
    if not groups:
        has_pickles = any(file.path.lower().endswith(_PICKLES) for file in listing.files)
        because = "only pickles, which can run code when they are opened" if has_pickles else "no model file"
        raise InvalidRequest(f"{listing.repository} holds {because}; GGUF or safetensors is needed")
    fitting = [group for group in groups if not wanted or _fits(group, wanted)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(group.name for group in (fitting or groups)[:12])
    if fitting:
        raise InvalidRequest(f"{listing.repository} holds several models, name one of {names}")
    raise InvalidRequest(f"{listing.repository} has no {wanted!r}; it has {names}")


def local_name(file: RemoteFile, host: str) -> str:
    """A file's name here: the last part of its path; raises HubAnswerWrong for what is none everywhere."""
    parts = file.path.split("/")
    if any(part in ("", ".", "..") for part in parts) or not is_valid_part(parts[-1]):
        raise HubAnswerWrong(host, f"the file name {file.path[:80]!r} is not safe on every system")
    return parts[-1]


def check_names(files: Iterable[RemoteFile], host: str) -> None:
    """Raise HubAnswerWrong for names that are none, or that are one name where case does not count."""
    seen: set[str] = set()
    for file in files:
        name = local_name(file, host).lower()
        if name in seen:
            raise HubAnswerWrong(host, f"it lists two files called {name!r}")
        seen.add(name)


def _fits(group: HubGroup, wanted: str) -> bool:
    wanted = wanted.lower()
    names = {group.name, PurePosixPath(group.name).name, group.quantization, *group.files}
    names |= {PurePosixPath(path).name for path in group.files}
    names |= {PurePosixPath(path).name.removesuffix(".gguf") for path in group.files}
    return wanted in {name.lower() for name in names if name}


def _gguf_group(stem: str, files: list[RemoteFile]) -> HubGroup:
    is_projector = PurePosixPath(stem).name.lower().startswith("mmproj")
    found = _QUANTIZATION.findall(PurePosixPath(stem).name) or _QUANTIZATION.findall(stem)
    quantization = found[-1].upper() if found else ""
    return _group(stem, "projector" if is_projector else "gguf", quantization, files)


def _group(name: str, kind: HubGroupKind, quantization: str, files: list[RemoteFile]) -> HubGroup:
    return HubGroup(
        name=name,
        kind=kind,
        quantization=quantization,
        files=tuple(sorted(file.path for file in files)),
        size_bytes=sum(file.size_bytes for file in files),
    )
