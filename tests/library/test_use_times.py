"""When models were loaded: kept by path, forgotten with the file, and never in the way."""

from pathlib import Path

from engine.library.use_times import UseTimes


def test_the_newest_time_is_kept_and_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    times = UseTimes(tmp_path / "data" / "used.json")
    assert times.all() == {}
    one, other = tmp_path / "one.gguf", tmp_path / "other.gguf"
    for path in (one, other):
        path.write_bytes(b"")
        times.note(path, 1.5)
    one.unlink()
    times.note(other, 2.5)
    assert times.all() == {str(other): 2.5}


def test_a_file_of_nonsense_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "used.json"
    for content in (b"{", b"[]", b'{"a": "b"}', b"\xff"):
        path.write_bytes(content)
        assert UseTimes(path).all() == {}
