"""The torch engine against transformers and llama.cpp, on a DeepSeek-V3 of 123 M random parameters.

Each runs in a process of its own and answers random prompts, drawn at run time, in turn with the other; the
token streams are compared. Transformers runs at the best of its settings, which is found first, in float32;
`--against llama` takes llama.cpp instead, with weights of as many bits (F32, Q8_0, Q4_0). The median
of the pairs' ratios is what to quote; on a machine that others use, `--threads 1 --cpu-time` counts the
process's CPU time instead of the clock's. The share of the memory bandwidth is the weights a token really
uses, times tokens per second, over what numpy reads in the same run. Prints a table, then one JSON line.

    python -m benchmarks.torch_engine [--contexts 128 1024] [--prefills 512 2048] [--rounds 5] [--threads 2]
        [--quantize int8] [--against llama] [--cpu-time]
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.hardware.bandwidth import read_bandwidth
from engine.hardware.memory import peak_rss_bytes

SIZES: dict[str, Any] = {
    "hidden_size": 512,
    "intermediate_size": 1024,
    "moe_intermediate_size": 256,
    "num_hidden_layers": 8,
    "first_k_dense_replace": 1,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "q_lora_rank": 384,
    "kv_lora_rank": 128,
    "qk_nope_head_dim": 64,
    "qk_rope_head_dim": 32,
    "v_head_dim": 64,
    "n_routed_experts": 32,
    "num_experts_per_tok": 4,
    "n_group": 1,
    "topk_group": 1,
    "n_shared_experts": 1,
    "vocab_size": 16384,
    "max_position_embeddings": 8192,
    "num_mtp_layers": 0,
    "initializer_range": 0.06,
}
Clock = Callable[[], float]

SAME_BITS = {"none": "F32", "int8": "Q8_0", "int4": "Q4_0"}  # llama.cpp's types
BYTES = {"none": 4.0, "int8": 1.0, "int4": 0.625}  # per weight

NEW_TOKENS = 24
CHUNK = 512  # the batch size of the backend
SETTINGS = ("transformers:eager", "transformers:grouped_mm")


def write_model(folder: Path) -> None:
    """Random weights, another draw in every run."""
    import transformers

    model = transformers.DeepseekV3ForCausalLM(transformers.DeepseekV3Config(**SIZES))
    model.save_pretrained(folder)


def our_answer(folder: Path, kind: str, clock: Clock) -> Any:
    """A function from a prompt to its answer: seconds of prefill, seconds of decoding, tokens."""
    from engine.library.checkpoint import read_checkpoint  # noqa: PLC0415
    from engine.transformer.model import load_model  # noqa: PLC0415

    quantize_to: Any = kind if kind in ("int8", "int4") else None
    model = load_model(read_checkpoint(folder), quantize_to=quantize_to, cache_folder=folder / "cache")

    def answer(prompt: list[int], num_tokens: int) -> tuple[float, float, list[int]]:
        cache = model.new_cache(8192)
        started = clock()
        for start in range(0, len(prompt), CHUNK):
            hidden = model.hidden_states(prompt[start : start + CHUNK], start, cache)
        tokens = [int(model.logits(hidden[-1:]).argmax())]
        prefilled = clock()
        while len(tokens) < num_tokens:
            hidden = model.hidden_states(tokens[-1:], cache.length, cache)
            tokens.append(int(model.logits(hidden).argmax()))
        return prefilled - started, clock() - prefilled, tokens

    return answer


def their_answer(folder: Path, experts: str, clock: Clock) -> Any:
    """The same with transformers."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, experts_implementation=experts
    ).eval()

    def answer(prompt: list[int], num_tokens: int) -> tuple[float, float, list[int]]:
        cache = transformers.DynamicCache(config=model.config)
        with torch.inference_mode():
            started = clock()
            logits = model(torch.tensor([prompt]), past_key_values=cache, logits_to_keep=1).logits
            tokens = [int(logits[0, -1].argmax())]
            prefilled = clock()
            while len(tokens) < num_tokens:
                logits = model(torch.tensor([tokens[-1:]]), past_key_values=cache).logits
                tokens.append(int(logits[0, -1].argmax()))
            return prefilled - started, clock() - prefilled, tokens

    return answer


