"""The choice of an engine and of what only one of them can."""

import pytest
from pytestqt.qtbot import QtBot

from app.chat_view.answer_notes import drafting_words
from app.theme.theme import Theme
from app.translation import use_language
from app.views.side_panel.choice_row import ChoiceRow
from app.views.side_panel.load_box import LoadBox
from engine.contract.model_info import BACKEND_REASONS, EngineName, LoadedModel, ModelInfo
from engine.contract.params import LoadParams
from engine.contract.paths import resources
from engine.generation.governor import Governor

INFO = ModelInfo(
    name="Tester", path="/models/t.gguf", architecture="llama", size_bytes=1_000_000, parameters=2_000_000,
    quantization="Q8_0", context_length=32768, vocabulary_size=1000, has_chat_template=True,
)  # fmt: skip
LOADED = LoadedModel(
    info=INFO, backend="llama", device="CPU", context_length=4096, kv_bytes_per_token=1000, load_ms=1.0,
    backend_version="1", backend_reason=BACKEND_REASONS["gguf"],
)  # fmt: skip


def choose(row: ChoiceRow, text: str) -> None:
    """As a user does."""
    row.box.setCurrentIndex(row.box.findText(text))
    row.box.activated.emit(row.box.currentIndex())


def shown(box: LoadBox) -> tuple[bool, ...]:
    """Whether engine, weights and drafting are offered."""
    engine = box.engine
    return tuple(not row.isHidden() for row in (engine.engine, engine.weights, engine.drafting))


@pytest.mark.parametrize(
    ("engines", "params", "offered"),
    [
        ((), LoadParams(), (False, False, False)),
        (("llama",), LoadParams(), (False, False, True)),
        (("llama", "torch"), LoadParams(), (True, True, True)),
        (("llama", "torch"), LoadParams(weight_type="int8"), (True, True, True)),
        (("llama", "torch"), LoadParams(backend="torch"), (True, True, True)),
        (("llama", "torch"), LoadParams(backend="llama"), (True, False, True)),
        (("torch",), LoadParams(), (False, True, True)),
    ],
)
def test_only_what_applies_is_offered(
    engines: tuple[EngineName, ...], params: LoadParams, offered: tuple[bool, bool, bool],
    theme: Theme, qtbot: QtBot,
) -> None:  # fmt: skip
    box = LoadBox(theme)
    qtbot.addWidget(box)
    box.show_model(LOADED, params)
    box.show_abilities(engines, has_experts=False)
    assert shown(box) == offered


def test_what_is_chosen_is_loaded_and_llama_forgets_what_it_cannot_do(theme: Theme, qtbot: QtBot) -> None:
    box = LoadBox(theme)
    qtbot.addWidget(box)
    box.show_model(LOADED, LoadParams())
    box.show_abilities(("llama", "torch"), has_experts=True)
    assert box.engine.reason.text() == (
        "Runs on llama.cpp: llama.cpp reads GGUF files as they are and starts at once."
    )
    choose(box.engine.engine, "torch")
    choose(box.engine.weights, "int8")
    choose(box.engine.drafting, "automatic")
    with qtbot.waitSignal(box.load_requested) as asked:
        box.again.click()
    assert asked.args == [LoadParams(backend="torch", weight_type="int8", draft_tokens=None)]
    choose(box.engine.drafting, "3")
    choose(box.engine.engine, "llama.cpp")
    with qtbot.waitSignal(box.load_requested) as asked:
        box.again.click()
    assert asked.args == [LoadParams(backend="llama", draft_tokens=3)]


def test_every_sentence_of_the_governor_is_known() -> None:
    said = {Governor(0).describe(), Governor(2).describe(), Governor(fixed=0).describe()}
    said.add(Governor(fixed=3).describe())
    for seconds in (1.0, 2.0, 4.0):  # per round of two tokens drafted, against one plain token a second
        measured = Governor(1)
        for _ in range(200):
            depth = measured.next_depth()
            measured.record(depth, 2 if depth else 1, seconds if depth else 1.0, num_guesses=depth)
        said.add(measured.describe())
    assert len(said) == 7
    use_language("de", resources() / "translations")
    try:
        assert [words for words in said if drafting_words(words) == words] == []
    finally:
        use_language("en", resources() / "translations")
