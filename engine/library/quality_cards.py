"""What was measured of each model: one JSON file per model, beside the library's records.

A card belongs to the bytes that were measured: it counts while the file has the size and the time of writing
that it had then. Models outside the library have theirs too.
"""

import hashlib
import logging
from pathlib import Path

import msgspec
from filelock import FileLock

from engine.contract.errors import ModelNotFound
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

    def relocate(self, source: Path, target: Path) -> None:
        """Keep the cards of a model for the same bytes at another path too."""
        try:
            cards = self.of(source)
        except ModelNotFound:
            return
        if cards:
            moved = tuple(msgspec.structs.replace(card, model=str(target)) for card in cards)
            kept = _Kept(file=look_at(target), cards=moved)
            write_atomically(self._path(target), msgspec.json.format(msgspec.json.encode(kept)))

    def of(self, model: Path) -> tuple[QualityCard, ...]:
        """The cards of a model as it is now, the oldest first."""
        kept = self._read(self._path(model))
        return kept.cards if kept is not None and look_at(model) == kept.file else ()

    def all(self) -> tuple[QualityCard, ...]:
        """The cards of every model that is as it was measured, the oldest first."""
        cards = [card for path in self._folder.glob("*.json") for card in self._current(path)]
        return tuple(sorted(cards, key=lambda card: card.measured_at))

    def _current(self, path: Path) -> tuple[QualityCard, ...]:
        """The cards in one file, none where its model has changed or gone."""
        kept = self._read(path)
        try:
            return kept.cards if kept is not None and look_at(Path(kept.file.path)) == kept.file else ()
        except ModelNotFound:
            return ()

    def _read(self, path: Path) -> _Kept | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            log.warning("the quality cards %s cannot be read and are passed over: %s", path, error)
            return None

    def _path(self, model: Path) -> Path:
        return self._folder / f"{hashlib.sha256(str(model.absolute()).encode()).hexdigest()[:32]}.json"


def _subject(card: QualityCard) -> tuple[str, str, int, int]:
    """What two measurements have in common when the newer takes the place of the older."""
    return card.against, card.text_sha256, card.chunk_length, card.num_tokens