def llama_answer(folder: Path, kind: str, clock: Clock) -> Any:
    """The same with llama.cpp."""
    import torch

    from engine.backends.choose import load_backend  # noqa: PLC0415
    from engine.contract.params import LoadParams  # noqa: PLC0415
    from engine.generation.backend import Entry  # noqa: PLC0415

    load = LoadParams(
        backend="llama", threads=torch.get_num_threads(), gpu_layers=0, context_length=8192, sequences=1
    )
    backend = load_backend(str(folder / f"{kind}.gguf"), load, lambda _: None, lambda: False)

    def answer(prompt: list[int], num_tokens: int) -> tuple[float, float, list[int]]:
        backend.truncate(0, 0)
        started = clock()
        for start in range(0, len(prompt), CHUNK):
            (row,) = backend.decode([Entry(0, start, prompt[start : start + CHUNK])], lambda: False)
        tokens = [int(backend.logits(row).argmax())]
        prefilled = clock()
        while len(tokens) < num_tokens:
            position = len(prompt) + len(tokens) - 1
            (row,) = backend.decode([Entry(0, position, tokens[-1:])], lambda: False)
            tokens.append(int(backend.logits(row).argmax()))
        return prefilled - started, clock() - prefilled, tokens

    return answer


def write_gguf(folder: Path, kind: str) -> None:
    """The model that `write_model` wrote, for llama.cpp."""
    from gguf import GGMLQuantizationType  # noqa: PLC0415
    from safetensors.numpy import load_file  # noqa: PLC0415

    from tests.support.tiny_gguf import write_deepseek_gguf  # noqa: PLC0415

    config = json.loads((folder / "config.json").read_text()) | SIZES
    config["rope_theta"] = config["rope_parameters"]["rope_theta"]
    arrays = load_file(folder / "model.safetensors")
    write_deepseek_gguf(folder / f"{kind}.gguf", config, arrays, kind=GGMLQuantizationType[kind])


def serve(engine: str, folder: Path, threads: int, clock: Clock) -> None:
    """A child: answers the prompts on stdin, one JSON line each."""
    import torch

    torch.set_num_threads(threads)
    whose, _, kind = engine.partition(":")
    makers = {"ours": our_answer, "transformers": their_answer, "llama": llama_answer}
    answer = makers[whose](folder, kind, clock)
    for line in sys.stdin:
        request = json.loads(line)
        prefill_s, decode_s, tokens = answer(request["prompt"], request["new"])
        reply = {"prefill_s": prefill_s, "decode_s": decode_s, "tokens": tokens, "rss": peak_rss_bytes()}
        print(json.dumps(reply), flush=True)


