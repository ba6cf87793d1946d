"""Models that other applications keep on this computer, found by the layout of their folders.

Nothing of theirs is ever written, moved or opened for writing. What their lists say is not trusted: a digest
must be one, a path must lead to a file that is there.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.contract.elsewhere_messages import OtherApplication
from engine.contract.model_info import ModelFormat
from engine.library.checkpoint import is_checkpoint
from engine.library.companions import files_of_companions, is_first_part
from engine.library.names import valid_part
from engine.library.places import name_below
from engine.library.shards import model_stem, part_paths

MAX_LIST_BYTES = 2**20  # of a manifest or a list
MAX_DEPTH = 6
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODEL_PATH = re.compile(r"^model_path:\s*['\"]?(.+?)['\"]?\s*$", re.MULTILINE)
_UNFINISHED = ("incomplete-", "downloading_", ".")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A model, and what its place tells of it."""

    name: str
    path: Path
    format: ModelFormat = "gguf"
    source: str = ""
    commit: str = ""
    author: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)  # SHA-256 by path, where the place tells it


def other_applications() -> dict[OtherApplication, tuple[Path, ...]]:
    """Where each keeps its models by default, and where the environment says it does."""
    home, told = Path.home(), os.environ
    if sys.platform == "win32":
        data = cache = Path(told.get("LOCALAPPDATA", home / "AppData/Local"))
        jan = Path(told.get("APPDATA", home / "AppData/Roaming")) / "Jan/data"
    elif sys.platform == "darwin":
        data, cache = home / "Library/Application Support", home / "Library/Caches"
        jan = data / "Jan/data"
    else:
        data = Path(told.get("XDG_DATA_HOME") or home / ".local/share")
        cache = Path(told.get("XDG_CACHE_HOME") or home / ".cache")
        jan = data / "Jan/data"
    hugging_face = Path(told.get("HF_HOME") or home / ".cache/huggingface") / "hub"
    ollama = (home / ".ollama/models", Path("/usr/share/ollama/.ollama/models"))
    return {
        "lm-studio": (home / ".lmstudio/models", home / ".cache/lm-studio/models"),
        "ollama": (Path(told["OLLAMA_MODELS"]),) if told.get("OLLAMA_MODELS") else ollama,
        "jan": (jan, home / "jan"),
        "gpt4all": (data / "nomic.ai/GPT4All",),
        "llama.cpp": (Path(told.get("LLAMA_CACHE") or cache / "llama.cpp"),),
        "hugging-face": (Path(told.get("HF_HUB_CACHE") or hugging_face),),
    }


def find_elsewhere(
    folders: Mapping[OtherApplication, tuple[Path, ...]] | None = None,
) -> Iterator[tuple[OtherApplication, FoundModel]]:
    """Every model of every application; of two at one place the first."""
    seen: set[Path] = set()
    for application, roots in (folders or other_applications()).items():
        for root in roots:
            for found in _FINDERS[application](root):
                if found.path.resolve() not in seen:
                    seen.add(found.path.resolve())
                    yield application, found


def _lm_studio(root: Path) -> Iterator[FoundModel]:
    """`<publisher>/<repository>/<file>.gguf`, or a folder of safetensors in place of the file."""
    for path in _ggufs(root, depth=3):
        folders = path.relative_to(root).parts[:-1]
        source = f"huggingface.co/{folders[0]}/{folders[1]}" if len(folders) == 2 else ""
        yield FoundModel(name=name_below(root, path, "gguf"), path=path, source=source)


def _ollama(root: Path) -> Iterator[FoundModel]:
    """`manifests/<host>/<namespace>/<model>/<tag>` names `blobs/sha256-<hash>`, a GGUF without an ending."""
    for manifest in _files(root / "manifests", depth=5):
        parts = manifest.relative_to(root / "manifests").parts
        listed = _json(manifest)
        layers = listed.get("layers") if isinstance(listed, dict) else None
        if len(parts) < 3 or not isinstance(layers, list):
            continue
        for layer in layers:
            kind = layer.get("mediaType") if isinstance(layer, dict) else None
            match = _DIGEST.fullmatch(str(layer.get("digest"))) if isinstance(layer, dict) else None
            if kind == "application/vnd.ollama.image.model" and match:
                path = root / "blobs" / f"sha256-{match[1]}"
                if path.is_file():
                    publisher = "ollama" if parts[-3] == "library" else valid_part(parts[-3])
                    yield FoundModel(
                        name=f"{publisher}/{valid_part(f'{parts[-2]}-{parts[-1]}')}",
                        path=path,
                        source="/".join(parts[:-1]) + f":{parts[-1]}",
                        hashes={str(path): match[1]},
                    )
                break


