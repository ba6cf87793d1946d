"""The recipes of the solver against llama.cpp's own mixtures: the same bytes or fewer, how much damage.

For every model and every stock type the solver gets exactly the stock file's size as its budget. It chooses
on one text and is judged on another, by the mean KL divergence from the model that both are made of. Models
have to be trained ones: random weights suffer from everything alike.

    python -m benchmarks.solver_against_stock CHOOSING.txt JUDGING.txt MODEL.gguf…
"""

import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.quantization.quality import ReferenceScores, measure_against
from engine.quantization.quantize import plan, quantize
from engine.quantization.recipe import Recipe
from engine.quantization.scoring import ScoringModel
from engine.quantization.sensitivity import measure_sensitivities

STOCK = ("Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M")
CHOOSING_CHUNKS, JUDGING_CHUNKS = 8, 16  # of 512 tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One budget of one model."""

    model: str
    stock: str
    budget_bytes: int
    size_bytes: int  # of the solver's file
    stock_divergence: float
    divergence: float

    @property
    def is_won(self) -> bool:
        """Less damage, and not larger."""
        return self.divergence < self.stock_divergence and self.size_bytes <= self.budget_bytes


def reference(model: Path, text: Path, scores: Path, num_chunks: int) -> ReferenceScores:
    """What a model expects over a text."""
    with ScoringModel(model) as scored:
        return ReferenceScores(scored, text.read_text(encoding="utf-8"), scores, max_chunks=num_chunks)


def divergence(source: Path, recipe: Recipe, judge: ReferenceScores, folder: Path) -> tuple[float, int]:
    """The mean KL divergence of a recipe's file, and its size."""
    path = folder / "judged.gguf"
    quantize(source, path, recipe)
    with ScoringModel(path) as model:
        found = measure_against(model, judge).divergence
    assert found is not None
    return found.mean.value, path.stat().st_size


def cases_of(model: Path, choosing: Path, judging: Path, folder: Path) -> list[Case]:
    """Every stock type of one model."""
    chosen_on = reference(model, choosing, folder / "choosing", CHOOSING_CHUNKS)
    found = measure_sensitivities(model, chosen_on, folder)
    judge = reference(model, judging, folder / "judging", JUDGING_CHUNKS)
    cases = []
    for stock in STOCK:
        budget = plan(model, Recipe(base=stock)).size_bytes
        theirs, stock_bytes = divergence(model, Recipe(base=stock), judge, folder)
        assert stock_bytes == budget
        ours, size_bytes = divergence(model, found.recipe_for(budget), judge, folder)
        case = Case(
            model=model.stem,
            stock=stock,
            budget_bytes=budget,
            size_bytes=size_bytes,
            stock_divergence=theirs,
            divergence=ours,
        )
        print(
            f"{case.model:20} {stock:8} {budget:>12,} bytes: {theirs:.5f} nats; solver {size_bytes:>12,} "
            f"bytes: {ours:.5f} nats, {100 * ours / theirs:.0f} %{'' if case.is_won else '  LOST'}",
            flush=True,
        )
        cases.append(case)
    return cases


def main() -> None:
    """Measure every model and print how many cases were won."""
    choosing, judging, *models = map(Path, sys.argv[1:])
    cases, begun = list[Case](), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        for model in models:
            cases += cases_of(model, choosing, judging, Path(folder))
    won = sum(case.is_won for case in cases)
    over = sum(case.size_bytes > case.budget_bytes for case in cases)
    print(f"{won} of {len(cases)} won, {over} over the budget, {time.process_time() - begun:.0f} s of CPU")
    result = {"benchmark": "solver_against_stock", "won": won, "cases": [asdict(case) for case in cases]}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
