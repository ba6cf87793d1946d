"""Where results are written: a good name beforehand, and what speaks against the one that was chosen."""

import re
from pathlib import Path

from app.translation import tr
from engine.contract.paths import Paths, resources

_PART = re.compile(r"-\d{5}-of-\d{5}$")
_OLD_TYPE = re.compile(r"[-.](?:BF16|F16|F32|I?Q\d\w*|MXFP4\w*)$", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def suggest_target(source: Path, ending: str, paths: Paths) -> Path:
    """`name-Q4_K_M.gguf` beside the source, or in the models folder where one cannot or should not write.

    `ending` is what the name ends in before `.gguf`.
    """
    stem = source.name if source.is_dir() else source.stem
    stem = _OLD_TYPE.sub("", _PART.sub("", stem)) or stem
    name = f"{stem}-{_UNSAFE.sub('-', ending).strip('-.') or 'new'}.gguf"
    if resources() in source.parents:
        return paths.models / "local" / stem / name
    if source.is_dir():
        return paths.models / "local" / (_UNSAFE.sub("-", stem).strip("-.") or "model") / name
    return source.with_name(name)


def target_fault(target: str, sources: tuple[str, ...]) -> str:
    """Why nothing can be written there, in words; empty where nothing speaks against it."""
    if not target.strip():
        return tr("Say where the result is to be written.")
    path = Path(target).expanduser()
    if not path.is_absolute():
        return tr("Say the whole path, from the root of the disk on.")
    if path.is_dir():
        return tr("This is a folder: add the name of a file.")
    if any(_are_one_file(path, Path(source)) for source in sources if source):
        return tr("This is the model itself, which is never written to. Choose another name.")
    parent = next((folder for folder in path.parents if folder.exists()), None)
    if parent is None or not parent.is_dir():
        return tr("There is no such folder.")
    return ""


def _are_one_file(target: Path, source: Path) -> bool:
    """Whether two names lead to one file, links and other cases of letters included."""
    for name in (target, target.with_name(target.name + ".part")):
        try:
            if name.samefile(source):
                return True
        except OSError:
            continue
    try:
        return str(target.resolve()).casefold() == str(source.resolve()).casefold()
    except OSError:
        return False
