"""How many prompts of the rubric the built-in model passes, at temperature 0.7, over several seeds.

`python -m benchmarks.builtin_rubric MODEL ... [--seeds 3]`: MODEL is a GGUF file (llama.cpp) or a folder of
safetensors (the torch engine). Prints a table, with --show every failed conversation, then one JSON line.
"""

import argparse
import json
from pathlib import Path

from engine.training.rubric import FIXED, Prompt, draw, judge
from tests.support.rubric_answers import open_answerer

TEMPERATURE = 0.7


def describe(prompt: Prompt) -> str:
    """A prompt in one line."""
    return (f"[{prompt.system}] " if prompt.system else "") + " / ".join(prompt.turns)


def main() -> None:
    """Judge from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--show", action="store_true", help="print what failed")
    options = parser.parse_args()
    figures: dict[str, dict[str, list[int]]] = {}
    for path in options.models:
        counts: dict[str, list[int]] = {"fixed": [], "drawn": []}
        with open_answerer(path, temperature=TEMPERATURE) as answerer:
            for seed in range(1, options.seeds + 1):
                for name, prompts in (("fixed", FIXED), ("drawn", draw(seed))):
                    judged = judge(prompts, answerer, seed=seed)
                    counts[name].append(sum(passed for passed, _ in judged))
                    for prompt, (passed, messages) in zip(prompts, judged, strict=True):
                        if options.show and not passed:
                            print(f"  {seed} {describe(prompt)}\n    -> {messages[-1].content}")
        figures[str(path)] = counts
    for model, counts in figures.items():
        print(f"{model:44} fixed {counts['fixed']} drawn {counts['drawn']} of 20")
    print(json.dumps({"temperature": TEMPERATURE, "passed": figures}))


if __name__ == "__main__":
    main()
