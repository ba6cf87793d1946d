"""The models on this computer, in the whole window with a real engine."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.views.library.library_page import LibraryPage
from app.views.settings.network_section import NetworkSection
from app.views.settings.settings_page import SettingsPage
from engine.contract.catalogue_messages import NetworkEntry
from engine.contract.paths import Paths
from engine.library.journal import BLOCK_BYTES, Journal, JournalFile
from engine.library.network_log import NetworkLog
from tests.support.accessible_tree import faults, walk
from tests.support.window import WAIT_MS

pytestmark = pytest.mark.slow
Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def wait(qtbot: QtBot) -> Wait:
    return lambda is_so: qtbot.waitUntil(lambda: bool(is_so()), timeout=WAIT_MS)


@pytest.fixture
def page(application: Application, wait: Wait) -> LibraryPage:
    application.window.library_requested.emit()
    page = application.workings.model_pages.library_page
    wait(lambda: page.models.all and page.details.model is not None)
    return page


def drop(page: LibraryPage, path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    page.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, left, none))


def button(page: LibraryPage, name: str) -> QPushButton:
    found = page.findChildren(QPushButton)
    return next(b for b in found if b.accessibleName() == name and b.isVisible())


def answer(name: str) -> None:
    """Press a button of the question that comes up next."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        next(b for b in box.buttons() if b.text().replace("&", "") == name).click()

    QTimer.singleShot(0, press)


def test_a_model_is_added_checked_used_and_taken_out_again(
    page: LibraryPage, application: Application, tiny_model: Path, tmp_path: Path, wait: Wait
) -> None:
    model = tmp_path / "mine.gguf"
    model.write_bytes(tiny_model.read_bytes())
    drop(page, model)
    wait(lambda: page.details.facts.get("Name") == "local/mine")
    assert "in the library now" in page.said
    assert page.details.facts["Used last"] == "never"
    assert page.details.facts["Where it is"].startswith("Where it lay")
    button(page, "Verify").click()
    wait(lambda: "hashes" in page.details.checked_words and "%" not in page.details.checked_words)
    button(page, "Chat with it").click()
    assert application.window.shows_chat
    wait(lambda: application.workings.choice.current == "local/mine")
    wait(lambda: application.workings.choice.loaded is not None)
    application.window.library_requested.emit()
    page.view.show_name("local/mine")
    wait(lambda: page.models.row_of("local/mine").isValid())
    assert list(faults(walk(application.window))) == []
    button(page, "Remove").click()
    wait(lambda: "memory" in page.said)  # it is in memory, and stays
    application.workings.choice.eject("local/mine")
    wait(lambda: "local/mine" not in application.workings.choice.in_memory)
    button(page, "Remove").click()
    wait(lambda: "was removed" in page.said and not page.models.row_of("local/mine").isValid())
    button(page, "Undo").click()
    wait(lambda: "library again" in page.said and page.models.row_of("local/mine").isValid())
    page.view.show_name("local/mine")
    button(page, "Remove").click()
    wait(lambda: "was removed" in page.said and page.stock.shelves[2].text.startswith("1 removed model"))
    assert model.exists(), "a file of the user's own is never deleted"
    assert str(model) in json.loads(Paths.from_environment().use_times.read_text(encoding="utf-8"))


@pytest.fixture
def stocked(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer on which LM Studio keeps a model and a download did not end."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    theirs = tmp_path / "home/.lmstudio/models/acme/Tiny-GGUF/Tiny-Q8_0.gguf"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(tiny_model.read_bytes())
    partial = Paths.from_environment().partial
    partial.mkdir(parents=True)
    (partial / "abc.part").write_bytes(bytes(99))
    journal = Journal(size_bytes=3 * BLOCK_BYTES, content_hash="abc", what="acme/big/big-Q4_0.gguf")
    with JournalFile(partial / "abc.json", journal) as notes:
        notes.note_block(0, "a" * 64)
    return theirs


@pytest.mark.skipif(sys.platform != "linux", reason="the folders are those of Linux")
def test_what_lies_beside_the_library_is_taken_in_gone_on_with_or_deleted(
    stocked: Path, page: LibraryPage, application: Application, wait: Wait
) -> None:
    elsewhere, unfinished, removed = page.stock.shelves
    wait(lambda: elsewhere.text and unfinished.text)
    assert elsewhere.text.startswith("1 in another application") and not removed.text
    elsewhere.head.click()
    button(page, "List acme/Tiny-GGUF/Tiny-Q8_0 here").click()
    wait(lambda: page.models.row_of(str(stocked)).isValid() and not elsewhere.text)
    assert "Listed here, where they lie: 1 model." in page.said
    unfinished.head.click()
    button(page, "Go on with acme/big/big-Q4_0.gguf").click()
    hub = application.workings.model_pages.hub_page
    assert "big-Q4_0.gguf" in hub.question.text, "the network is asked for, and nothing is fetched before"
    assert application.workings.model_pages.downloads.all == ()
    application.window.library_requested.emit()
    answer("Delete")
    button(page, "Delete what arrived of acme/big/big-Q4_0.gguf…").click()
    wait(lambda: not unfinished.text and "free again" in page.said)
    page.view.show_name("acme/Tiny-GGUF/Tiny-Q8_0")
    button(page, "Remove").click()
    wait(lambda: removed.text)
    removed.head.click()
    assert list(faults(walk(application.window))) == []
    answer("Delete")
    button(page, "Empty the bin…").click()
    wait(lambda: not removed.text)
    assert stocked.exists(), "a file of another application is never deleted"


def test_the_list_is_searched_and_sorted_and_every_request_is_listed(
    page: LibraryPage, application: Application, tiny_model: Path, tmp_path: Path, wait: Wait
) -> None:
    for name, content in (("a.gguf", tiny_model.read_bytes()), ("broken.gguf", b"GGUF" + b"\xff" * 99)):
        (tmp_path / name).write_bytes(content)
        drop(page, tmp_path / name)
    wait(lambda: "damaged" in page.said or "no model file" in page.said)  # refused in words
    wait(lambda: len(page.models.all) == 2)
    page.sorting.setCurrentIndex(page.sorting.findData("size"))
    page.sorting.activated.emit(page.sorting.currentIndex())
    assert page.models.index(0).data() == "Built-in model", "the largest first"
    page.field.setText("local")
    assert page.models.rowCount() == 1
    log = NetworkLog(Paths.from_environment().network_log)
    for number in range(3):
        log.note(
            NetworkEntry(
                id=str(number), time=1e9 + number, method="GET", host="huggingface.co", status=200,
                purpose=f"listing p/{number}", received_bytes=1_000_000, has_ended=number > 0,
            )
        )  # fmt: skip
    application.window.settings_requested.emit("network")
    settings = application.window.findChild(SettingsPage)
    assert isinstance(settings, SettingsPage)
    section = settings.section("network")
    assert isinstance(section, NetworkSection)
    wait(lambda: section.entries.rowCount() == 3)
    assert section.entries.index(0, 2).data() == "listing p/2", "the newest first"
    assert section.entries.index(2, 3).data() == "no end noted"
    assert section.summary == "3 requests, 3.0 MB received"
    assert section.offline.isChecked()
    section.offline.click()
    wait(lambda: application.workings.model_pages.gate.is_open)
    assert list(faults(walk(application.window))) == []
