"""What loads really took: one small file, by which the next predictions are corrected.

Window and command line may write at the same time: every change holds a lock and replaces the file as a
whole. A file that cannot be read counts as empty; one that cannot be written loses a figure, nothing else.
"""

import logging
import statistics
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from engine.contract.errors import StorageFailed
from engine.contract.fit_messages import FitLine, FitMargin
from engine.contract.params import LoadParams
from engine.library.atomic_file import write_atomically

MAX_KEPT = 200
LEAST_LEARNED_BYTES = 100 * 2**20  # of smaller models the process itself is the most
MAX_LEARNED_FROM = 15  # the newest loads of a backend
FEWEST_LOADS = 3  # before that one odd load would decide
LEAST_FACTOR, GREATEST_FACTOR = 0.9, 1.5  # what is beyond them is a fault of ours, not a margin
LOCK_TIMEOUT_S = 5.0

log = logging.getLogger("retort.host")


class FitObservation(msgspec.Struct, frozen=True, kw_only=True):
    """One load: what was predicted, and what it took."""

    model: str  # path
    backend: str
    load: LoadParams
    lines: tuple[FitLine, ...]

    @property
    def ratio(self) -> float | None:
        """Actual over predicted, of the lines that are known; None where the model is too small."""
        known = [line for line in self.lines if line.actual_bytes is not None]
        predicted = sum(line.predicted_bytes for line in known)
        if predicted < LEAST_LEARNED_BYTES:
            return None
        return sum(line.actual_bytes or 0 for line in known) / predicted


class FitRecords:
    """The file. For any thread."""

    def __init__(self, path: Path) -> None:
        """The file is made by the first load."""
        self._path = path

    def keep(self, observation: FitObservation) -> None:
        """Keep a load in place of an earlier one of the same model and params."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_TIMEOUT_S):
                others = [kept for kept in self.all() if _subject(kept) != _subject(observation)]
                newest = (*others, observation)[-MAX_KEPT:]
                write_atomically(self._path, msgspec.json.encode(newest))
        except (StorageFailed, OSError, Timeout) as error:
            log.warning("what a load took cannot be kept: %s", error)

    def all(self) -> tuple[FitObservation, ...]:
        """Every load that is kept, the oldest first."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[FitObservation, ...])
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.DecodeError) as error:
            log.warning("what earlier loads took cannot be read: %s", error)
            return ()

    def margin(self, backend: str) -> FitMargin:
        """The median of what a backend's newest loads took over what was predicted, within bounds."""
        ratios = [kept.ratio for kept in self.all() if kept.backend == backend]
        known = [ratio for ratio in ratios if ratio is not None][-MAX_LEARNED_FROM:]
        if len(known) < FEWEST_LOADS:
            return FitMargin(num_loads=len(known))
        factor = min(max(statistics.median(known), LEAST_FACTOR), GREATEST_FACTOR)
        return FitMargin(factor=factor, num_loads=len(known))

    def of(self, model: str, load: LoadParams) -> FitObservation | None:
        """The load of this model with these params, if there was one."""
        return next((kept for kept in self.all() if (kept.model, kept.load) == (model, load)), None)


def _subject(observation: FitObservation) -> tuple[str, LoadParams]:
    return observation.model, observation.load
