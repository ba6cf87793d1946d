"""The search for settings in the window: begun, followed, stopped, and one of its results taken."""

from collections.abc import Iterator
from typing import cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine_link.engine_client import EngineClient
from app.engine_link.tuning import Tuned, Tuning
from app.theme.theme import Theme
from app.views.tuning.tune_box import TuneBox
from app.views.tuning.tuned_dialog import TunedDialog
from engine.contract.errors import InvalidRequest
from engine.contract.messages import FinishedEvent
from engine.contract.pack_messages import EngineNotice
from engine.contract.params import LoadParams
from engine.contract.tuning_messages import (
    SpeedChange,
    SpeedNotice,
    TuneDone,
    TunedRequest,
    TunedTold,
    TuneProgress,
    TuneRequest,
)
from tests.support.asked_client import AskedClient
from tests.support.example_tuning import example_result
from tests.support.window import WAIT_MS


class Shown:
    """A box and the host behind it."""

    def __init__(self, theme: Theme) -> None:
        self.client = AskedClient()
        self.tuning = Tuning(cast(EngineClient, self.client))
        self.box = TuneBox(self.tuning, theme)

    def step(self, request_id: str, gain: float | None, *, is_best: bool = False) -> None:
        self.client.arrived.emit(
            TuneProgress(
                request_id=request_id,
                load=LoadParams(threads=6),
                axis="threads",
                share=0.5,
                gain=gain,
                is_best=is_best,
            )
        )


@pytest.fixture
def shown(theme: Theme, qtbot: QtBot) -> Iterator[Shown]:
    made = Shown(theme)
    qtbot.addWidget(made.box)
    made.box.show_model("m")
    made.box.show()
    yield made


def test_a_search_is_begun_followed_and_its_result_said(shown: Shown) -> None:
    assert shown.client.asked == [TunedRequest(request_id="r1", model="m")]
    shown.client.arrived.emit(TunedTold(request_id="r1", model="m", tuned=None))
    assert "a minute and a half" in shown.box.words
    shown.box.start.click()
    assert shown.client.asked[-1] == TuneRequest(request_id="r2", model="m")
    assert shown.box.stop.isVisible()
    shown.step("r2", 0.12, is_best=True)
    shown.step("r2", None)
    assert shown.box.words == "Tried threads: 6 threads: does not run The best so far: 6 threads"
    shown.step("r2", -0.3)
    assert "30 % slower" in shown.box.words
    shown.client.arrived.emit(TuneDone(request_id="r2", tuned=example_result()))
    assert "23 % less time" in shown.box.words
    assert shown.box.results.isVisible()


def test_a_search_is_stopped_and_only_one_runs_at_a_time(shown: Shown, theme: Theme, qtbot: QtBot) -> None:
    another = TuneBox(shown.tuning, theme)
    qtbot.addWidget(another)
    another.show_model("other")
    shown.box.start.click()
    assert not another.start.isEnabled()
    running = shown.client.asked[-1].request_id
    shown.box.stop.click()
    assert shown.client.cancelled == [running]
    shown.client.finished.emit(running, FinishedEvent(request_id=running, reason="cancelled"))
    assert another.start.isEnabled()
    assert shown.box.start.isVisible()


def test_what_goes_wrong_is_said_and_a_stale_result_asks_for_another_measurement(shown: Shown) -> None:
    shown.box.start.click()
    shown.client.failed.emit(shown.client.asked[-1].request_id, InvalidRequest("a model is answering"))
    assert "a model is answering" in shown.box.words
    shown.tuning.show("m", Tuned(example_result(), "the engine was llama 1 and is llama 2"))
    assert "measure again" in shown.box.words
    shown.tuning.look_again()
    assert shown.client.asked[-1] == TunedRequest(request_id="r3", model="m")


def test_a_point_or_a_row_is_chosen_and_taken(theme: Theme, qtbot: QtBot) -> None:
    dialog = TunedDialog(Tuned(example_result()), theme)
    qtbot.addWidget(dialog)
    dialog.show()
    taken: list[LoadParams] = []
    dialog.load_chosen.connect(taken.append)
    assert dialog.table.currentRow() == 0
    assert len(dialog.plot.marks) == len(example_result().rows)
    point = dialog.plot.marks[3].place.center().toPoint()
    QTest.mouseClick(dialog.plot, Qt.MouseButton.LeftButton, pos=point)
    assert dialog.table.currentRow() == 3
    assert "KV cache in q8_0" in dialog.chosen.text()
    assert "81,920" in dialog.plot.marks[3].name
    dialog.table.setCurrentCell(5, 0)
    assert dialog.plot.current == 5
    dialog.use.click()
    assert taken == [LoadParams()]


@pytest.mark.slow
def test_the_window_warns_above_every_page_and_takes_a_setting(
    application: Application, qtbot: QtBot
) -> None:
    window, engine = application.window, application.workings.engine
    change = SpeedChange(what="driver", before="nvidia 1", now="nvidia 2")
    application.workings.client.speed_noticed.emit(
        SpeedNotice(request_id="", model="M", left_gpu=True, good_tps=9.0, changes=(change,))
    )
    assert window.banner.isVisible()
    assert "instead of the graphics card" in window.banner.text
    assert "nvidia 1 before, nvidia 2 now" in window.banner.text
    window.settings_requested.emit("engine")
    assert window.banner.isVisible()
    application.workings.client.engine_noticed.emit(
        EngineNotice(request_id="", pack="vulkan-1", reason="it died", now="builtin")
    )
    assert "run on the built-in engine" in window.banner.text
    engine.tune.load("builtin", LoadParams(threads=1))
    settings = application.workings.preferences
    qtbot.waitUntil(
        lambda: settings.settings is not None and "builtin" in settings.settings.load, timeout=WAIT_MS
    )
