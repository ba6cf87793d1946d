"""What jobs read and write besides models: texts, and targets that must not be what is read."""

from collections.abc import Iterable
from pathlib import Path

from engine.contract.errors import InvalidRequest, ModelUnsupported, StorageFailed
from engine.library.shards import part_paths
from engine.quantization.quantize import refuse_same_file

MAX_TEXT_BYTES = 256 * 2**20


def read_text(path: Path) -> str:
    """A text of the user's; raises InvalidRequest where it is none."""
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise InvalidRequest(f"{path} is larger than {MAX_TEXT_BYTES // 2**20} MiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{path} is no text in UTF-8 (byte {error.start})") from error


def check_model_file(path: Path) -> None:
    """Raise ModelUnsupported for a folder of safetensors, which has to be converted first."""
    if path.is_dir():
        raise ModelUnsupported(str(path), "this is a folder of safetensors: convert it to GGUF first")


def check_target(target: Path, sources: Iterable[Path]) -> None:
    """Raise where a target cannot be written, or is one of the sources under any name."""
    if not target.parent.is_dir():
        raise StorageFailed(str(target), "there is no such folder")
    if target.is_dir():
        raise StorageFailed(str(target), "it is a folder")
    for source in sources:
        for part in part_paths(source):
            if part.exists():
                refuse_same_file(part, target)
