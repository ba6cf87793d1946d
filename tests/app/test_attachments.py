from pathlib import Path

import pytest

from app.attachments import MOST_BYTES, AttachmentRefused, pasted_text, read_attachment
from app.conversations.message import Attachment


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_usual_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "grüße.txt"
    path.write_bytes("schöne Grüße\r\n".encode(encoding))
    attachment = read_attachment(path)
    assert (attachment.name, attachment.text) == ("grüße.txt", "schöne Grüße\n")
    assert attachment.size_bytes == path.stat().st_size


def test_a_large_file_is_refused_without_being_read(tmp_path: Path) -> None:
    path = tmp_path / "large.log"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(AttachmentRefused, match=r"large\.log has 2\.1 MB"):
        read_attachment(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AttachmentRefused, match="cannot be read"):
        read_attachment(tmp_path)


def test_a_paste_has_its_size_in_bytes() -> None:
    assert pasted_text("Pasted text", "schön") == Attachment(name="Pasted text", text="schön", size_bytes=6)
