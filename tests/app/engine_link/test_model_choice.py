from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_status import EngineStatus
from app.engine_link.model_choice import ModelChoice
from app.model_names import BUILTIN
from engine.contract.chat import ChatMessage
from engine.contract.errors import ModelDamaged
from tests.support.window import WAIT_MS

pytestmark = pytest.mark.slow

QUESTION = (ChatMessage(role="user", text="Who are you?"),)


def test_the_built_in_model_is_the_first_choice(client: EngineClient) -> None:
    choice = ModelChoice(client)
    assert (choice.current, choice.current_name, choice.loaded) == (BUILTIN, "Built-in model", None)


def test_a_chosen_model_is_loaded_at_once_and_called_by_its_own_name(
    client: EngineClient, qtbot: QtBot
) -> None:
    choice = ModelChoice(client)
    choice.choose("fake:tokens=5")
    qtbot.waitUntil(lambda: choice.loaded is not None, timeout=WAIT_MS)
    assert choice.loaded is not None
    assert choice.current_name == choice.loaded.info.name


def test_a_file_that_cannot_be_used_gives_the_choice_back(
    client: EngineClient, damaged_model: Path, qtbot: QtBot
) -> None:
    choice = ModelChoice(client, current="fake", recent=["fake"])
    with qtbot.waitSignal(choice.refused, timeout=WAIT_MS) as refused:
        choice.choose(str(damaged_model))
        assert choice.current == str(damaged_model)
    model, error = refused.args
    assert model == str(damaged_model)
    assert isinstance(error, ModelDamaged)
    assert (choice.current, choice.recent) == ("fake", ["fake"])


def test_files_that_were_opened_come_back_with_the_newest_first(client: EngineClient) -> None:
    choice = ModelChoice(client, recent=["/a.gguf", "/b.gguf"])
    for model in ("fake:tokens=1", "/b.gguf", BUILTIN):
        choice.choose(model)
    assert choice.recent == ["/b.gguf", "fake:tokens=1", "/a.gguf"]
    for number in range(20):
        choice.choose(f"/{number}.gguf")
    assert len(choice.recent) == 8


def test_the_status_follows_a_load_an_answer_and_a_death(client: EngineClient, qtbot: QtBot) -> None:
    status = EngineStatus(client)
    phases: list[str] = []
    status.changed.connect(lambda: phases.append(status.phase) if status.phase not in phases[-1:] else None)
    client.load("fake:load_s=0.3,rate=200,tokens=100,abort_at=60")
    qtbot.waitUntil(lambda: status.phase == "ready", timeout=WAIT_MS)
    client.generate("fake:load_s=0.3,rate=200,tokens=100,abort_at=60", QUESTION, conversation_id="c")
    qtbot.waitUntil(lambda: status.phase == "failed", timeout=WAIT_MS)
    assert phases == ["loading", "ready", "answering", "failed"]
    assert status.loaded is None


def test_a_refused_import_is_no_failure_of_the_engine(client: EngineClient, qtbot: QtBot) -> None:
    status = EngineStatus(client)
    client.load("fake:tokens=1")
    qtbot.waitUntil(lambda: status.phase == "ready", timeout=WAIT_MS)
    with qtbot.waitSignal(client.failed, timeout=WAIT_MS):
        client.import_model("/nowhere/at-all.gguf")
    assert status.phase == "ready"


def test_the_status_counts_every_token_while_text_arrives(client: EngineClient, qtbot: QtBot) -> None:
    status = EngineStatus(client)
    texts: list[str] = []  # of the fake model each token is a letter; several come in an event
    client.text_arrived.connect(lambda _id, text: texts.append(text))
    request = client.generate("fake:rate=300,tokens=9000", QUESTION, conversation_id="c")
    qtbot.waitUntil(lambda: status.decode_tps > 0 and len("".join(texts)) > len(texts) + 20, timeout=WAIT_MS)
    assert status.phase == "answering"
    assert status.num_tokens == len("".join(texts))
    client.cancel(request)
    qtbot.waitUntil(lambda: status.phase == "ready", timeout=WAIT_MS)


def test_the_speed_is_that_of_the_tokens_and_not_of_the_texts_they_come_in(
    client: EngineClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("app.engine_link.engine_status.time.monotonic", lambda: now[0])
    status = EngineStatus(client)
    for _ in range(90):  # three seconds, of which the last two count
        client.tokens_arrived.emit("r", 30)
        now[0] += 1 / 30
    assert status.num_tokens == 90 * 30
    assert status.decode_tps == pytest.approx(900)