class Child:
    """An engine in its own process."""

    def __init__(self, engine: str, folder: Path, options: argparse.Namespace) -> None:
        command = [sys.executable, "-m", "benchmarks.torch_engine", "--serve", engine]
        command += ["--folder", str(folder), "--threads", str(options.threads)]
        command += ["--cpu-time"] if options.cpu_time else []
        command += ["--against", options.against, "--quantize", options.quantize]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, prompt: list[int], num_tokens: int) -> dict[str, Any]:
        """Its times and tokens."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"prompt": prompt, "new": num_tokens}) + "\n")
        self._process.stdin.flush()
        reply: dict[str, Any] = json.loads(self._process.stdout.readline())
        return reply

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def drawn(length: int) -> list[int]:
    """A prompt nobody has seen."""
    return [random.SystemRandom().randrange(SIZES["vocab_size"]) for _ in range(length)]


def best_setting(folder: Path, options: argparse.Namespace) -> tuple[str, Child]:
    """Transformers at its fastest: decoding after a short and a longer prompt."""
    times: dict[str, float] = {}
    for setting in SETTINGS:
        child = Child(setting, folder, options)
        child.ask(drawn(16), 4)
        times[setting] = sum(child.ask(drawn(length), 12)["decode_s"] for length in (64, 512))
        child.close()
    best = min(times, key=lambda setting: times[setting])
    return best, Child(best, folder, options)


def compare(ours: Child, theirs: Child, length: int, num_tokens: int, rounds: int) -> dict[str, Any]:
    """Both on the same prompts, taking turns to be first."""
    pairs = []
    for number in range(rounds):
        prompt = drawn(length)
        order = (ours, theirs) if number % 2 else (theirs, ours)
        answers = {child: child.ask(prompt, num_tokens) for child in order}
        pairs.append((answers[ours], answers[theirs]))
    figures: dict[str, Any] = {"context": length, "equal": sum(a["tokens"] == b["tokens"] for a, b in pairs)}
    figures["rounds"] = rounds
    for name, count in (("prefill", length), ("decode", num_tokens - 1)):
        if not count:
            continue
        key = f"{name}_s"
        figures[f"{name}_ours"] = count / statistics.median(ours_[key] for ours_, _ in pairs)
        figures[f"{name}_theirs"] = count / statistics.median(theirs_[key] for _, theirs_ in pairs)
        figures[f"{name}_ratio"] = statistics.median(b[key] / a[key] for a, b in pairs)
    figures |= {"rss_ours": pairs[-1][0]["rss"], "rss_theirs": pairs[-1][1]["rss"]}
    return figures


def active_bytes() -> int:
    """What one token really reads in float32: all but the experts not chosen and the embeddings."""
    size, heads = SIZES["hidden_size"], SIZES["num_attention_heads"]
    nope, rope, value = (SIZES[key] for key in ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"))
    down = SIZES["q_lora_rank"] + SIZES["kv_lora_rank"] + rope
    up = SIZES["q_lora_rank"] * heads * (nope + rope) + SIZES["kv_lora_rank"] * heads * (nope + value)
    attention = size * down + up + heads * value * size
    used = SIZES["num_experts_per_tok"] + SIZES["n_shared_experts"]
    mixture = 3 * size * SIZES["moe_intermediate_size"] * used + SIZES["n_routed_experts"] * size
    dense = 3 * size * SIZES["intermediate_size"]
    layers = SIZES["num_hidden_layers"]
    values = layers * attention + (layers - 1) * mixture + dense + SIZES["vocab_size"] * size
    return int(4 * values)


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--contexts", type=int, nargs="*", default=[128, 1024, 4096])
    parser.add_argument("--prefills", type=int, nargs="*", default=[512, 2048])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quantize", choices=["none", "int8", "int4"], default="none", help="our weights")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cpu-time", action="store_true")
    parser.add_argument("--against", choices=["transformers", "llama"], default="transformers")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve == "write":
        write_model(options.folder)
        if options.against == "llama":
            write_gguf(options.folder, SAME_BITS[options.quantize])
        return
    if options.serve:
        clock = time.process_time if options.cpu_time else time.perf_counter
        serve(options.serve, options.folder, options.threads, clock)
        return
    with tempfile.TemporaryDirectory() as folder:
        # in a child too: the peak that Linux tells of a process begins with its parent's
        Child("write", Path(folder), options).close()
        if options.against == "llama":
            setting = f"llama:{SAME_BITS[options.quantize]}"
            theirs = Child(setting, Path(folder), options)
        else:
            setting, theirs = best_setting(Path(folder), options)
        ours = Child(f"ours:{options.quantize}", Path(folder), options)
        for child in (ours, theirs):
            child.ask(drawn(64), 4)  # warm up
        rows = [compare(ours, theirs, length, NEW_TOKENS, options.rounds) for length in options.contexts]
        rows += [compare(ours, theirs, length, 1, options.rounds) for length in options.prefills]
        for child in (ours, theirs):
            child.close()
    bandwidth = read_bandwidth(options.threads)
    for row in rows:
        kind = "decode" if "decode_ours" in row else "prefill"
        print(
            f"{kind:8} {row['context']:5}: {row[f'{kind}_ours']:8.1f} tok/s, {setting} "
            f"{row[f'{kind}_theirs']:8.1f}, ratio {row[f'{kind}_ratio']:5.2f}, "
            f"equal {row['equal']} of {row['rounds']}, peak {row['rss_ours'] / 2**20:.0f} and "
            f"{row['rss_theirs'] / 2**20:.0f} MiB"
        )
        if kind == "decode":
            row["bandwidth_share"] = (
                row["decode_ours"] * active_bytes() * BYTES[options.quantize] / 4 / bandwidth
            )
            print(f"{'':15} {100 * row['bandwidth_share']:.0f} % of {bandwidth / 1e9:.1f} GB/s")
    report = {"setting": setting, "quantize": options.quantize, "threads": options.threads}
    print(json.dumps(report | {"bandwidth": bandwidth, "rows": rows}))


if __name__ == "__main__":
    main()
