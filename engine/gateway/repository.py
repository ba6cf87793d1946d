"""From the files of a repository to the models in it: shards together, grouped by quantization.

Names from the network are judged here. Pickles are no model: loading one runs whatever is in it.
"""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from msgspec import structs

from engine.contract.errors import HubAnswerWrong, InvalidRequest
from engine.contract.hub_messages import HubGroup, HubGroupKind
from engine.gateway.hub import Listing, RemoteFile
from engine.library.companions import belonging, companion_kinds
from engine.library.names import QUANTIZATION_NAME, is_valid_part
from engine.library.shards import model_stem, part_paths

# what a checkpoint needs beside its weights
_CHECKPOINT_FILES = frozenset(
    {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model"}
    | {"special_tokens_map.json", "chat_template.jinja", "vocab.json", "merges.txt"}
    | {"model.safetensors.index.json"}
)
CHECKPOINT = "safetensors"  # the name of the group
MODEL_KINDS = ("gguf", "checkpoint")
HALF_TYPES = ("F16", "FP16")  # every backend reads these
CARD = "README.md"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def group_files(files: Iterable[RemoteFile]) -> tuple[HubGroup, ...]:
    """The models among a repository's files, smallest first."""
    files = list(files)
    by_stem: dict[str, list[RemoteFile]] = {}
    for file in files:
        path = PurePosixPath(file.path)
        if path.suffix.lower() == ".gguf":
            stem = model_stem(Path(path.name))
            by_stem.setdefault(str(path.with_name(stem)), []).append(file)
    kinds = companion_kinds(
        {stem: sum(file.size_bytes for file in members) for stem, members in by_stem.items()}
    )
    groups = [_gguf_group(stem, kinds.get(stem, "gguf"), members) for stem, members in by_stem.items()]
    weights = [file for file in files if "/" not in file.path and file.path.endswith(".safetensors")]
    if weights and any(file.path == "config.json" for file in files):
        rest = [file for file in files if file.path in _CHECKPOINT_FILES]
        groups.append(_group(CHECKPOINT, "checkpoint", "", weights + rest))
    return tuple(sorted(groups, key=lambda group: (group.size_bytes, group.name)))


def quantization_of(stem: str) -> str:
    """The quantization that a GGUF file's path names, without its ending; empty where it names none."""
    found = QUANTIZATION_NAME.findall(PurePosixPath(stem).name) or QUANTIZATION_NAME.findall(stem)
    return found[-1].upper() if found else ""


def choose_group(listing: Listing, wanted: str) -> HubGroup:
    """The model that `wanted` means: a file's name or path, or a quantization that one model alone has.

    Raises InvalidRequest where it fits none or several; an empty one fits the only model of a repository.
    """
    groups = [group for group in group_files(listing.files) if group.kind in MODEL_KINDS]
    if not groups:
        has_pickles = any(file.path.lower().endswith(PICKLES) for file in listing.files)
        because = "only pickles, which can run code when they are opened" if has_pickles else "no model file"
        raise InvalidRequest(f"{listing.repository} holds {because}; GGUF or safetensors is needed")
    fitting = [group for group in groups if not wanted or _fits(group, wanted)]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(group.name for group in (fitting or groups)[:12])
    if fitting:
        raise InvalidRequest(f"{listing.repository} holds several models, name one of {names}")
    raise InvalidRequest(f"{listing.repository} has no {wanted!r}; it has {names}")


def companion_groups(listing: Listing, model: HubGroup) -> list[HubGroup]:
    """The companions that a repository has for one of its models, smallest first."""
    groups = group_files(listing.files)
    companions = {group.name: group for group in groups if group.kind not in MODEL_KINDS}
    models = [group.name for group in groups if group.kind == "gguf"]
    if model.kind != "gguf":
        return []
    return [companions[name] for name in belonging(model.name, companions, models)]


def choose_companions(listing: Listing, model: HubGroup, wanted: Iterable[str]) -> list[HubGroup]:
    """The companions that are asked for, by name or kind; of several of a kind the one in 16 bits, or least.

    Raises InvalidRequest for what the repository does not have.
    """
    there = companion_groups(listing, model)
    chosen: list[HubGroup] = []
    for word in wanted:
        fitting = [group for group in there if group.kind == word or _fits(group, word)]
        if not fitting:
            has = ", ".join(f"{group.name} ({group.kind})" for group in there) or "none"
            raise InvalidRequest(
                f"{listing.repository} has no companion {word!r} for {model.name}; it has {has}"
            )
        best = min(fitting, key=lambda group: group.quantization not in HALF_TYPES)
        if best not in chosen:
            chosen.append(best)
    return chosen


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


def _gguf_group(stem: str, kind: HubGroupKind, files: list[RemoteFile]) -> HubGroup:
    group = _group(stem, kind, quantization_of(stem), files)
    num_parts = len(part_paths(Path(group.files[0])))
    return structs.replace(group, num_missing=max(num_parts - len(files), 0))


def _group(name: str, kind: HubGroupKind, quantization: str, files: list[RemoteFile]) -> HubGroup:
    return HubGroup(
        name=name,
        kind=kind,
        quantization=quantization,
        files=tuple(sorted(file.path for file in files)),
        size_bytes=sum(file.size_bytes for file in files),
    )
