"""From measured damages to a recipe within a number of bytes."""

from pathlib import Path

import pytest

from engine.contract.errors import InvalidRequest
from engine.contract.paths import resources
from engine.library.gguf import read_header
from engine.library.tensor_parts import Part, parts_of
from engine.quantization.groups import group_tensors
from engine.quantization.quality import ReferenceScores, measure_against
from engine.quantization.quantize import plan, quantize
from engine.quantization.recipe import Recipe
from engine.quantization.scoring import ScoringModel
from engine.quantization.sensitivity import HIGH, Sensitivities, measure_sensitivities
from tests.support.builtin_models import BUILTIN_Q8_0

pytestmark = [pytest.mark.llama, pytest.mark.slow]

CHUNK = 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sensitivity")


@pytest.fixture(scope="module")
def source() -> Path:
    return BUILTIN_Q8_0


@pytest.fixture(scope="module")
def reference(source: Path, folder: Path) -> ReferenceScores:
    text = (resources() / "builtin" / "STORIES.md").read_text(encoding="utf-8")[:1800]
    with ScoringModel(source, chunk_length=CHUNK) as model:
        return ReferenceScores(model, text, folder / "scores")


@pytest.fixture(scope="module")
def sensitivities(source: Path, reference: ReferenceScores, folder: Path) -> Sensitivities:
    return measure_sensitivities(source, reference, folder, candidates=("Q6_K", "Q4_K", "Q2_K"), num_bands=1)


def test_every_matrix_is_in_one_group() -> None:
    tensors = read_header(BUILTIN_Q8_0).tensors
    grouped = [name for group in group_tensors(tensors) for name in group.tensors]
    parts = parts_of(tensors)
    matrices = {tensor.name for tensor in tensors if len(tensor.shape) > 1}
    assert sorted(grouped) == sorted(name for name in matrices if parts[name] not in (Part.ROUTER, Part.NORM))


def test_large_models_are_grouped_by_thirds() -> None:
    names = {group.name for group in group_tensors(read_header(BUILTIN_Q8_0).tensors)}
    assert {"latent attention attn_q_b, first third", "routed experts ffn_down_exps, last third"} <= names


def test_fewer_bits_do_more_damage(sensitivities: Sensitivities) -> None:
    low = sum(o.damage for g in sensitivities.groups for o in g.options if o.type == "Q2_K")
    middle = sum(o.damage for g in sensitivities.groups for o in g.options if o.type == "Q4_K")
    assert low > 3 * middle > 0


@pytest.mark.parametrize("base", ["Q6_K", "Q4_K_M"])
def test_the_file_is_never_over_the_budget(
    base: str, sensitivities: Sensitivities, source: Path, tmp_path: Path
) -> None:
    budget = plan(source, Recipe(base=base)).size_bytes
    recipe = sensitivities.recipe_for(budget)
    quantize(source, tmp_path / "out.gguf", recipe)
    assert (tmp_path / "out.gguf").stat().st_size == plan(source, recipe).size_bytes <= budget


def test_the_choice_is_better_than_the_stock_type_of_its_size(
    sensitivities: Sensitivities, reference: ReferenceScores, source: Path, tmp_path: Path
) -> None:
    budget = plan(source, Recipe(base="Q4_K_M")).size_bytes
    found = []
    for recipe in (Recipe(base="Q4_K_M"), sensitivities.recipe_for(budget)):
        quantize(source, tmp_path / "out.gguf", recipe)
        with ScoringModel(tmp_path / "out.gguf", chunk_length=CHUNK) as model:
            divergence = measure_against(model, reference).divergence
        assert divergence is not None
        found.append(divergence.mean.value)
    assert found[1] < found[0]


def test_a_budget_below_the_smallest_file_is_refused(sensitivities: Sensitivities) -> None:
    with pytest.raises(InvalidRequest, match="too few"):
        sensitivities.recipe_for(sensitivities.smallest_bytes - 1)
    smallest = sensitivities.recipe_for(sensitivities.smallest_bytes)
    assert {rule.type for rule in smallest.rules} != {HIGH}


def test_no_trial_is_left_behind(sensitivities: Sensitivities, folder: Path) -> None:
    assert sensitivities.groups
    assert sorted(path.name for path in folder.iterdir()) == ["scores"]
