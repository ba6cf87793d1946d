"""Components and newer versions in the settings: what is offered and said; nothing asks by itself."""

import pytest
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine_link.components import Components
from app.engine_link.update_check import UpdateCheck
from app.theme.theme import Theme
from app.views.settings.components_section import ComponentsSection
from app.views.settings.section import Section
from app.views.settings.settings_page import SettingsPage
from app.views.settings.update_box import UpdateBox
from engine.contract.component_messages import (
    CheckComponentsRequest,
    ComponentsChecked,
    ComponentsListed,
    ComponentsRequest,
    ComponentState,
    ComponentStatus,
    InstallComponentRequest,
    RemoveComponentRequest,
)
from engine.contract.errors import ComponentMissing, HubAnswerWrong, HubUnreachable
from engine.contract.hub_messages import TransferProgress
from engine.contract.messages import CancelRequest, ErrorEvent, FinishedEvent
from engine.contract.update_messages import UpdateRequest, UpdateTold
from tests.support.spoken_host import SpokenHost, client_of


def status(state: ComponentState, *, arrived_bytes: int = 0, disk_bytes: int = 0) -> ComponentStatus:
    return ComponentStatus(
        name="torch",
        version="2.13.0",
        state=state,
        download_bytes=204_000_000,
        arrived_bytes=arrived_bytes,
        needed_bytes=950_000_000,
        disk_bytes=disk_bytes or arrived_bytes,
    )


class Scene:
    """A section and the host behind it."""

    def __init__(self, theme: Theme, qtbot: QtBot) -> None:
        self.host = SpokenHost()
        self._client = client_of(self.host)
        self.components = Components(self._client)
        self.section = ComponentsSection(self.components, theme)
        qtbot.addWidget(self.section)
        self.section.resize(600, 500)
        self.section.show()

    def answer(self, state: ComponentState, **more: int) -> None:
        """Let the newest request be answered by the list."""
        request_id = self.host.asked[-1].request_id
        self.host.say(ComponentsListed(request_id=request_id, components=(status(state, **more),)))

    @property
    def offered(self) -> list[str]:
        """The buttons in sight."""
        return [button.text() for button in self.section.findChildren(QPushButton) if button.isVisible()]


@pytest.fixture
def scene(theme: Theme, qtbot: QtBot) -> Scene:
    made = Scene(theme, qtbot)
    made.section.refresh()
    return made


def test_the_size_is_shown_before_anything_is_fetched(scene: Scene) -> None:
    assert [type(request) for request in scene.host.asked] == [ComponentsRequest]
    scene.answer("absent")
    texts = [label.text() for label in scene.section.findChildren(type(scene.section.said))]
    assert "Not installed · 2.13.0" in texts
    assert any("204" in text or "195" in text for text in texts), texts
    assert scene.offered == ["Fetch and install", "From a folder…"]


def test_an_installation_is_followed_and_can_be_stopped(scene: Scene) -> None:
    scene.answer("absent")
    scene.section.install.click()
    (_, asked) = scene.host.asked
    assert isinstance(asked, InstallComponentRequest)
    assert (asked.name, asked.online) == ("torch", True)
    progress = TransferProgress(
        request_id=asked.request_id, phase="fetching", done_bytes=51_000_000, total_bytes=204_000_000
    )
    scene.host.say(progress)
    assert scene.section.said.text().startswith("Fetching: ")
    assert scene.section.bar.isVisible()
    assert scene.section.bar.value() == 250
    assert scene.offered == ["Stop"]
    scene.section.cancel.click()
    assert isinstance(scene.host.asked[-1], CancelRequest)
    scene.host.say(FinishedEvent(request_id=asked.request_id, reason="cancelled"))
    scene.answer("absent", arrived_bytes=50_000_000)
    assert not scene.section.bar.isVisible()
    assert scene.offered == ["Fetch and install", "From a folder…", "Remove"]


