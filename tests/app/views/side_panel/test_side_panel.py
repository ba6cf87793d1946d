"""The side panel on a conversation that is kept."""

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.conversations.message import Draft
from app.conversations.presets import Presets
from app.sampling_lines import SAMPLING_LINES
from app.theme.theme import Theme
from app.views.side_panel.load_box import LoadBox
from app.views.side_panel.param_row import ParamRow
from app.views.side_panel.preset_box import PresetBox
from app.views.side_panel.side_panel import SidePanel
from engine.contract.model_info import LoadedModel, ModelInfo
from engine.contract.params import LoadParams, SamplingParams
from engine.contract.paths import Paths
from tests.support.window import WAIT_MS, Open

INFO = ModelInfo(
    name="Tester", path="/models/t.gguf", architecture="llama", size_bytes=1_000_000, parameters=2_000_000,
    quantization="Q8_0", context_length=32768, vocabulary_size=1000, has_chat_template=True,
)  # fmt: skip
LOADED = LoadedModel(
    info=INFO, backend="llama", device="CPU", context_length=4096, kv_bytes_per_token=1000, load_ms=1.0,
    backend_version="1",
)  # fmt: skip


def panel_of(application: Application) -> SidePanel:
    return application.workings.panel


@pytest.mark.slow
def test_what_is_set_counts_for_the_next_answer_and_is_kept(open_window: Open, qtbot: QtBot) -> None:
    first = open_window()
    panel, session = panel_of(first), first.workings.shown.session
    panel.rows["temperature"].field.setValue(0)
    panel.rows["max_tokens"].field.setValue(3)
    panel.prompt.setPlainText("Be terse.")
    panel.stop.setText("END|\\n\\n")
    panel.stop.editingFinished.emit()
    first.window.page.composer.submitted.emit(Draft(text="Tell me a story."))
    qtbot.waitUntil(lambda: not session.conversation.is_empty and not session.is_answering, timeout=WAIT_MS)
    assert session.conversation.path()[-1].stats.completion_tokens == 3
    first.close()
    second = open_window()
    assert panel_of(second).prompt.toPlainText() == ""
    second.workings.open_conversation(session.conversation.id)
    panel = panel_of(second)
    assert panel.prompt.toPlainText() == "Be terse."
    assert (panel.rows["temperature"].field.value(), panel.rows["max_tokens"].field.value()) == (0, 3)
    assert second.workings.chat_settings.current.stop == ("END", "\n\n")
    assert panel.stop.text() == "END|\\n\\n"


@pytest.mark.slow
def test_each_conversation_has_its_own(application: Application, qtbot: QtBot) -> None:
    panel, first = panel_of(application), application.workings.shown.session
    panel.rows["top_k"].field.setValue(7)
    application.window.page.composer.submitted.emit(Draft(text="Hello"))
    qtbot.waitUntil(lambda: not first.is_answering, timeout=WAIT_MS)
    application.workings.new_chat()
    assert panel.rows["top_k"].field.value() == 40
    application.workings.open_conversation(first.conversation.id)
    assert panel.rows["top_k"].field.value() == 7


@pytest.mark.slow
def test_a_preset_sets_its_values_and_own_values_are_told_apart(application: Application) -> None:
    panel = panel_of(application)
    box = panel.presets.box
    assert box.currentText() == "Balanced"
    box.setCurrentIndex(box.findText("Precise"))
    box.activated.emit(box.currentIndex())
    assert panel.rows["temperature"].field.value() == 0.2
    assert box.currentText() == "Precise"
    panel.rows["temperature"].field.setValue(0.5)
    assert box.currentText() == "Your own values"
    panel.presets.save("Mine")
    assert box.currentText() == "Mine"
    panel.presets.rename("Mine", "Really mine")
    assert box.currentText() == "Really mine"
    panel.presets.delete("Really mine")
    assert panel.rows["temperature"].field.value() == 0.5


@pytest.mark.slow
def test_the_panel_lies_beside_a_wide_chat_and_over_a_narrow_one(
    application: Application, qtbot: QtBot
) -> None:
    window = application.window
    QTest.keyClick(window, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: panel_of(application).isVisible())
    assert window.page.width() + panel_of(application).width() == window.frame.width()
    window.resize(700, 700)
    qtbot.waitUntil(lambda: window.frame.covers_chat)
    assert window.page.width() == window.frame.width()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not panel_of(application).isVisible()


@pytest.mark.slow
def test_every_field_has_a_name_for_screen_readers(application: Application) -> None:
    panel = panel_of(application)
    in_sight = [c for c in panel.findChildren(QWidget) if c.isVisibleTo(panel)]
    fields = [c for c in in_sight if c.focusPolicy() & Qt.FocusPolicy.TabFocus]
    unnamed = [c for c in fields if not c.accessibleName() and not _parent_name(c)]
    assert len(fields) > 12
    assert unnamed == []


def _parent_name(control: QWidget) -> str:
    parent = control.parent()
    return parent.accessibleName() if isinstance(parent, QWidget) else ""


def test_efforts_are_offered_only_where_the_template_has_them(application: Application) -> None:
    panel = panel_of(application)
    panel.show_efforts(())
    assert panel.effort.isHidden()
    panel.show_efforts(("off", "high", "ultra"))
    assert not panel.effort.isHidden()
    assert [panel.effort.itemText(at) for at in range(4)] == ["The model's own", "Off", "High", "ultra"]


def test_a_row_shows_its_default_and_goes_back_to_it(theme: Theme, qtbot: QtBot) -> None:
    row = ParamRow("Temperature", "", theme, least=0, most=2, default=0.8, step=0.05, decimals=2)
    qtbot.addWidget(row)
    assert row.field.value() == 0.8
    with qtbot.waitSignal(row.changed_to) as changed:
        row.field.setValue(0.3)
    assert changed.args == [0.3]
    assert "default 0.80" in [label.text() for label in row.findChildren(type(row._hint))]
    with qtbot.waitSignal(row.changed_to) as changed:
        row._reset.click()
    assert changed.args == [None]
    row.show_value(None)
    assert row.field.value() == 0.8


def test_every_line_of_sampling_is_within_what_a_sampler_takes() -> None:
    for line in SAMPLING_LINES:
        for value in (line.least, line.most, line.default):
            changed: dict[str, Any] = {line.name: value if line.decimals else int(value)}
            assert SamplingParams(**changed)


def test_the_load_box_predicts_memory_and_asks_only_where_something_changed(
    theme: Theme, qtbot: QtBot
) -> None:
    box = LoadBox(theme)
    qtbot.addWidget(box)
    assert "known once" in box.memory_text
    box.show_model(LOADED, LoadParams(context_length=4096))
    assert "5.1 MB of memory" in box.memory_text
    assert box.again.isHidden()
    box.rows["context_length"].field.setValue(8192)
    assert "9.2 MB of memory" in box.memory_text
    box.show_available(2 * 10**9)
    assert box.memory_text.endswith("2.0 GB are free now.")
    assert not box.again.isHidden()
    with qtbot.waitSignal(box.load_requested) as asked:
        box.again.click()
    assert asked.args == [LoadParams(context_length=8192)]
    box.show_model(replace(LOADED, context_length=8192), LoadParams(context_length=8192))
    assert box.again.isHidden()


def test_the_menu_of_presets_offers_to_delete_only_the_user_s_own(
    theme: Theme, qtbot: QtBot, paths: Paths
) -> None:
    box = PresetBox(Presets(paths.config / "presets.json"), theme)
    qtbot.addWidget(box)
    assert [action.text() for action in box.make_menu().actions()] == ["Save these values as a preset…"]
