from pathlib import Path

from app.folder_sizes import free_on_disk, size_on_disk


def test_everything_below_a_folder_counts_and_links_do_not(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "b").write_bytes(b"x" * 5)
    (tmp_path / "below" / "loop").symlink_to(tmp_path)
    link = (tmp_path / "below" / "loop").lstat().st_size
    assert size_on_disk(tmp_path) == 15 + link
    assert size_on_disk(tmp_path / "a") == 10
    assert size_on_disk(tmp_path / "nowhere") == 0


def test_there_is_room_on_the_disk(tmp_path: Path) -> None:
    assert free_on_disk(tmp_path) > 0
