"""Thousands of files with mutated headers through the host's library: each is answered in time."""

import json
import os
import queue
import random
import struct
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
from gguf import GGMLQuantizationType

from engine.contract.errors import ERROR_TYPES
from engine.contract.library_messages import ImportRequest, ModelImported, ModelsListed, ModelsRequest
from engine.contract.messages import ErrorEvent, Event
from engine.contract.processes import child_command, child_environment
from engine.contract.wire import decode, encode
from engine.library.gguf import MAX_STRINGS, read_header
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint
from tests.support.tiny_gguf import write_deepseek_gguf
from tests.support.tiny_model import write_tiny_model

# RETORT_FULL_TESTS=1 runs the full count
MUTANTS = 3000 if os.environ.get("RETORT_FULL_TESTS") else 150
ANSWER_S = 10.0
MEMORY_BYTES = 2 * 2**30
EXTREMES = (0, 1, 7, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**63 - 1, 2**63, 2**64 - 1)
SPARSE_BYTES = 40 * 2**30  # a file that says to be so long costs nothing

Files = dict[str, bytes]  # of one model, by name


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One of the ways in which headers go wrong, or several."""
    damaged = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        position = rng.randrange(max(1, len(damaged) - 8))
        match rng.choice(["cut", "long", "long", "short", "bits", "swap", "zero", "twice", "shift"]):
            case "cut":
                del damaged[position:]
            case "long":
                damaged[position : position + 8] = struct.pack("<Q", rng.choice(EXTREMES))
            case "short":
                damaged[position : position + 4] = struct.pack("<I", rng.choice(EXTREMES) & 0xFFFFFFFF)
            case "bits":
                for _ in range(8):
                    at = rng.randrange(len(damaged))
                    damaged[at] ^= 1 << rng.randrange(8)
            case "swap":
                other = rng.randrange(max(1, len(damaged) - 8))
                first, second = damaged[position : position + 8], damaged[other : other + 8]
                damaged[position : position + 8], damaged[other : other + 8] = second, first
            case "zero":
                damaged[position : position + 64] = bytes(64)
            case "twice":
                damaged[position:position] = damaged[position : position + rng.randrange(400)]
            case _:
                del damaged[position : position + rng.randrange(40)]
        if len(damaged) < 16:
            break
    return bytes(damaged)


def mutated_json(text: bytes, rng: random.Random) -> bytes:
    """The same for JSON, where what is said may be changed without it becoming no JSON."""
    values = ("0", "-1", "1e999", str(2**63), str(2**64), "[]", "{}", "null", '"F32"', "[" * 5000, "true")
    match rng.choice(["bytes", "value", "value", "value", "twice"]):
        case "bytes":
            return mutated(text, rng)
        case "value":
            places = [at for at, byte in enumerate(text) if chr(byte) in ":,["]
            at = rng.choice(places) + 1
            end = next((e for e in range(at + 1, len(text)) if chr(text[e]) in ",]}"), len(text))
            return text[:at] + rng.choice(values).encode() + text[end:]
        case _:
            at = text.rindex(b"}")
            return text[:at] + b"," + text[1:at][: rng.randrange(1, at)] + text[at:]


def header_of(path: Path) -> tuple[bytes, int]:
    """A GGUF file up to its weights, and the length of the file."""
    return path.read_bytes()[: read_header(path).header_bytes], path.stat().st_size


def gguf_seeds(folder: Path) -> list[tuple[bytes, int]]:
    arrays = random_arrays(DEEPSEEK)
    kind = GGMLQuantizationType.Q8_0
    return [
        header_of(write_tiny_model(folder / "tiny.gguf", chat_template="{{ messages }}")),
        header_of(write_deepseek_gguf(folder / "deepseek.gguf", DEEPSEEK, arrays, kind=kind)),
    ]


def endless_headers() -> list[tuple[bytes, int]]:
    """Headers that go on for as long as the file says to be."""
    begin = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"a"
    many = b"GGUF" + struct.pack("<IQQ", 3, 100_000, 0)
    return [
        (begin + struct.pack("<IIQ", 9, 8, 2**32), SPARSE_BYTES),  # four milliards of empty strings
        (begin + struct.pack("<IIQ", 9, 8, MAX_STRINGS), SPARSE_BYTES),
        (begin + struct.pack("<IIQ", 9, 0, 2**35), SPARSE_BYTES),
        (begin + struct.pack("<IQ", 8, 2**33), SPARSE_BYTES),
        (many, SPARSE_BYTES),
    ]


def mutants(folder: Path) -> Iterator[Path]:
    """Write one after the other; yields what a user would import."""
    rng = random.Random(20261122)
    (folder / "seeds").mkdir()
    ggufs = gguf_seeds(folder / "seeds")
    seed = write_checkpoint(folder / "seeds" / "raw", DEEPSEEK, random_arrays(DEEPSEEK), num_shards=2)
    files = {path.name: path.read_bytes() for path in seed.iterdir()}
    for number, (header, size_bytes) in enumerate(endless_headers()):
        path = folder / f"endless-{number}.gguf"
        path.write_bytes(header)
        os.truncate(path, size_bytes)
        yield path
    for number in range(MUTANTS):
        if number % 2:
            header, size_bytes = rng.choice(ggufs)
            path = folder / f"mutant-{number}.gguf"
            path.write_bytes(mutated(header, rng))
            os.truncate(path, rng.choice([size_bytes, size_bytes, path.stat().st_size, SPARSE_BYTES]))
        else:
            path = folder / f"mutant-{number}"
            path.mkdir()
            for name, content in mutated_checkpoint(files, rng).items():
                (path / name).write_bytes(content)
        yield path


def mutated_checkpoint(files: Files, rng: random.Random) -> Files:
    """The same files, one of them changed in its JSON or in its length field."""
    name = rng.choice(sorted(files))
    content = files[name]
    if not name.endswith(".safetensors"):
        return files | {name: mutated_json(content, rng)}
    length = struct.unpack("<Q", content[:8])[0]
    if rng.random() < 0.2:
        return files | {name: mutated(content[: 8 + length], rng) + content[8 + length :]}
    header = mutated_json(content[8 : 8 + length], rng)
    said = len(header) if rng.random() < 0.9 else rng.choice(EXTREMES)
    return files | {name: struct.pack("<Q", said) + header + content[8 + length :]}


class Host:
    """`python -m engine.host`, asked over its pipes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            child_command("engine.host"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
        )
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._events.put(decode(line))  # type: ignore[arg-type]

    def ask(self, request: ImportRequest | ModelsRequest) -> Event:
        """The answer; raises queue.Empty where it takes too long."""
        assert self.process.stdin is not None
        self.process.stdin.write(encode(request))
        self.process.stdin.flush()
        while True:
            event = self._events.get(timeout=ANSWER_S)
            if isinstance(event, ModelImported | ModelsListed | ErrorEvent) and event.request_id:
                return event

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def test_each_of_many_mutated_headers_is_answered_in_time_and_memory(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    longest_s = 0.0
    host = Host()
    try:
        for path in mutants(tmp_path):
            began = time.monotonic()
            event = host.ask(ImportRequest(request_id=path.name, path=str(path)))
            longest_s = max(longest_s, time.monotonic() - began)
            assert event.request_id == path.name
            if isinstance(event, ErrorEvent):
                assert event.code in ERROR_TYPES and event.code != "internal_error", (path, event)
                assert 0 < len(event.message) < 1000
                outcomes[event.code] += 1
            else:
                outcomes["imported"] += 1
                forget(path)
        listed = host.ask(ModelsRequest(request_id="models"))
        assert isinstance(listed, ModelsListed)
        peak_bytes = peak_memory(host.process.pid)
    finally:
        host.close()
    print(dict(outcomes), f"longest {longest_s:.2f} s, peak {peak_bytes / 2**20:.0f} MiB")
    assert longest_s < ANSWER_S
    assert peak_bytes < MEMORY_BYTES
    assert outcomes["model_damaged"] > MUTANTS // 4


def forget(path: Path) -> None:
    """Leave the file and drop its record: thousands of models in one library are another test."""
    for record in Path(os.environ["RETORT_HOME"]).rglob("records/*.json"):
        if json.loads(record.read_bytes())["path"] == str(path):
            record.unlink()


def peak_memory(pid: int) -> int:
    """The most memory a process has had."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return int(psutil.Process(pid).memory_info().rss)
    return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
