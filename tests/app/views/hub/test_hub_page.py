"""Finding and fetching models in the whole window, against a hub on this computer."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.lists.found_list import FoundRole
from app.views.hub.file_row import FileRow
from app.views.hub.hub_page import HubPage
from engine.contract.errors import OfflineError
from engine.contract.paths import Paths
from tests.app.views.hub.conftest import CATALOGUED, CATALOGUED_FILE
from tests.support.accessible_tree import faults, walk
from tests.support.fake_hub import FakeHub
from tests.support.window import WAIT_MS, Open, type_and_send, wait_for_answer

pytestmark = pytest.mark.slow
ENTER = Qt.Key.Key_Return
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def wait(qtbot: QtBot) -> Callable[[Callable[[], object]], None]:
    return lambda is_so: qtbot.waitUntil(lambda: bool(is_so()), timeout=WAIT_MS)


Wait = Callable[[Callable[[], object]], None]


def button(page: HubPage, name: str) -> QPushButton:
    """A button that can be seen, by its name."""
    return next(b for b in page.findChildren(QPushButton) if b.accessibleName() == name and b.isVisible())


def show_catalogued(page: HubPage) -> FileRow:
    page.show_model("catalogue:smollm2-360m")
    assert page.details.model is not None and page.details.model.repository == CATALOGUED
    (row,) = page.details.rows
    return row


def allow(page: HubPage, application: Application, wait: Wait) -> None:
    gate = application.workings.model_pages.gate
    gate.open()
    wait(lambda: gate.is_open)


def test_the_catalogue_is_there_at_once_and_no_stray_click_asks_the_network(
    page: HubPage, application: Application, hub: FakeHub, wait: Wait
) -> None:
    rows = [page.found.index(number) for number in range(page.found.rowCount())]
    assert sum(row.data(FoundRole.MODEL) is not None for row in rows) >= 30
    assert rows[0].data(FoundRole.IS_HEADING)
    assert "no network is needed" in page.words
    page.row.field.setText("distill qwen 7b")
    assert [model.title for model in page.found.models] == ["DeepSeek-R1 Distill Qwen 7B"]
    assert hub.paths == []
    assert not Paths.from_environment().network_log.exists()
    page.row.field.clear()
    no_stray_click_key_or_double_click_asks_anything(page, application, hub, wait)


def no_stray_click_key_or_double_click_asks_anything(
    page: HubPage, application: Application, hub: FakeHub, wait: Wait
) -> None:
    allow(page, application, wait)  # the network would be there
    show_catalogued(page)
    view = page.view
    row = view.visualRect(view.currentIndex()).center()
    QTest.mouseClick(view.viewport(), LEFT, pos=row)
    QTest.mouseDClick(view.viewport(), LEFT, pos=row)
    for key in (ENTER, Qt.Key.Key_Space, Qt.Key.Key_Down, ENTER):
        QTest.keyClick(view, key)
    QTest.mouseClick(page.details.viewport(), LEFT, pos=QPoint(5, 5))
    QTest.mouseDClick(page.details.rows[0], LEFT, pos=QPoint(20, 12))
    application.window.picker.recommended.emit("catalogue:smollm2-360m")
    application.window.page.empty_state.offer_requested.emit("catalogue:smollm2-360m")
    QTest.qWait(150)
    assert application.workings.model_pages.downloads.all == ()
    assert hub.paths == []


def test_a_search_waits_for_leave_and_what_was_found_is_shown(
    page: HubPage, application: Application, hub: FakeHub, wait: Wait
) -> None:
    a_search_while_offline_says_what_it_would_send(page, application, hub, wait)
    files_are_grouped_and_what_is_wrong_with_them_is_said(page, wait)
    the_card_is_painted_and_nothing_in_it_is_fetched(page, hub, wait)


def a_search_while_offline_says_what_it_would_send(
    page: HubPage, application: Application, hub: FakeHub, wait: Wait
) -> None:
    page.row.field.setText("stories")
    QTest.keyClick(page.row.field, ENTER)
    assert "“stories”" in page.question.text
    QTest.qWait(100)
    assert hub.paths == []
    button(page, "Stay offline").click()
    assert page.question.text == "" and hub.paths == []
    QTest.keyClick(page.row.field, ENTER)
    button(page, "Only this once").click()
    wait(lambda: page.found.models and page.found.models[0].repository == "acme/stories-GGUF")
    assert hub.paths == ["/api/models"]
    QTest.keyClick(page.row.field, ENTER)
    assert page.question.text, "once was once"
    button(page, "Allow the network").click()
    gate = application.workings.model_pages.gate
    wait(lambda: len(hub.paths) == 2 and gate.is_open)
    QTest.keyClick(page.row.field, ENTER)
    assert page.question.text == ""
    wait(lambda: len(hub.paths) == 3)
    page.row.field.clear()
    assert len(page.found.models) >= 30


def files_are_grouped_and_what_is_wrong_with_them_is_said(page: HubPage, wait: Wait) -> None:
    QTest.keyClicks(page.row.field, "acme")
    QTest.keyClick(page.row.field, ENTER)
    wait(lambda: len(page.found.models) == 3)
    page.view.show_key("hub:acme/stories-GGUF")
    button(page, "List all files of this repository").click()
    wait(lambda: len(page.details.rows) == 3)
    rows = {row.offer.name: row for row in page.details.rows}
    assert rows["Q4_K_M"].button.isEnabled()
    assert rows["Q8_0"].offer.num_files == 2 and rows["Q8_0"].offer.num_missing == 1
    assert not rows["Q8_0"].button.isEnabled()
    assert "no model itself" in rows["F16"].offer.note
    page.view.show_key("hub:acme/closed")
    assert page.details.model is not None and page.details.model.is_gated
    page.view.show_key("hub:acme/pickled")
    button(page, "List all files of this repository").click()
    wait(lambda: any("pickles" in label for label in labels(page)))
    assert page.details.rows == ()


def labels(page: HubPage) -> list[str]:
    return [label.text() for label in page.details.findChildren(QLabel) if label.isVisible()]


def the_card_is_painted_and_nothing_in_it_is_fetched(page: HubPage, hub: FakeHub, wait: Wait) -> None:
    row = show_catalogued(page)
    sent, hub.bytes_per_s = hub.sent_bytes, 2_000_000  # else all of it may wait in the system's buffers
    row.ledger_requested.emit(row.offer.wanted)
    wait(lambda: page.details.ledger.told is not None)
    hub.bytes_per_s = 0
    assert page.details.ledger.isVisible() and "Weights" in page.details.ledger.text
    assert hub.sent_bytes - sent < 4_000_000, "its header is read, and not its weights"
    button(page, "Read the model card").click()
    card = page.details.findChildren(type(page.details._card))[0]
    wait(lambda: "A card with" in card.text)
    assert card.isVisible() and card.minimumHeight() > 40
    page.grab()
    assert not any("example.org" in path for path in hub.paths)


def test_a_download_ends_in_the_library_and_answers_a_chat(
    page: HubPage, application: Application, hub: FakeHub, qtbot: QtBot, wait: Wait
) -> None:
    hub.bytes_per_s = 6_000_000
    row = show_catalogued(page)
    row.button.click()
    assert "would be fetched" in page.question.text and hub.paths == []
    button(page, "Only this once").click()
    downloads = application.workings.model_pages.downloads
    (download,) = downloads.all
    wait(lambda: download.phase == "fetching" and download.done_bytes > 0)
    assert "of 9.3 MB" in page.panel.rows[0].bar.text
    assert not row.button.isVisible() and "%" in application.window.strip.text
    application.window.show_chat()  # it goes on when the page is left
    wait(lambda: download.phase == "done")
    assert download.model is not None and download.model.name.startswith(CATALOGUED)
    assert "in the library now" in application.window.page.notice.text
    application.window.hub_requested.emit()
    wait(lambda: page.details.rows[0].button.accessibleName().startswith("Chat with it"))
    page.details.rows[0].button.click()
    choice = application.workings.choice
    model = download.model
    wait(lambda: choice.current == model.name and choice.loaded is not None)
    type_and_send(application, "Once upon a time")
    assert len(wait_for_answer(application, qtbot).text) > 10
    path = Path(download.model.path)
    assert path.name == CATALOGUED_FILE and path.is_relative_to(Paths.from_environment().models)
    assert application.settings.unfinished_downloads == []


def test_pause_go_on_offline_try_again_and_cancel(
    page: HubPage, application: Application, hub: FakeHub, wait: Wait
) -> None:
    hub.bytes_per_s = 400_000
    allow(page, application, wait)
    show_catalogued(page).button.click()
    downloads = application.workings.model_pages.downloads
    (download,) = downloads.all
    wait(lambda: download.phase == "fetching")
    title = download.wanted.title
    tool(page, f"Pause {title}").click()
    wait(lambda: download.phase == "paused")
    assert "Paused at" in page.panel.rows[0].bar.text
    tool(page, f"Go on with {title}").click()
    wait(lambda: download.phase == "fetching")
    gate = application.workings.model_pages.gate
    gate.close()
    wait(lambda: download.phase == "failed" and not gate.is_open)
    assert download.error is not None and download.error.code == OfflineError.code
    assert "offline" in page.panel.rows[0].bar.text.lower()
    asked = len(hub.paths)
    tool(page, f"Try {title} again").click()
    assert "would be fetched" in page.question.text and len(hub.paths) == asked
    button(page, "Only this once").click()
    wait(lambda: download.phase == "fetching")
    tool(page, f"Cancel {title}").click()
    wait(lambda: downloads.all == ())
    assert not page.panel.isVisible()
    assert page.details.rows[0].button.isVisible()
    wait(lambda: not list(Paths.from_environment().partial.glob("*.part")))


def tool(page: HubPage, name: str) -> QAbstractButton:
    """A button of the downloads below the page."""
    found = page.panel.findChildren(QAbstractButton)
    return next(b for b in found if b.accessibleName() == name and b.isVisible())


def test_what_was_interrupted_is_listed_at_the_next_start_and_asks_before_it_goes_on(
    page: HubPage, application: Application, hub: FakeHub, open_window: Open, wait: Wait
) -> None:
    hub.bytes_per_s = 400_000
    show_catalogued(page).button.click()
    button(page, "Only this once").click()
    (download,) = application.workings.model_pages.downloads.all
    wait(lambda: download.phase == "fetching")
    application.window.close()
    hub.bytes_per_s = 0
    asked = len(hub.paths)
    again = open_window()
    pages = again.workings.model_pages
    wait(lambda: len(pages.downloads.all) == 1 and pages.catalogue.models)
    (kept,) = pages.downloads.all
    assert kept.phase == "kept" and kept.wanted == download.wanted
    again.window.hub_requested.emit()
    assert "kept" in pages.hub_page.panel.rows[0].bar.text
    QTest.qWait(100)
    assert len(hub.paths) == asked
    pages.gate.open()  # where the network is allowed it goes on by itself
    wait(lambda: kept.phase == "done")


def test_every_part_has_a_name_and_keys_lead_through_the_page_and_out_of_it(
    page: HubPage, application: Application, wait: Wait
) -> None:
    page.filters.show()
    page.question.ask("Nothing would be asked.", lambda _online: None)
    for width in (480, 1200):
        application.window.resize(width, 760)
        QTest.qWait(50)
        assert list(faults(walk(application.window))) == []
    names = set()
    for _ in range(60):
        QTest.keyClick(application.window, Qt.Key.Key_Tab)
        focus = application.window.focusWidget()
        names.add(focus.accessibleName() if focus else "")
    assert {"Search models", "Models to fetch", "Filter", "Only this once", "Licence"} <= names
    application.window.resize(480, 760)
    QTest.qWait(30)
    page.show_model("catalogue:qwen3-8b")
    assert page.details.isVisible() and not page.view.isVisible()
    QTest.keyClick(page.details, Qt.Key.Key_Escape)
    assert page.view.isVisible()
    QTest.keyClick(page.view, Qt.Key.Key_Escape)
    wait(lambda: application.window.shows_chat)
