"""`retort bench MODEL`: how fast a model answers here, and how much of the memory's speed that is."""

import argparse
import json
import statistics

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.load_arguments import add_load_arguments, load_from
from engine.contract.errors import InternalError
from engine.contract.messages import FinishedEvent, GenerateRequest
from engine.contract.params import GenerationLimits, LoadParams, SamplingParams
from engine.hardware.bandwidth import read_bandwidth
from engine.hardware.memory import decode_threads

NAME = "bench"
HELP = "measure prompt and decode speed, time to first token and memory"
FILLER = "the quick brown fox jumps over the lazy dog and then "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("model", help=MODEL_HELP)
    add("--prompt-tokens", type=int, default=256, help="about this long a prompt (default %(default)s)")
    add("--tokens", type=int, default=64, help="tokens to decode (default %(default)s)")
    add("--runs", type=int, default=5, help="runs to take the median of (default %(default)s)")
    add_load_arguments(parser)
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    if min(arguments.prompt_tokens, arguments.tokens, arguments.runs) < 1:
        raise ValueError("--prompt-tokens, --tokens and --runs must be 1 or more")
    load = load_from(arguments)
    with EngineSession() as session:
        _answer(session, arguments.model, load, run_number=0, prompt_tokens=8, tokens=1)  # loads the model
        finished = [
            _answer(
                session,
                arguments.model,
                load,
                run_number=number,
                prompt_tokens=arguments.prompt_tokens,
                tokens=arguments.tokens,
            )
            for number in range(1, arguments.runs + 1)
        ]
    report = summarize(finished, load.threads or decode_threads())
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        for name, value in report.items():
            print(f"{name.replace('_', ' '):>28}  {value}")
    return 0


def summarize(finished: list[FinishedEvent], num_threads: int) -> dict[str, object]:
    """Medians over the runs, and the memory that a token's weights and keys take of what can be read."""
    loaded, usages = finished[0].loaded, [event.usage for event in finished]
    if loaded is None:
        raise InternalError("an answer came without its model")
    decode_tps = statistics.median(usage.decode_tps for usage in usages)
    bandwidth = read_bandwidth(num_threads)
    read_bytes = loaded.info.size_bytes + loaded.kv_bytes_per_token * usages[0].prompt_tokens
    return {
        "model": loaded.info.name,
        "quantization": loaded.info.quantization,
        "parameters": loaded.info.parameters,
        "device": loaded.device,
        "threads": num_threads,
        "runs": len(usages),
        "prompt_tokens": usages[0].prompt_tokens,
        "completion_tokens": usages[0].completion_tokens,
        "load_ms": round(loaded.load_ms, 1),
        "ttft_ms": round(statistics.median(usage.ttft_ms for usage in usages), 2),
        "prompt_tps": round(statistics.median(usage.prompt_tps for usage in usages), 1),
        "decode_tps": round(decode_tps, 1),
        "decode_tps_range": [round(f(usage.decode_tps for usage in usages), 1) for f in (min, max)],
        "peak_rss_mib": round(max(usage.peak_rss_mib for usage in usages), 1),
        "kv_bytes_per_token": loaded.kv_bytes_per_token,
        "memory_bandwidth_gb_s": round(bandwidth / 1e9, 2),
        "bandwidth_share": round(decode_tps * read_bytes / bandwidth, 3),
    }


def _answer(
    session: EngineSession,
    model: str,
    load: LoadParams,
    *,
    run_number: int,
    prompt_tokens: int,
    tokens: int,
) -> FinishedEvent:
    """One answer to a prompt that no earlier run began with, so that nothing of it is cached."""
    words = f"{run_number} {FILLER * (prompt_tokens // 8 + 1)}".split()
    request = GenerateRequest(
        request_id=new_request_id(),
        model=model,
        load=load,
        prompt=" ".join(words[: max(1, prompt_tokens * 3 // 4)]),
        sampling=SamplingParams(temperature=1.0, seed=run_number),
        limits=GenerationLimits(max_tokens=tokens),
    )
    for piece in session.answer(request):
        if isinstance(piece, FinishedEvent):
            return piece
    raise InternalError("an answer ended without its figures")
