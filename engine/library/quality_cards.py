"""What was measured of each model: one JSON file per model, beside the library's records.

A card belongs to the bytes that were measured: it counts while the file has the size and the time of writing
that it had then. Models outside the library have theirs too.
"""

import hashlib
import logging
from pathlib import Path

import msgspec
from filelock import FileLock

from engine.contract.jobs import QualityCard
from engine.library.atomic_file import write_atomically
from engine.library.records import LOCK_TIMEOUT_S, RecordedFile, look_at

MAX_CARDS = 64  # of one model, the newest

log = logging.getLogger("retort.library")


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The content of one model's file."""

    file: RecordedFile
    cards: tuple[QualityCard, ...]


class QualityCards:
    """The folder of cards."""

    def __init__(self, folder: Path) -> None:
        """The folder is made by the first card."""
        self._folder = folder

    def keep(self, card: QualityCard) -> None:
        """Keep a card; an older one of the same text, chunks and reference is replaced.

        Raises StorageFailed, ModelNotFound where the model has vanished meanwhile.
        """
        model = Path(card.model)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(self._folder / ".lock", timeout=LOCK_TIMEOUT_S):
            others = [other for other in self.of(model) if _subject(other) != _subject(card)]
            kept = _Kept(file=look_at(model), cards=(*others, card)[-MAX_CARDS:])
            write_atomically(self._path(model), msgspec.json.format(msgspec.json.encode(kept)))

    def of(self, model: Path) -> tuple[QualityCard, ...]:
        """The cards of a model as it is now, the oldest first."""
        path = self._path(model)
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.DecodeError) as error:
            log.warning("the quality cards %s cannot be read and are passed over: %s", path, error)
            return ()
        return kept.cards if look_at(model) == kept.file else ()

    def _path(self, model: Path) -> Path:
        return self._folder / f"{hashlib.sha256(str(model.absolute()).encode()).hexdigest()[:32]}.json"


def _subject(card: QualityCard) -> tuple[str, str, int, int]:
    """What two measurements have in common when the newer takes the place of the older."""
    return card.against, card.text_sha256, card.chunk_length, card.num_tokens