def test_what_is_installed_can_be_checked_and_removed(scene: Scene) -> None:
    scene.answer("installed", disk_bytes=746_000_000)
    assert scene.offered == ["Check", "Remove"]
    scene.section.check.click()
    asked = scene.host.asked[-1]
    assert isinstance(asked, CheckComponentsRequest)
    scene.host.say(ComponentsChecked(request_id=asked.request_id, damaged=("/a", "/b")))
    assert scene.section.said.text().startswith("2 files are damaged")
    scene.section.remove.click()
    assert isinstance(scene.host.asked[-1], RemoveComponentRequest)
    scene.answer("absent")
    assert scene.section.said.text() == ""


def test_a_failure_is_said_in_words_and_the_way_stays_open(scene: Scene) -> None:
    scene.answer("absent")
    scene.section.install.click()
    error = HubUnreachable("index.example", "it answers 503")
    request_id = scene.host.asked[-1].request_id
    scene.host.say(
        ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
    )
    assert "index.example" in scene.section.said.text()
    scene.answer("absent", arrived_bytes=10_000_000)
    assert "index.example" in scene.section.said.text()
    assert "Fetch and install" in scene.offered


@pytest.mark.parametrize("state", ["included", "unavailable"])
def test_where_there_is_nothing_to_do_nothing_is_offered(state: ComponentState, scene: Scene) -> None:
    scene.answer(state)
    assert scene.offered == []


@pytest.mark.slow
def test_a_model_that_needs_the_component_offers_to_install_it(application: Application) -> None:
    application.workings.choice.refused.emit("/models/checkpoint", ComponentMissing("torch"))
    notice = application.window.page.notice
    assert "torch engine is needed" in notice.text
    (button,) = [button for button in notice.findChildren(QPushButton) if button.isVisible()]
    button.click()
    page = application.window.findChild(SettingsPage)
    assert isinstance(page, SettingsPage)
    assert page.section_id == "components"


class UpdateScene:
    """The button that asks for a newer version."""

    def __init__(self, theme: Theme, qtbot: QtBot, *, is_possible: bool = True) -> None:
        self.host = SpokenHost()
        self._client = client_of(self.host)
        self.updates = UpdateCheck(self._client)
        self.section = Section("About", theme)
        qtbot.addWidget(self.section)
        self.box = UpdateBox(self.section, self.updates, is_possible=is_possible)
        self.section.show()


def test_a_newer_version_is_shown_and_its_page_opened_on_a_click_only(
    theme: Theme, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    scene = UpdateScene(theme, qtbot)
    assert scene.host.asked == []  # nothing asks by itself
    assert not scene.box.open_page.isVisible()
    scene.box.look.click()
    scene.box.look.click()
    (asked,) = scene.host.asked
    assert isinstance(asked, UpdateRequest)
    assert asked.online
    scene.host.say(
        UpdateTold(
            request_id=asked.request_id,
            version="0.2.0",
            date="2026-12-01",
            is_newer=True,
            news=("It is <b>faster</b>.",),
            page="https://example.org/0.2.0",
        )
    )
    assert scene.box.said.text() == "Version 0.2.0 of 2026-12-01 is newer.\n• It is <b>faster</b>."
    assert opened == []
    scene.box.open_page.click()
    assert opened == ["https://example.org/0.2.0"]


def test_a_refused_announcement_is_said_and_can_be_asked_for_again(theme: Theme, qtbot: QtBot) -> None:
    scene = UpdateScene(theme, qtbot)
    scene.box.look.click()
    error = HubAnswerWrong("releases.example", "it is not signed by whoever makes Retort")
    request_id = scene.host.asked[-1].request_id
    scene.host.say(
        ErrorEvent(request_id=request_id, code=error.code, message=error.message, details=error.details)
    )
    assert "not signed" in scene.box.said.text()
    assert scene.box.look.isEnabled()
    assert not scene.box.open_page.isVisible()


def test_a_build_that_knows_no_place_offers_nothing(theme: Theme, qtbot: QtBot) -> None:
    scene = UpdateScene(theme, qtbot, is_possible=False)
    assert not scene.box.look.isEnabled()
