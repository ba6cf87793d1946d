"""What can be fetched of a repository: one model, its files and what is wrong with them."""

from dataclasses import dataclass

from app.engine_link.download import Wanted
from app.translation import tr
from engine.contract.hub_messages import HubGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One model of a repository."""

    wanted: Wanted
    name: str  # what tells it from the others: its quantization, or the file
    num_files: int = 1
    num_missing: int = 0
    is_part: bool = False  # of another model, with which it comes
    note: str = ""

    @classmethod
    def from_group(cls, group: HubGroup, *, repository: str, commit: str, title: str) -> "Offer":
        """A group of files as the hub lists it."""
        notes = {
            "gguf": "",
            "checkpoint": tr("A folder of safetensors: it runs on torch"),
            "projector": tr("Reads pictures for a model of this repository, and is no model itself"),
            "drafter": tr("Guesses ahead for a model of this repository, which makes it faster"),
            "adapter": tr("Changes what a model of this repository does, and is no model itself"),
        }
        name = group.quantization or group.name.rpartition("/")[2]
        wanted = Wanted(
            repository=repository,
            file=group.name,
            title=f"{title} {name}",
            revision=commit,
            size_bytes=group.size_bytes,
        )
        return cls(
            wanted=wanted,
            name=name,
            num_files=len(group.files),
            num_missing=group.num_missing,
            is_part=group.kind not in ("gguf", "checkpoint"),
            note=notes[group.kind],
        )
