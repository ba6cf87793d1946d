from pathlib import Path

import pytest

from app.attachments import MOST_BYTES, Attachment, AttachmentRefused, read_attachment, with_attachments


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_usual_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "grüße.txt"
    path.write_bytes("schöne Grüße\r\n".encode(encoding))
    assert read_attachment(path) == Attachment(name="grüße.txt", text="schöne Grüße\n")


def test_a_large_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "large.log"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(AttachmentRefused, match=r"large\.log has 2\.1 MB"):
        read_attachment(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AttachmentRefused, match="cannot be read"):
        read_attachment(tmp_path)


def test_a_fence_in_the_text_does_not_end_the_block() -> None:
    said = with_attachments("Explain.", [Attachment(name="a.md", text="```py\nx\n```\n")])
    assert said == "a.md\n````\n```py\nx\n```\n````\n\nExplain."


def test_without_attachments_the_text_is_the_message() -> None:
    assert with_attachments("Hello", []) == "Hello"
