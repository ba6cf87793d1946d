"""One download: what is fetched, how far it is, and what came of it."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from engine.contract.errors import EngineError
from engine.contract.hub_messages import TransferPhase
from engine.contract.model_info import InstalledModel

DownloadPhase = TransferPhase | Literal["asked", "kept", "failed", "done"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be fetched."""

    repository: str
    file: str  # as a PullRequest takes it
    title: str  # as people call it
    revision: str = ""
    size_bytes: int = 0  # 0 where unknown

    @property
    def key(self) -> tuple[str, str]:
        """No two downloads of one key are under way."""
        return self.repository, self.file

    def to_json(self) -> str:
        """As it is kept for the next start."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Wanted | None":
        """As `to_json` wrote it; None for what makes no sense."""
        try:
            found = json.loads(text)
            made = cls(**found)
        except (ValueError, TypeError):
            return None
        words = (made.repository, made.file, made.title, made.revision)
        is_sound = all(isinstance(word, str) for word in words) and isinstance(made.size_bytes, int)
        return made if is_sound and made.repository else None


@dataclass(slots=True)
class Download:
    """A download as it is now. `kept`: it was interrupted, and what had arrived is on the disk."""

    wanted: Wanted
    request_id: str = ""  # while the host knows of it
    phase: DownloadPhase = "asked"
    done_bytes: int = 0
    total_bytes: int = 0
    bytes_per_s: float = 0.0
    remaining_s: float | None = None
    notice: str = ""  # why it waits
    error: EngineError | None = None
    model: InstalledModel | None = None  # once it is in the library
    is_pausing: bool = field(default=False)  # the wish; the phase follows

    @property
    def is_active(self) -> bool:
        """Whether the host is at it."""
        return bool(self.request_id)

    @property
    def fraction(self) -> float:
        """How much of it is here."""
        return min(self.done_bytes / self.total_bytes, 1.0) if self.total_bytes else 0.0
