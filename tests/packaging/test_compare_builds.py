from pathlib import Path

import pytest
from compare_builds import content, differences


def build(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "link").symlink_to("a")
    return folder


def test_two_builds_with_the_same_content_do_not_differ(tmp_path: Path) -> None:
    first, second = (build(tmp_path / name, a="1", b="2") for name in ("first", "second"))
    assert content(first).keys() == {"a", "b", "link"}
    assert differences(content(first), content(second)) == []


@pytest.mark.parametrize("change", ["bytes", "mode", "link", "more", "fewer"])
def test_every_kind_of_difference_is_named(tmp_path: Path, change: str) -> None:
    first, second = (build(tmp_path / name, a="1", b="2") for name in ("first", "second"))
    if change == "bytes":
        (second / "b").write_text("3")
    elif change == "mode":
        (second / "b").chmod(0o755)
    elif change == "link":
        (second / "link").unlink()
        (second / "link").symlink_to("b")
    elif change == "more":
        (second / "c").write_text("")
    else:
        (second / "b").unlink()
    lines = {
        "bytes": "differs: b",
        "mode": "differs: b",
        "link": "differs: link",
        "more": "only in the second: c",
        "fewer": "only in the first: b",
    }
    assert differences(content(first), content(second)) == [lines[change]]
