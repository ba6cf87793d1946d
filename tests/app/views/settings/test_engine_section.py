"""The engine's section: what is listed, what buttons ask for, what went wrong."""

from collections.abc import Iterator
from typing import cast

import pytest
from msgspec.structs import replace
from pytestqt.qtbot import QtBot

from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_packs import EnginePacks
from app.theme.theme import Theme
from app.views.settings.engine_section import EngineSection
from engine.contract.errors import PackFailed
from engine.contract.pack_messages import (
    CheckPackRequest,
    EngineNotice,
    FetchPackRequest,
    InstallPackRequest,
    PackProgress,
    PacksListed,
    PacksRequest,
    RemovePackRequest,
    RollBackPackRequest,
    UsePackRequest,
)
from engine.contract.packs import EnginePack, PackReport, PublishedPack, this_platform
from tests.support.asked_client import AskedClient

BUILTIN = EnginePack(id="builtin", kind="cpu", size_bytes=0, is_used=False)
VULKAN = EnginePack(
    id="vulkan-1",
    kind="vulkan",
    size_bytes=30_000_000,
    is_used=True,
    report=PackReport(problem="", decode_tps=500.0),
)
BROKEN = EnginePack(id="cuda-1", kind="cuda", size_bytes=1, is_used=False, problem="it died")
OFFERED = PublishedPack(
    id="cuda-2", kind="cuda", platform=this_platform(), file="f", size_bytes=10**8, sha256="0" * 64
)


class Shown:
    """A section and the host behind it."""

    def __init__(self, theme: Theme) -> None:
        self.client = AskedClient()
        self.packs = EnginePacks(cast(EngineClient, self.client))
        self.section = EngineSection(self.packs, theme)

    def list(
        self, request_id: str = "", *packs: EnginePack, published: tuple[PublishedPack, ...] = ()
    ) -> None:
        self.client.arrived.emit(
            PacksListed(
                request_id=request_id,
                packs=packs or (BUILTIN, VULKAN, BROKEN),
                before="builtin",
                published=published,
            )
        )


@pytest.fixture
def shown(theme: Theme, qtbot: QtBot) -> Iterator[Shown]:
    made = Shown(theme)
    qtbot.addWidget(made.section)
    made.section.resize(700, 800)
    made.section.show()
    yield made


def test_every_engine_is_listed_with_what_the_probe_said(shown: Shown) -> None:
    shown.section.refresh()
    assert shown.client.asked == [PacksRequest(request_id="r1")]
    shown.list("r1")
    builtin, vulkan, broken = shown.section.rows
    assert "ships with Retort" in builtin.words
    assert "500 tokens per second" in vulkan.words
    assert "it died" in broken.words
    assert not vulkan.use.isVisible()
    assert not builtin.remove.isVisible()
    assert shown.section.back.text() == "Go back to “Built in”"


def test_the_buttons_ask_one_thing_at_a_time(shown: Shown) -> None:
    shown.list()
    builtin, vulkan, broken = shown.section.rows
    presses = (
        (builtin.use, UsePackRequest(request_id="r1", pack="builtin")),
        (vulkan.check, CheckPackRequest(request_id="r2", pack="vulkan-1")),
        (broken.remove, RemovePackRequest(request_id="r3", pack="cuda-1")),
        (shown.section.back, RollBackPackRequest(request_id="r4")),
        (shown.section.choose, UsePackRequest(request_id="r5", pack="auto")),
    )
    for button, request in presses:
        button.click()
        assert shown.client.asked[-1] == request
        assert not shown.section.install.isEnabled()
        shown.section.install_file("/p.zip")  # while it is busy
        assert shown.client.asked[-1] == request
        shown.list(request.request_id)
        assert shown.section.install.isEnabled()


def test_an_installation_tells_how_far_it_is_and_why_it_failed(shown: Shown) -> None:
    shown.list()
    shown.section.install_file("/p.zip")
    assert shown.client.asked == [InstallPackRequest(request_id="r1", path="/p.zip")]
    shown.client.arrived.emit(PackProgress(request_id="r1", step="unpacking", fraction=0.5))
    assert shown.packs.progress is not None
    error = PackFailed("vulkan-2", "it computes wrongly")
    shown.client.failed.emit("r1", error)
    assert "it computes wrongly" in shown.section.problem
    assert not shown.packs.is_busy


def test_published_packs_are_offered_unless_they_are_here(shown: Shown) -> None:
    here = PublishedPack(
        id="vulkan-1", kind="vulkan", platform=this_platform(), file="v", size_bytes=1, sha256="0" * 64
    )
    shown.list("", published=(here, OFFERED))
    shown.packs.fetch("cuda-2")
    assert shown.client.asked == [FetchPackRequest(request_id="r1", pack="cuda-2")]


def test_whoever_measured_an_engine_hears_of_another_one(shown: Shown) -> None:
    heard: list[bool] = []
    shown.packs.switched.connect(lambda: heard.append(True))
    shown.list()
    shown.list()
    assert not heard
    other = tuple(replace(one, is_used=one.id == "builtin") for one in (BUILTIN, VULKAN))
    shown.client.arrived.emit(PacksListed(request_id="", packs=other, before=""))
    assert heard


def test_a_pack_that_failed_by_itself_is_told_and_listed_anew(shown: Shown) -> None:
    told: list[EngineNotice] = []
    shown.packs.noticed.connect(told.append)
    notice = EngineNotice(request_id="", pack="vulkan-1", reason="r", now="builtin")
    shown.client.engine_noticed.emit(notice)
    assert told == [notice]
    assert isinstance(shown.client.asked[-1], PacksRequest)
