"""The list of requests: kept by every process, cut to the newest, and never in the way."""

from pathlib import Path

from engine.contract.catalogue_messages import NetworkEntry
from engine.library import network_log
from engine.library.network_log import KEPT_REQUESTS, NetworkLog


def entry(number: int, *, has_ended: bool = False) -> NetworkEntry:
    return NetworkEntry(
        id=str(number), time=1.0 * number, method="GET", host="h", purpose="p", has_ended=has_ended
    )


def test_a_request_is_listed_once_as_it_ended(tmp_path: Path) -> None:
    log = NetworkLog(tmp_path / "n.jsonl")
    assert log.entries() == []
    log.note(entry(1))
    log.note(entry(2))
    log.note(entry(1, has_ended=True))
    assert [(e.id, e.has_ended) for e in NetworkLog(tmp_path / "n.jsonl").entries()] == [
        ("1", True),
        ("2", False),
    ]


def test_half_a_line_of_a_killed_process_is_passed_over(tmp_path: Path) -> None:
    log = NetworkLog(tmp_path / "n.jsonl")
    log.note(entry(1))
    with (tmp_path / "n.jsonl").open("ab") as file:
        file.write(b'{"id": "2", "ti\n')
    assert [e.id for e in log.entries()] == ["1"]


def test_the_file_keeps_the_newest_requests_and_does_not_grow_for_ever(
    tmp_path: Path, monkeypatch: object
) -> None:
    log = NetworkLog(tmp_path / "n.jsonl")
    line_bytes = 100
    limit = network_log._MAX_BYTES
    with (tmp_path / "n.jsonl").open("wb") as file:
        import msgspec  # noqa: PLC0415

        for number in range(limit // line_bytes):
            file.write(msgspec.json.encode(entry(number)) + b"\n")
    while (tmp_path / "n.jsonl").stat().st_size > limit // 2:
        log.note(entry(number := number + 1))
    assert [int(e.id) for e in log.entries()][-1] == number
    assert len(log.entries()) == KEPT_REQUESTS
