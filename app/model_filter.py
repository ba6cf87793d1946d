"""Which of the models that could be fetched are shown, and in which order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from app.found_model import FoundModel
from app.model_room import Room

Sorting = Literal["room", "name", "size", "parameters", "downloads", "likes", "updated", "trending"]
CATALOGUE_SORTINGS: tuple[Sorting, ...] = ("room", "name", "size", "parameters")
HUB_SORTINGS: tuple[Sorting, ...] = ("downloads", "likes", "updated", "trending", "size")

GIB, BILLION = 10**9, 10**9
Bounds = tuple[float, float]  # from, up to
ANY: Bounds = (0, float("inf"))
SIZES: tuple[Bounds, ...] = (ANY, (0, 2 * GIB), (2 * GIB, 8 * GIB), (8 * GIB, 24 * GIB), (24 * GIB, ANY[1]))
COUNTS: tuple[Bounds, ...] = (
    ANY,
    (0, 2 * BILLION),
    (2 * BILLION, 10 * BILLION),
    (10 * BILLION, 40 * BILLION),
    (40 * BILLION, ANY[1]),
)
ROOMS: dict[str, tuple[Room, ...]] = {"any": (), "fits": ("fits",), "possible": ("fits", "tight")}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFilter:
    """Every condition has to hold; what is unknown of a model meets none but `ANY`."""

    room: str = "any"  # a key of ROOMS
    size: Bounds = ANY
    parameters: Bounds = ANY
    active: Bounds = ANY
    architecture: str = ""
    quantization: str = ""
    license: str = ""
    only_experts: bool = False
    only_mtp: bool = False
    only_distilled: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it lets everything through."""
        return self == ModelFilter()

    def takes(self, model: FoundModel, room: Room) -> bool:
        """Whether a model is shown."""
        return (
            (not ROOMS[self.room] or room in ROOMS[self.room])
            and _within(model.size_bytes, self.size)
            and _within(model.parameters, self.parameters)
            and _within(model.active_parameters, self.active)
            and self.architecture in ("", model.architecture)
            and (not self.quantization or self.quantization in model.quantizations)
            and self.license in ("", model.license)
            and (model.has_experts or not self.only_experts)
            and (bool(model.mtp) or not self.only_mtp)
            and (bool(model.distilled_from) or not self.only_distilled)
        )


def sort_models(models: Iterable[FoundModel], sorting: Sorting) -> list[FoundModel]:
    """In order; those that the hub has sorted, and the catalogue by room, stay as they are."""
    keys: dict[Sorting, Callable[[FoundModel], object]] = {
        "name": lambda model: model.title.casefold(),
        "size": lambda model: (not model.size_bytes, model.size_bytes),
        "parameters": lambda model: (not model.parameters, model.parameters),
    }
    if sorting not in keys:
        return list(models)
    return sorted(models, key=keys[sorting])  # type: ignore[arg-type]


def matches_words(model: FoundModel, words: str) -> bool:
    """Whether all words are in what is known of a model: how the catalogue is searched without a network."""
    text = f"{model.title} {model.repository} {model.good_for} {model.architecture}".casefold()
    return all(word in text for word in words.casefold().split())


def _within(value: float, bounds: Bounds) -> bool:
    return bounds == ANY or (value > 0 and bounds[0] <= value < bounds[1])
