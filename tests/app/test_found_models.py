"""What could be fetched: what is known of it, which of it is shown, how it is sorted, what is recommended."""

import pytest

from app.found_model import FoundModel, from_catalogue, from_hub
from app.found_words import facts, file_stem, names_here, room_sentence
from app.lists.found_list import FoundList, FoundRole
from app.model_filter import SIZES, ModelFilter, matches_words, sort_models
from app.model_room import Memory, room_for
from app.recommendation import recommend
from engine.contract.hub_messages import HubModel
from engine.contract.model_info import InstalledModel
from engine.library.catalogue import read_catalogue

GB = 10**9
MEMORY = Memory(available_bytes=8 * GB, total_bytes=16 * GB, reserve_bytes=GB // 2)
MODELS = [from_catalogue(model, "en") for model in read_catalogue().models]


def model(**values: object) -> FoundModel:
    return FoundModel(key="k", title="t", repository="p/r", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size_bytes", "room"),
    [(0, "unknown"), (5 * GB, "fits"), (8 * GB, "tight"), (13 * GB, "tight"), (16 * GB, "too_large")],
)
def test_the_room_follows_from_the_size_and_the_memory(size_bytes: int, room: str) -> None:
    assert room_for(size_bytes, MEMORY) == room
    assert room_for(size_bytes, Memory()) == "unknown"


def test_the_catalogue_says_what_is_known_and_no_more() -> None:
    known = {one.key: one for one in MODELS}
    experts = known["catalogue:qwen3-30b-a3b"]
    assert experts.has_experts and experts.wanted.revision == experts.commit != ""
    guessed = known["catalogue:glm-4.7-flash"]
    assert guessed.is_size_estimated and guessed.wanted.size_bytes == 0
    said = dict(facts(guessed))
    assert said["SHA-256"] == said["Commit"] == "asked at download"
    assert said["Size"].startswith("about ")
    assert from_catalogue(read_catalogue().models[0], "de").good_for != MODELS[0].good_for


def test_a_repository_is_named_without_its_format_and_its_teacher_is_read_from_its_name() -> None:
    found = from_hub(HubModel(repository="acme/DeepSeek-R1-Distill-Qwen-7B-GGUF", parameters=7 * GB))
    assert (found.title, found.distilled_from) == ("DeepSeek-R1-Distill-Qwen-7B", "DeepSeek-R1")
    assert found.is_size_estimated and 4 * GB < found.size_bytes < 5 * GB
    assert not found.has_experts
    assert from_hub(HubModel(repository="acme/x", parameters=30 * GB, active_parameters=3 * GB)).has_experts


def test_the_filter_takes_what_meets_every_condition_and_never_what_is_unknown() -> None:
    small = SIZES[1]
    assert ModelFilter().takes(model(), "unknown")
    assert not ModelFilter(size=small).takes(model(), "fits")
    assert ModelFilter(size=small, license="mit").takes(model(size_bytes=GB, license="mit"), "fits")
    assert not ModelFilter(size=small, license="mit").takes(model(size_bytes=GB), "fits")
    assert not ModelFilter(room="fits").takes(model(), "tight")
    assert ModelFilter(room="possible").takes(model(), "tight")
    assert not ModelFilter(only_mtp=True).takes(model(mtp=None), "fits")
    titles = {one.title for one in MODELS if ModelFilter(only_experts=True, only_mtp=True).takes(one, "fits")}
    assert titles == {"Qwen3.6 35B-A3B"}


def test_what_is_unknown_stands_last_and_the_hubs_order_is_kept() -> None:
    unknown, large, small = model(), model(size_bytes=2), model(size_bytes=1)
    assert sort_models([unknown, large, small], "size") == [small, large, unknown]
    assert sort_models([large, small], "downloads") == [large, small]


def test_words_are_looked_for_in_all_that_is_known() -> None:
    assert [one.title for one in MODELS if matches_words(one, "mla  CHINESE")] == ["Moonlight 16B-A3B"]


def test_rows_stand_under_headings_by_their_room() -> None:
    rows = FoundList()
    rows.set_models(MODELS)
    rows.set_memory(MEMORY)
    seen = [(rows.index(n).data(FoundRole.IS_HEADING), rows.index(n).data()) for n in range(rows.rowCount())]
    assert [text for is_heading, text in seen if is_heading] == [
        "Fits on this computer",
        "Fits once other programs are closed",
        "Larger than this computer's memory",
    ]
    first = rows.index(1).data(FoundRole.MODEL)
    assert rows.room_of(first) == "fits" and first.size_bytes > 5 * GB, "the largest that fits is first"
    rows.set_filter(ModelFilter(only_distilled=True))
    assert 0 < rows.num_shown < len(MODELS)
    assert not rows.row_of("catalogue:qwen3-8b").isValid()


def test_few_different_models_are_recommended_and_none_that_is_here() -> None:
    found = recommend(MODELS, MEMORY, ())
    assert len(found) == 3
    assert [one.has_experts for one in found] == [False, True, False]
    assert found[2].distilled_from
    assert all(room_for(one.size_bytes, MEMORY) == "fits" for one in found)
    first = found[0]
    here = {(first.repository, file_stem(first.file))}
    assert first not in recommend(MODELS, MEMORY, here)
    assert recommend(MODELS, Memory(), ()) == []


def test_a_model_of_the_library_is_known_by_its_repository_and_file() -> None:
    installed = InstalledModel(
        name="acme/tiny/tiny-Q8_0", short_name="t", path="/m/tiny-Q8_0.gguf", format="gguf",
        origin="library", info=None, size_bytes=1, source="huggingface.co/acme/tiny",
    )  # fmt: skip
    assert names_here([installed]) == {("acme/tiny", "tiny-Q8_0"): "acme/tiny/tiny-Q8_0"}
    assert file_stem("Q4/big-Q4_K_M.GGUF") == "big-Q4_K_M"


def test_the_verdict_is_a_sentence_with_its_figures() -> None:
    assert room_sentence(model(size_bytes=5 * GB), MEMORY) == (
        "It fits: it needs about 5.8 GB of memory, and 7.5 GB are free."
    )
    assert "16.0 GB" in room_sentence(model(size_bytes=20 * GB), MEMORY)
    assert "not known" in room_sentence(model(), MEMORY)
