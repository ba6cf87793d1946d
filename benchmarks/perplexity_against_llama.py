"""Our perplexity against llama.cpp's own tool: the same file, text and context.

The tool is not part of what is installed: build it from llama.cpp's source package out of tree, with
`cmake -S …/vendor/llama.cpp -B build -DLLAMA_BUILD_TOOLS=ON` and `ninja -C build llama-perplexity`.

    python -m benchmarks.perplexity_against_llama build/bin/llama-perplexity TEXT MODEL.gguf…
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from engine.contract.processes import child_environment
from engine.quantization.quality import measure
from engine.quantization.scoring import ScoringModel

CONTEXTS = (512, 256)
_FINAL = re.compile(r"Final estimate: PPL = ([\d.]+) \+/- ([\d.]+)")


def of_the_tool(tool: Path, text: Path, model: Path, context: int) -> tuple[float, float]:
    """What llama-perplexity prints: the perplexity and its error."""
    words = [str(tool), "-m", str(model), "-f", str(text), "-c", str(context), "-b", str(context), "-t", "1"]
    outcome = subprocess.run(words, capture_output=True, text=True, env=child_environment(), check=True)
    match = _FINAL.search(outcome.stdout + outcome.stderr)
    assert match is not None, outcome.stderr[-500:]
    return float(match[1]), float(match[2])


def main() -> None:
    """Compare every model at every context."""
    tool, text, *models = map(Path, sys.argv[1:])
    results = []
    for model in models:
        for context in CONTEXTS:
            theirs, their_error = of_the_tool(tool, text, model, context)
            with ScoringModel(model, chunk_length=context, threads=1) as scored:
                ours = measure(scored, text.read_text(encoding="utf-8")).perplexity
            apart = abs(ours.value / theirs - 1)
            print(
                f"{model.stem:20} {context:4}: llama.cpp {theirs:.4f} ± {their_error:.5f}, "
                f"ours {ours.value:.4f} ± {ours.error:.5f}: {100 * apart:.4f} % apart",
                flush=True,
            )
            results.append({"model": model.stem, "context": context, "theirs": theirs, "ours": ours.value})
    print(json.dumps({"benchmark": "perplexity_against_llama", "results": results}))


if __name__ == "__main__":
    main()
