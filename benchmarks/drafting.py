"""What the governor of drafts is worth in the llama backend: against drafting off, and on at every depth.

For each case the same answers are given without drafts, with 1, 2 and 3 guesses in every step and with as
many as the governor chooses, in turn; end tokens are forbidden, so that all answers are as long as is asked
for. One thread; times are CPU time of it and, beside them, of the clock; each is the median over the rounds.
`kept up` is the governor's speed over that of the best of the others, `worst` its lowest of a round, and
`on/off` over the better of drafting off and on, which is two guesses in every step whatever is known. Where a
step takes milliseconds the governor goes by CPU time, so that a busy machine says what a quiet one would;
that clock costs 6 to 40 µs a look, so that of quick models it goes by the usual one, as in the application.

Cases: the built-in model as it is and with wide idle layers (`benchmarks.padded_builtin`), drafted by its MTP
layer, by one whose guesses are worth nothing and by the built-in model itself; a random model that repeats
itself, with its own text as drafter and with another random model; a trained one that tells stories freely.

    python -m benchmarks.drafting [--tokens 200] [--prompts 4] [--rounds 5] [--only CASE]

Prints a table, then one JSON line.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.padded_builtin import write_padded
from engine.backends.llama.backend import LlamaBackend
from engine.contract.params import FORBIDDEN, LoadParams, SamplingParams
from engine.contract.paths import builtin_model
from engine.generation.draft_depth import DraftDepth
from tests.support.draft_conversation import DraftConversation, accepted
from tests.support.tiny_model import Shape, write_tiny_model

SETTINGS: dict[str, int | None] = {"off": 0, "1": 1, "2": 2, "3": 3, "governor": None}
RANDOM = Shape(hidden=512, layers=6, heads=8, feed_forward=1408)  # 19 M parameters, 78 MB
NAMES = ("dog", "fox", "bear", "girl", "boat", "king", "bird", "cloud")
STORIES = Path(__file__).resolve().parents[1].parent / "shared/data/models/stories260K-F32.gguf"


@dataclass(frozen=True)
class Case:
    """A model, what drafts for it and how its tokens are picked."""

    name: str
    model: Path
    draft_model: str = ""
    temperature: float = 0.0
    clock: Callable[[], float] = time.thread_time  # what the governor goes by
    prompt: str = "<|begin|><|user|>Tell me a story about a {}.<|assistant|>"


@dataclass
class Spent:
    """Seconds of the answers of one round, and what became of their guesses."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    drafted: int = 0
    kept: int = 0
    said: list[str] = field(default_factory=list)


def cases(folder: Path) -> Iterator[Case]:
    """All of them; their models are written into the folder."""
    builtin = Path(builtin_model())
    padded = write_padded(builtin, folder / "padded.gguf", idle_layers=8, width=4096)
    wrong = write_padded(builtin, folder / "wrong.gguf", idle_layers=8, width=4096, random_guesses=True)
    medium = write_tiny_model(folder / "medium.gguf", shape=RANDOM)
    tiny = write_tiny_model(folder / "tiny.gguf", seed=1)
    yield Case("built-in, its MTP layer", builtin, clock=time.perf_counter)
    yield Case("padded, its MTP layer", padded)
    yield Case("padded, its MTP layer, sampled", padded, temperature=1.0)
    yield Case("padded, MTP layer at random", wrong)
    yield Case("padded, built-in drafts", padded, str(builtin))
    yield Case("random, another random drafts", medium, str(tiny), prompt="The {}")
    yield Case("random, its text repeats", medium, prompt="The {} and the {}")
    yield Case("random, its text, sampled", medium, temperature=1.0, prompt="The {} and the {}")
    if STORIES.exists():
        yield Case(
            "stories260K, its text", STORIES, temperature=1.0, clock=time.perf_counter, prompt="One day, a {}"
        )


