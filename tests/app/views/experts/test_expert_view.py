"""The view of the experts that answered: what it says, and the whole way from the engine to it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.application import Application
from app.chat_view.message_menu import make_menu
from app.conversations.expert_use import ExpertUse
from app.conversations.message import Draft
from app.theme.theme import Theme
from app.theme.tokens import LIGHT
from app.views.experts.expert_map import ExpertMap, blend
from app.views.experts.expert_view import Counting, ExpertView, as_text, describe
from engine.contract.model_info import BACKEND_REASONS
from tests.support.tiny_checkpoint import DEEPSEEK, write_chat_checkpoint
from tests.support.window import WAIT_MS

USE = ExpertUse(((0, 0, 0, 0), (6, 0, 3, 1), (1, 1, 1, 7)))


def test_the_map_paints_the_busiest_cell_warmest_and_unused_ones_cold(theme: Theme, qtbot: QtBot) -> None:
    painted = ExpertMap(theme)
    qtbot.addWidget(painted)
    painted.resize(400, 200)
    painted.show_use(USE)
    picture = painted.grab().toImage()
    centres = {
        painted.cell_at(QPointF(x, y)): picture.pixelColor(x, y)
        for x in range(40, 140, 3)
        for y in range(2, 52, 3)
    }
    assert {cell for cell in centres if cell is not None} == {
        (row, col) for row in (1, 2) for col in range(4)
    }
    assert centres[2, 3] == QColor(LIGHT.accent)
    assert centres[1, 1] == QColor(LIGHT.hovered)
    assert painted.tip(1, 0) == "Layer 1, expert 0: chosen 6 times, 60.0 % of this layer"


def test_cells_follow_the_theme(theme: Theme, qtbot: QtBot) -> None:
    painted = ExpertMap(theme)
    qtbot.addWidget(painted)
    painted.show_use(USE)
    light = painted.grab().toImage()
    theme.choose("dark")
    assert painted.grab().toImage() != light


def test_the_text_has_every_layer_with_its_experts_by_use() -> None:
    assert as_text(USE).splitlines() == [
        "Layer 1   0: 60.0 %   2: 30.0 %   3: 10.0 %",
        "Layer 2   3: 70.0 %   0: 10.0 %   1: 10.0 %   2: 10.0 %",
    ]
    assert "took 65 % of all choices" in describe(USE, 2)
    assert describe(USE, 2).endswith("Counted in 2 answers.")


def test_colours_reach_from_one_end_to_the_other() -> None:
    assert blend("#000000", "#ffffff", 0) == QColor("#000000")
    assert blend("#000000", "#ffffff", 1) == QColor("#ffffff")
    assert blend("#000000", "#ffffff", 0.25).red() == 128


def test_the_view_says_where_nothing_is_counted_and_shows_text_instead_of_the_map(
    theme: Theme, qtbot: QtBot
) -> None:
    view = ExpertView(theme)
    view.show_use(None, 0)
    view.show_counting(Counting("It runs elsewhere."))
    view.show()
    assert view.summary.text() == "Nothing was counted here yet."
    assert view.count.isHidden()
    assert not view.as_text.isVisible()
    view.show_use(USE, 1)
    assert view.map.isVisible()
    view.as_text.click()
    assert view.text.isVisible()
    assert not view.map.isVisible()
    with qtbot.waitSignal(view.destroyed):
        view.close()


@pytest.mark.slow
def test_a_chat_with_a_model_of_experts_is_counted_once_that_is_wanted(
    application: Application, qtbot: QtBot, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    workings = application.workings
    workings.open_model(str(write_chat_checkpoint(tmp_path / "small", DEEPSEEK)))
    qtbot.waitUntil(
        lambda: workings.choice.loaded is not None and workings.experts.has_experts, timeout=3 * WAIT_MS
    )
    experts = workings.experts
    workings.panel.load.engine.experts.click()
    view = experts.view
    assert view is not None
    assert "is not counted now" in view.counting.text()
    view.count.click()
    qtbot.waitUntil(lambda: view.count.text() == "Load again without counting", timeout=3 * WAIT_MS)
    loaded = workings.choice.loaded
    assert loaded is not None
    assert loaded.backend_reason == BACKEND_REASONS["folder"]
    workings.chat_settings.change(max_tokens=8)
    application.window.page.composer.submitted.emit(Draft(text="Tell me a story."))
    session = workings.shown.session
    qtbot.waitUntil(
        lambda: not session.conversation.is_empty and not session.is_answering, timeout=3 * WAIT_MS
    )
    assert view.summary.text().endswith("Counted in 1 answer.")
    assert view.map.cell_at(QPointF(60, 5)) is not None
    menu = make_menu(workings.chat_view, 1)
    next(action for action in menu.actions() if action.text() == "Experts used…").trigger()
    assert view.scope.currentText() == "This answer"
    menu.deleteLater()
    with qtbot.waitSignal(view.destroyed):
        view.close()
    assert experts.view is None


@pytest.mark.slow
def test_a_model_without_experts_offers_no_view(application: Application, qtbot: QtBot) -> None:
    workings = application.workings
    workings.choice.choose("fake:tokens=5")
    qtbot.waitUntil(lambda: workings.choice.loaded is not None, timeout=WAIT_MS)
    assert not workings.experts.has_experts
    assert workings.panel.load.engine.isHidden()
