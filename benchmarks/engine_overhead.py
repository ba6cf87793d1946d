"""What a token costs through command line, host and worker, against a bare llama.cpp loop on the same model.

Both answer greedily with one thread. Each is run for a short and for a long answer; the difference of the
CPU time of all their processes, shared out over the tokens between, leaves out starting and loading. The two
run in turn; the median of the pairs' ratios is what to quote.

    python benchmarks/engine_overhead.py [MODEL] [PAIRS]
"""

import ctypes
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SHORT, LONG = 50, 650
PROMPT = "Once upon a time"


def load(model: str) -> tuple[Any, Any]:
    """llama.cpp's functions, and a model."""
    import llama_cpp.llama_cpp as lib  # noqa: PLC0415  (only this process needs it)

    lib.llama_log_set(lib.llama_log_callback(), None)
    lib.llama_backend_init()
    return lib, lib.llama_model_load_from_file(model.encode(), lib.llama_model_default_params())


def bare_loop(model: str, num_tokens: int) -> None:
    """Greedy decoding with nothing around it; end tokens are not looked at, the answer goes on."""
    lib, loaded = load(model)
    params = lib.llama_context_default_params()
    params.n_ctx, params.n_threads, params.n_threads_batch = 1024, 1, 1
    context = lib.llama_init_from_model(loaded, params)
    vocabulary = lib.llama_model_get_vocab(loaded)
    tokens = (ctypes.c_int32 * 64)()
    count = lib.llama_tokenize(vocabulary, PROMPT.encode(), len(PROMPT), tokens, 64, True, True)
    sampler = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    forbidden = [(token, float("-inf")) for token in end_tokens(lib, vocabulary)]
    bias = (lib.llama_logit_bias * len(forbidden))(*forbidden)
    size = lib.llama_vocab_n_tokens(vocabulary)
    lib.llama_sampler_chain_add(sampler, lib.llama_sampler_init_logit_bias(size, len(bias), bias))
    lib.llama_sampler_chain_add(sampler, lib.llama_sampler_init_greedy())
    batch = lib.llama_batch_get_one(tokens, count)
    for _ in range(num_tokens):
        assert lib.llama_decode(context, batch) == 0
        tokens[0] = lib.llama_sampler_sample(sampler, context, -1)
        batch = lib.llama_batch_get_one(tokens, 1)


def end_tokens(lib: Any, vocabulary: Any) -> list[int]:
    """The tokens that would end an answer."""
    size = lib.llama_vocab_n_tokens(vocabulary)
    return [token for token in range(size) if lib.llama_vocab_is_eog(vocabulary, token)]


def through_retort(model: str, num_tokens: int, forbidden: list[int]) -> list[str]:
    """The command line that gives an answer of exactly so many tokens."""
    command = [sys.executable, "-m", "app", "run", model, PROMPT, "--raw", "--temperature", "0"]
    command += ["--threads", "1", "--ctx", "1024", "--max-tokens", str(num_tokens), "--json"]
    return [*command, *(f"--logit-bias={token}=-inf" for token in forbidden)]


def cpu_ms(command: list[str]) -> float:
    """CPU time of a command and all its children, in milliseconds."""
    before = os.times()
    subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return 1000 * used


def cpu_ms_per_token(command_of: dict[int, list[str]]) -> float:
    """What a token between the short and the long answer costs."""
    return (cpu_ms(command_of[LONG]) - cpu_ms(command_of[SHORT])) / (LONG - SHORT)


def main() -> None:
    """Run the pairs and print what was measured."""
    model = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "resources" / "builtin" / "retort-builtin.gguf")
    if model == "--end-tokens":
        lib, loaded = load(sys.argv[2])
        print(end_tokens(lib, lib.llama_model_get_vocab(loaded)))
        return
    if model == "--bare":
        bare_loop(sys.argv[2], int(sys.argv[3]))
        return
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    asked = [sys.executable, "-m", "app", "inspect", model, "--json"]
    report = json.loads(subprocess.run(asked, cwd=ROOT, capture_output=True, check=True).stdout)
    listed = [sys.executable, __file__, "--end-tokens", model]
    forbidden = json.loads(subprocess.run(listed, capture_output=True, check=True).stdout)
    bare = {n: [sys.executable, __file__, "--bare", model, str(n)] for n in (SHORT, LONG)}
    retort = {n: through_retort(model, n, forbidden) for n in (SHORT, LONG)}
    figures = [(cpu_ms_per_token(retort), cpu_ms_per_token(bare)) for _ in range(pairs)]
    ours, theirs = (statistics.median(column) for column in zip(*figures, strict=True))
    ratio = statistics.median(first / second for first, second in figures)
    print(f"{report['name']}, {report['parameters']:,} parameters, {report['quantization']}, 1 thread")
    print(f"retort run  {ours:7.3f} ms of CPU per token   (median of {pairs})")
    print(f"bare loop   {theirs:7.3f} ms of CPU per token")
    print(f"ratio       {ratio:7.3f}")
    print(
        json.dumps(
            {
                "benchmark": "engine_overhead",
                "model": report["name"],
                "parameters": report["parameters"],
                "pairs": pairs,
                "retort_cpu_ms_per_token": round(ours, 4),
                "bare_cpu_ms_per_token": round(theirs, 4),
                "ratio": round(ratio, 4),
            }
        )
    )


if __name__ == "__main__":
    main()
