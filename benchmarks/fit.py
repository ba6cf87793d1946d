"""How well the memory ledger predicts: models of random weights, loaded for real, their context filled.

Measured is what the worker's process has grown by, as PSS before it loads and after it has read a prompt as
long as the context, without a memory map; the cache as llama.cpp's log says it. The ledger sees the header
alone. Models are made one at a time and deleted. Prints a table, then one JSON line; ends with status 1
where a total is off by more than 5 % or a cache by more than 1 %. Linux only: others do not tell a process's
PSS.

    python -m benchmarks.fit [--only NAME …] [--folder FOLDER]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gguf import GGMLQuantizationType as Kind

from engine.contract.messages import (
    ErrorEvent,
    FinishedEvent,
    GenerateRequest,
    LoadRequest,
    Message,
    ModelLoaded,
)
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.contract.processes import child_command
from engine.contract.wire import decode, encode
from engine.hardware.fit_ledger import forecast
from engine.host.gpu_probe import ram
from engine.host.worker_process import worker_environment
from engine.library.model_shape import read_shape
from tests.support.random_gguf import RandomModel, write_random_model

GREATEST_ERROR, GREATEST_CACHE_ERROR = 0.05, 0.01
SPARE_TOKENS = 40  # of the context, for what the tokenizer adds and the answer

_Expected = TypeVar("_Expected", bound=Message)
_DENSE = RandomModel(
    architecture="llama", layers=20, hidden=1024, feed_forward=2816, heads=16, kv_heads=8, head_size=64
)


def dense(**sizes: object) -> RandomModel:
    """A Llama."""
    return _changed(_DENSE, sizes)


def mixture(**sizes: object) -> RandomModel:
    """A mixture with grouped attention."""
    base = {"architecture": "qwen3moe", "layers": 8, "experts": 32, "expert_feed_forward": 512, "heads": 8}
    return _changed(_DENSE, base | sizes)


def latent(**sizes: object) -> RandomModel:
    """A DeepSeek: MLA, shared and routed experts, MTP where it is asked for."""
    base = {"architecture": "deepseek2", "latent": 512, "shared_experts": 1, "dense_layers": 1}
    return mixture(**(base | {"layers": 9, "context": 65536} | sizes))


def _changed(model: RandomModel, sizes: dict[str, object]) -> RandomModel:
    values = {name: getattr(model, name) for name in RandomModel.__dataclass_fields__}
    return RandomModel(**(values | sizes))


@dataclass(frozen=True, slots=True)
class Case:
    """A model and how it is loaded."""

    name: str
    model: RandomModel
    load: LoadParams


def cases() -> list[Case]:
    """Every kind of model, of quantization, of context and of cache."""

    def case(name: str, model: RandomModel, context: int, kv_type: str = "f16", **load: object) -> Case:
        params = {"context_length": context, "kv_type": kv_type, "use_mmap": False, "threads": 2} | load
        return Case(name, model, LoadParams(**params))  # type: ignore[arg-type]

    wide: dict[str, Any] = {"vocabulary": 140_000, "layers": 2, "heads": 4, "kv_heads": 4}
    # without flash attention scores are filled as far as the cache is
    alone: dict[str, Any] = {"flash_attention": "off", "sequences": 1}
    return [
        case("dense q8_0", dense(), 2048),
        case("dense f16", dense(kind=Kind.F16, layers=12), 512),
        case("dense bf16", dense(kind=Kind.BF16, layers=12), 1024, "q8_0"),
        case("dense q4_k", dense(kind=Kind.Q4_K, layers=44), 1024, "q4_0"),
        case("dense q4_0 tied", dense(kind=Kind.Q4_0, layers=44, tied=True), 512),
        case("dense q6_k, no flash", dense(kind=Kind.Q6_K, layers=28), 2048, **alone),
        case("dense, many words", dense(**wide), 32_768),
        case("dense, many words q4_0", dense(**wide), 16_384, "q4_0"),
        case("moe q8_0", mixture(), 4096),
        case("moe q4_k", mixture(kind=Kind.Q4_K, layers=3, experts=128, heads=4, kv_heads=4), 32_768, "q4_0"),
        case("moe q6_k, 8 used", mixture(kind=Kind.Q6_K, experts_used=8), 512, "q8_0"),
        case("mla moe mtp q8_0", latent(mtp_layers=1, heads=2), 8192, sequences=1),
        case("mla moe q4_k", latent(kind=Kind.Q4_K, layers=3, experts=192, heads=1), 32_768, "q8_0"),
        case("mla moe q5_k", latent(kind=Kind.Q5_K, layers=12), 512, "q4_0"),
        case("mla moe mtp q6_k", latent(kind=Kind.Q6_K, mtp_layers=1), 2048, sequences=2),
    ]


class Worker:
    """A worker process, driven by hand."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            child_command("engine.worker", "--generation", "1"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=worker_environment(),
        )
        self._read()

    def ask(self, request: LoadRequest | GenerateRequest, answer: type[_Expected]) -> _Expected:
        """Send a request and wait for its last event."""
        assert self.process.stdin is not None
        self.process.stdin.write(encode(request))
        self.process.stdin.flush()
        while not isinstance(message := self._read(), answer):
            if isinstance(message, ErrorEvent):
                raise RuntimeError(message.message)
        return message

    def pss_bytes(self) -> int:
        """Memory that is this process's, of what it shares its part."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii")
        return 1024 * int(rollup.partition("\nPss:")[2].split()[0])

    def close(self) -> None:
        """End it."""
        self.process.communicate()

    def _read(self) -> Message:
        assert self.process.stdout is not None
        return decode(self.process.stdout.readline())


def measure(case: Case, folder: Path) -> dict[str, object]:
    """Predict, load, fill the context, compare."""
    path = write_random_model(folder / "model.gguf", case.model)
    found = forecast(read_shape(path), case.load, [ram()])
    worker = Worker()
    try:
        before = worker.pss_bytes()
        loaded = worker.ask(LoadRequest(request_id="l", model=str(path), load=case.load), ModelLoaded).loaded
        at_load = worker.pss_bytes() - before
        prompt = "x" * (loaded.context_length - SPARE_TOKENS)
        finished = worker.ask(
            GenerateRequest(
                request_id="g",
                model=str(path),
                load=case.load,
                prompt=prompt,
                limits=GenerationLimits(max_tokens=16),
                sampling=SamplingParams(temperature=0.0),
            ),
            FinishedEvent,
        )
        actual = worker.pss_bytes() - before
    finally:
        worker.close()
        path.unlink()
    predicted = sum(line.predicted_bytes for line in found.lines)
    told = {buffer.part: buffer.size_bytes for buffer in loaded.buffers}
    return {
        "name": case.name,
        "weights_mib": found.memory.kept_in_files / 2**20,
        "kv_mib": found.memory.kv_cache / 2**20,
        "kv_error": found.memory.kv_cache / told["kv_cache"] - 1,
        "compute_mib": found.memory.compute.graph / 2**20,
        "compute_told_mib": told["compute"] / 2**20,
        "at_load_mib": at_load / 2**20,
        "predicted_mib": predicted / 2**20,
        "actual_mib": actual / 2**20,
        "error": predicted / actual - 1,
        "prompt_tokens": finished.usage.prompt_tokens,
        "decode_tps": finished.usage.decode_tps,
    }


def main() -> int:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", help="cases whose names contain one of these")
    parser.add_argument("--folder", type=Path, help="where models are made (default: the system's)")
    options = parser.parse_args()
    rows = []
    print(f"{'model':24}{'weights':>9}{'cache':>9}{'error':>8}{'compute':>9}{'told':>8}"
          f"{'predicted':>11}{'really':>9}{'error':>8}")  # fmt: skip
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for case in cases():
            if options.only and not any(word in case.name for word in options.only):
                continue
            row = measure(case, Path(folder))
            rows.append(row)
            print(
                f"{row['name']:24}{row['weights_mib']:9.1f}{row['kv_mib']:9.1f}{row['kv_error']:8.2%}"
                f"{row['compute_mib']:9.1f}{row['compute_told_mib']:8.1f}{row['predicted_mib']:11.1f}"
                f"{row['actual_mib']:9.1f}{row['error']:8.2%}",
                flush=True,
            )
    errors = [abs(float(str(row["error"]))) for row in rows]
    cache_errors = [abs(float(str(row["kv_error"]))) for row in rows]
    worst = {"worst_error": max(errors), "worst_cache_error": max(cache_errors)}
    print(json.dumps({"rows": rows} | worst))
    return 0 if max(errors) <= GREATEST_ERROR and max(cache_errors) <= GREATEST_CACHE_ERROR else 1


if __name__ == "__main__":
    sys.exit(main())