class Setting:
    """One way to answer: a backend of its own and a scheduler that goes on from answer to answer."""

    def __init__(self, case: Case, depth: int | None) -> None:
        load = LoadParams(
            threads=1, gpu_layers=0, context_length=512, sequences=1, draft_tokens=depth,
            draft_model=case.draft_model if depth != 0 else "",
        )  # fmt: skip
        self.backend = LlamaBackend(case.model, load, lambda _: None, lambda: False)
        self._talk = DraftConversation(self.backend, depth)
        self._talk.scheduler._depth = DraftDepth(case.clock)
        bias = tuple((token, FORBIDDEN) for token in self.backend.end_tokens)
        self._params = SamplingParams(temperature=case.temperature, logit_bias=bias)
        self._num_answers = 0

    def answer(self, text: str, num_tokens: int, spent: Spent) -> list[int]:
        """One answer in a conversation of its own; what it took is added to `spent`."""
        self._num_answers += 1
        token_ids = self.backend.tokenize(text, add_special=not text.startswith("<|begin|>"))
        sequence = self._talk.sequence(
            token_ids, num_tokens, name="", params=self._params, seed=self._num_answers
        )
        self.backend.truncate(0, 0)
        cpu_s, wall_s = time.thread_time(), time.perf_counter()
        (tokens,) = self._talk.run(sequence)
        spent.cpu_s += time.thread_time() - cpu_s
        spent.wall_s += time.perf_counter() - wall_s
        drafted, kept = accepted(sequence)
        spent.drafted, spent.kept = spent.drafted + drafted, spent.kept + kept
        if sequence.drafting is not None:
            spent.said.append(sequence.drafting.governor.describe())
        return tokens


def measure(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """All settings in turn, each round begun by another one."""
    settings = {name: Setting(case, depth) for name, depth in SETTINGS.items()}
    rounds: list[dict[str, Spent]] = []
    for number in range(options.rounds):
        spent = {name: Spent() for name in SETTINGS}
        for place in range(options.prompts):
            text = case.prompt.format(NAMES[place], NAMES[-1 - place])
            turn = (number + place) % len(SETTINGS)
            for name in [*SETTINGS][turn:] + [*SETTINGS][:turn]:
                settings[name].answer(text, options.tokens, spent[name])
        rounds.append(spent)
    for setting in settings.values():
        setting.backend.close()
    return report_of(rounds)


def report_of(rounds: list[dict[str, Spent]]) -> dict[str, Any]:
    """Medians and ratios of all rounds."""
    figures: dict[str, Any] = {}
    for clock in ("cpu_s", "wall_s"):
        times = {name: [getattr(spent[name], clock) for spent in rounds] for name in SETTINGS}
        off = times["off"]
        speeds = {
            name: statistics.median(plain / own for plain, own in zip(off, times[name], strict=True))
            for name in SETTINGS
        }
        best = max((name for name in SETTINGS if name != "governor"), key=speeds.__getitem__)
        plain_or_two = max(("off", "2"), key=speeds.__getitem__)
        on_or_off = [own / chosen for own, chosen in zip(times[plain_or_two], times["governor"], strict=True)]
        kept_up = [own / chosen for own, chosen in zip(times[best], times["governor"], strict=True)]
        figures[clock] = {
            "speeds": speeds, "best": best, "kept_up": statistics.median(kept_up), "worst": min(kept_up),
            "on_or_off": statistics.median(on_or_off),
        }  # fmt: skip
    governed = [spent["governor"] for spent in rounds]
    drafted = sum(spent.drafted for spent in governed)
    figures["acceptance"] = sum(spent.kept for spent in governed) / drafted if drafted else 0.0
    figures["said"] = governed[-1].said[-1]
    return figures


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    report: dict[str, Any] = {}
    columns = "".join(f"{name:>9}" for name in SETTINGS)
    print(f"{'case':32}{columns}{'kept up':>9}{'worst':>7}{'on/off':>7}{'clock':>7}{'stayed':>8}  said last")
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder)):
            if options.only not in case.name:
                continue
            report[case.name] = found = measure(case, options)
            cpu = found["cpu_s"]
            speeds = "".join(f"{speed:9.2f}" for speed in cpu["speeds"].values())
            print(
                f"{case.name:32}{speeds}{cpu['kept_up']:9.3f}{cpu['worst']:7.2f}{cpu['on_or_off']:7.3f}"
                f"{found['wall_s']['kept_up']:7.2f}{found['acceptance']:8.2f}  {found['said']}",
                flush=True,
            )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