def _jan(root: Path) -> Iterator[FoundModel]:
    """`llamacpp/models/<id>/model.yml`, whose `model_path` counts from the data folder."""
    for listed in _files(root / "llamacpp/models", depth=4):
        if listed.name != "model.yml":
            continue
        match = _MODEL_PATH.search(_text(listed))
        path = root / match[1] if match else listed.with_name("model.gguf")
        if path.suffix.lower() == ".gguf" and path.is_file():
            own = listed.parent.relative_to(root / "llamacpp/models").parts
            yield FoundModel(name="/".join(["jan", *map(valid_part, own)]), path=part_paths(path)[0])


def _gpt4all(root: Path) -> Iterator[FoundModel]:
    """Files side by side."""
    for path in _ggufs(root, depth=0):
        yield FoundModel(name=f"gpt4all/{valid_part(model_stem(path))}", path=path)


def _llama_cpp(root: Path) -> Iterator[FoundModel]:
    """Files side by side, called `<publisher>_<repository>_<file>`."""
    for path in _ggufs(root, depth=0):
        yield FoundModel(name=f"llama.cpp/{valid_part(model_stem(path))}", path=path)


def _hugging_face(root: Path) -> Iterator[FoundModel]:
    """`models--<publisher>--<repository>/snapshots/<commit>/<file>`, each a link to `blobs/<hash>`."""
    for folder in _entries(root):
        kind, _, repository = folder.name.partition("--")
        publisher, _, own = repository.partition("--")
        snapshot = _newest_snapshot(folder) if kind == "models" and own else None
        if snapshot is None:
            continue
        yield from _in_snapshot(snapshot, publisher, own)


def _in_snapshot(snapshot: Path, publisher: str, repository: str) -> Iterator[FoundModel]:
    own = valid_part(repository)
    base = f"{valid_part(publisher)}/{own}"
    source = f"huggingface.co/{publisher}/{repository}"
    found: list[tuple[str, Path, ModelFormat, tuple[Path, ...]]] = []
    for path in _ggufs(snapshot, depth=2):
        stem = valid_part(model_stem(path))
        name = base if stem.lower() == own.lower() else f"{base}/{stem}"
        found.append((name, path, "gguf", part_paths(path)))
    if is_checkpoint(snapshot) and any(snapshot.glob("*.safetensors")):
        found.append((base, snapshot, "checkpoint", tuple(_entries(snapshot))))
    for name, path, model_format, files in found:
        yield FoundModel(
            name=name,
            path=path,
            format=model_format,
            source=source,
            commit=snapshot.name,
            author=publisher,
            hashes=_blob_hashes(files),
        )


_FINDERS: dict[OtherApplication, Callable[[Path], Iterator[FoundModel]]] = {
    "lm-studio": _lm_studio,
    "ollama": _ollama,
    "jan": _jan,
    "gpt4all": _gpt4all,
    "llama.cpp": _llama_cpp,
    "hugging-face": _hugging_face,
}


def _newest_snapshot(folder: Path) -> Path | None:
    """The commit that the main branch was at when it was fetched last, else any."""
    main = folder / "snapshots" / _text(folder / "refs/main").strip()
    if main.name != "snapshots" and main.is_dir() and main.parent == folder / "snapshots":
        return main
    return next(iter(_entries(folder / "snapshots")), None)


def _blob_hashes(paths: tuple[Path, ...]) -> dict[str, str]:
    """The SHA-256 of links to blobs: their names say it; small files have another hash in theirs."""
    named = ((path, path.resolve().name) for path in paths if path.is_symlink())
    return {str(path): name for path, name in named if _SHA256.fullmatch(name)}


def _ggufs(root: Path, depth: int) -> Iterator[Path]:
    for path in _files(root, depth):
        name = path.name.lower()
        is_whole = is_first_part(path) and all(part.is_file() for part in part_paths(path))
        if (
            is_whole
            and not name.startswith(_UNFINISHED)
            and path not in files_of_companions(_entries(path.parent))
        ):
            yield path


def _files(folder: Path, depth: int) -> Iterator[Path]:
    for entry in _entries(folder):
        if entry.is_file():
            yield entry
        elif depth > 0 and entry.is_dir() and not entry.is_symlink():
            yield from _files(entry, depth - 1)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # not there, or not ours to look into
        return []


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_LIST_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _json(path: Path) -> object:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError):
        return None
