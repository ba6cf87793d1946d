"""Damaged and hostile model files through the whole engine: each loads or is refused in words."""

import os
import random
import struct
from collections import Counter
from pathlib import Path

import pytest

from engine.contract.errors import ERROR_TYPES
from engine.contract.messages import ErrorEvent, LoadRequest, ModelLoaded
from engine.contract.params import LoadParams
from engine.library.gguf import read_header
from tests.support.host_recorder import HostRecorder

# RETORT_FULL_TESTS=1 runs the full count
MUTANTS = 300 if os.environ.get("RETORT_FULL_TESTS") else 25
EXTREMES = (0, 1, 7, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1)


def mutate(content: bytes, header_length: int, rng: random.Random) -> bytes:
    """One of the ways in which files go wrong."""
    damaged = bytearray(content)
    kind = rng.choice(["cut", "number", "number", "bits", "swap", "zero"])
    position = rng.randrange(header_length - 8)
    if kind == "cut":
        return bytes(damaged[: rng.randrange(len(damaged))])
    if kind == "number":
        damaged[position : position + 4] = struct.pack("<I", rng.choice(EXTREMES))
    elif kind == "bits":
        for _ in range(8):
            damaged[rng.randrange(header_length)] ^= 1 << rng.randrange(8)
    elif kind == "swap":
        other = rng.randrange(header_length - 8)
        damaged[position : position + 8], damaged[other : other + 8] = (
            damaged[other : other + 8],
            damaged[position : position + 8],
        )
    else:
        damaged[position : position + 64] = bytes(64)
    return bytes(damaged)


@pytest.mark.llama
@pytest.mark.slow
def test_each_of_many_damaged_files_loads_or_is_refused_in_words(
    host: HostRecorder, tmp_path: Path, tiny_model: Path
) -> None:
    content = tiny_model.read_bytes()
    header_length = len(content) - sum(tensor.size_bytes for tensor in read_header(tiny_model).tensors)
    rng = random.Random(20261122)
    outcomes: Counter[str] = Counter()
    for number in range(MUTANTS):
        path = tmp_path / f"mutant-{number}.gguf"
        path.write_bytes(mutate(content, header_length, rng))
        request_id = f"load-{number}"
        host.submit(LoadRequest(request_id=request_id, model=str(path), load=LoadParams(context_length=256)))
        event = host.wait_for(
            lambda e, wanted=request_id: e.request_id == wanted and isinstance(e, ModelLoaded | ErrorEvent)  # type: ignore[misc]
        )
        if isinstance(event, ErrorEvent):
            assert event.code in ERROR_TYPES
            assert event.message
            outcomes[event.code] += 1
        else:
            outcomes["loaded"] += 1
        path.unlink()
    print(dict(outcomes))
    assert outcomes["model_damaged"] > MUTANTS // 4
    host.ask("after", str(tiny_model), max_tokens=2)  # the host is as good as before
    host.finished("after")
