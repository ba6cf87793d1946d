"""How much each group of tensors suffers from each type: measured, with everything else kept high.

The damage of a type to a group is the mean KL divergence from the source with only that group in that type,
less what keeping everything else in the base type costs by itself. Damages of groups are taken to add up,
which is near enough for a choice (the result is measured again as a whole). The MTP head does not speak, it
only drafts: what counts of its divergence is a tenth, since drafts cost time and no words.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.contract.errors import InvalidRequest
from engine.library.gguf import read_header
from engine.library.tensor_parts import Part
from engine.quantization.drafts import draft_scores, has_mtp_head
from engine.quantization.groups import BANDS, TensorGroup, group_tensors
from engine.quantization.importance_matrix import ImportanceMatrix
from engine.quantization.quality import ReferenceScores, kl_divergence, measure_against
from engine.quantization.quantize import QuantizationPlan, plan, quantize
from engine.quantization.recipe import Recipe
from engine.quantization.scoring import ScoringModel
from engine.quantization.solver import Option, solve

HIGH = "Q8_0"  # what everything else is kept in while one group is measured
CANDIDATES = ("Q8_0", "Q6_K", "Q5_K", "Q4_K", "IQ4_XS", "Q3_K", "Q2_K")
CANDIDATES_WITH_IMPORTANCE = (*CANDIDATES, "IQ3_S", "IQ3_XXS", "IQ2_S", "IQ2_XXS")
DRAFT_WEIGHT = 0.1

Progress = Callable[[int, int], None]  # trials done, trials in all


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """A group and what each type would cost and save."""

    group: TensorGroup
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Sensitivities:
    """Everything a choice needs, for any number of budgets."""

    groups: tuple[GroupOptions, ...]
    fixed_bytes: int  # of the file: metadata, and the tensors of no group

    @property
    def smallest_bytes(self) -> int:
        """The file with the smallest option everywhere."""
        return self.fixed_bytes + sum(min(o.size_bytes for o in g.options) for g in self.groups)

    def recipe_for(self, budget_bytes: int, *, name: str = "") -> Recipe:
        """The recipe of least damage whose file is at most so large.

        Raises InvalidRequest where even the smallest types take more.
        """
        choice = solve([group.options for group in self.groups], budget_bytes - self.fixed_bytes)
        if choice is None:
            raise InvalidRequest(
                f"{budget_bytes:,} bytes are too few: the smallest types take {self.smallest_bytes:,}"
            )
        rules = tuple(
            group.group.rule(option.type) for group, option in zip(self.groups, choice.options, strict=True)
        )
        return Recipe(base=HIGH, rules=rules, name=name or f"{budget_bytes} bytes")


def measure_sensitivities(
    source: Path,
    reference: ReferenceScores,
    folder: Path,
    *,
    importance: ImportanceMatrix | None = None,
    candidates: Sequence[str] = (),
    num_bands: int = len(BANDS),
    threads: int = 0,
    progress: Progress = lambda _done, _all: None,
) -> Sensitivities:
    """Try every candidate type on every group. `folder` takes one trial file at a time, as large as Q8_0's.

    Raises ModelError for a source that cannot be read, StorageFailed where the folder has no room.
    """
    kinds = tuple(candidates) or (CANDIDATES_WITH_IMPORTANCE if importance else CANDIDATES)
    groups = group_tensors(read_header(source).tensors, num_bands)
    trial = _Trial(source, reference, folder / "trial.gguf", importance, threads)
    base_plan = plan(source, Recipe(base=HIGH))
    sizes = {tensor.name: tensor.size_bytes for tensor in base_plan.tensors}
    base_damage = trial.divergence(Recipe(base=HIGH))
    found = []
    for index, group in enumerate(groups):
        options = {HIGH: Option(HIGH, sum(sizes[name] for name in group.tensors), 0.0)}
        for step, kind in enumerate(kinds):
            option = _option(trial, group, kind, base_damage)
            if option is not None:
                options.setdefault(option.type, option)
            progress(index * len(kinds) + step + 1, len(groups) * len(kinds))
        found.append(GroupOptions(group, tuple(options.values())))
    grouped = sum(sizes[name] for group in groups for name in group.tensors)
    return Sensitivities(tuple(found), base_plan.size_bytes - grouped)


class _Trial:
    """One trial after the other, each in the same file."""

    def __init__(
        self,
        source: Path,
        reference: ReferenceScores,
        path: Path,
        importance: ImportanceMatrix | None,
        threads: int,
    ) -> None:
        self._source, self._reference, self._path = source, reference, path
        self._importance, self._threads = importance, threads
        self._drafts = (
            draft_scores(source, reference.chunks) if has_mtp_head(read_header(source)) else None
        )  # (T, V)

    def plan(self, recipe: Recipe) -> QuantizationPlan:
        """What the recipe would give."""
        return plan(self._source, recipe)

    def divergence(self, recipe: Recipe) -> float:
        """The mean KL divergence that the recipe costs."""
        with (
            self._file(recipe) as path,
            ScoringModel(path, chunk_length=self._reference.chunk_length) as model,
        ):
            divergence = measure_against(model, self._reference).divergence
        assert divergence is not None
        return divergence.mean.value

    def draft_divergence(self, recipe: Recipe) -> float | None:
        """What it costs the drafts of the MTP head; None for a model whose head cannot be run."""
        if self._drafts is None:
            return None
        with self._file(recipe) as path:
            found = draft_scores(path, self._reference.chunks)  # (T, V)
        return float(kl_divergence(self._drafts, found).mean())

    @contextmanager
    def _file(self, recipe: Recipe) -> Iterator[Path]:
        try:
            quantize(self._source, self._path, recipe, importance=self._importance, threads=self._threads)
            yield self._path
        finally:
            self._path.unlink(missing_ok=True)


def _option(trial: _Trial, group: TensorGroup, kind: str, base_damage: float) -> Option | None:
    """One type tried on one group; None for an MTP head that cannot be run, which so is kept high.

    Rows that a type's blocks do not divide get another type, as they will in the file: it is that one's size
    and damage that count.
    """
    recipe = Recipe(base=HIGH, rules=(group.rule(kind),))
    if kind == HIGH:
        return None
    if group.name == Part.MTP:
        divergence = trial.draft_divergence(recipe)
        if divergence is None:
            return None
        damage = DRAFT_WEIGHT * divergence
    else:
        damage = max(0.0, trial.divergence(recipe) - base_damage)
    planned = [tensor for tensor in trial.plan(recipe).tensors if tensor.name in group.tensors]
    return Option(kind, sum(tensor.size_bytes for tensor in planned), damage)
