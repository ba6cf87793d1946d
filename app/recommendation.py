"""Which models of the catalogue to offer to somebody who has none: few, different, and with room here."""

from collections.abc import Callable, Collection, Iterable

from app.found_model import FoundModel
from app.found_words import file_stem
from app.model_room import Memory, room_for

Kind = Callable[[FoundModel], bool]
MOST_ACTIVE = 10 * 10**9  # parameters: more is slow where there is no large graphics card
KINDS: tuple[Kind, ...] = (  # one of each at most, the largest that fits
    lambda model: not model.has_experts and not model.distilled_from,
    lambda model: model.has_experts,
    lambda model: bool(model.distilled_from),
)


def recommend(
    models: Iterable[FoundModel], memory: Memory, here: Collection[tuple[str, str]]
) -> list[FoundModel]:
    """The first is the one to begin with; `here` are repositories and file names of the library."""
    fitting = [
        model
        for model in models
        if room_for(model.size_bytes, memory) == "fits"
        and model.active_parameters <= MOST_ACTIVE
        and (model.repository, file_stem(model.file)) not in here
    ]
    largest_first = sorted(fitting, key=lambda model: -model.size_bytes)
    chosen: list[FoundModel] = []
    for is_of_kind in KINDS:
        chosen += [model for model in largest_first if is_of_kind(model)][:1]
    return chosen
