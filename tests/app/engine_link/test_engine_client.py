from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

from app.engine_link.engine_client import EngineClient
from app.engine_link.host_process import HostProcess
from engine.contract.chat import ChatMessage
from engine.contract.errors import EngineError, HostDied, ModelDamaged, ModelNotFound, WorkerDied
from engine.contract.messages import FinishedEvent
from engine.contract.model_info import LoadedModel
from engine.contract.params import GenerationLimits
from tests.support.window import WAIT_MS

QUESTION = (ChatMessage(role="user", text="Who are you?"),)


class Heard:
    """What a client told, by request."""

    def __init__(self, client: EngineClient) -> None:
        self.texts: dict[str, str] = {}
        self.finished: dict[str, FinishedEvent] = {}
        self.failed: dict[str, EngineError] = {}
        self.loaded: dict[str, LoadedModel] = {}
        self.unloaded: list[tuple[str, str]] = []
        self.progress: list[float] = []
        client.text_arrived.connect(self._add_text)
        client.finished.connect(self.finished.__setitem__)
        client.failed.connect(self.failed.__setitem__)
        client.model_loaded.connect(
            lambda request_id, _model, loaded: self.loaded.update({request_id: loaded})
        )
        client.model_unloaded.connect(lambda request_id, model: self.unloaded.append((request_id, model)))
        client.load_progressed.connect(lambda _id, _model, fraction: self.progress.append(fraction))

    def _add_text(self, request_id: str, text: str) -> None:
        self.texts[request_id] = self.texts.get(request_id, "") + text


@pytest.fixture
def heard(client: EngineClient) -> Heard:
    return Heard(client)


def ask(client: EngineClient, model: str, max_tokens: int | None = None) -> str:
    return client.generate(
        model, QUESTION, conversation_id="c", limits=GenerationLimits(max_tokens=max_tokens)
    )


def test_a_question_is_answered_with_text_and_figures(
    client: EngineClient, heard: Heard, qtbot: QtBot
) -> None:
    request = ask(client, "fake:tokens=40,text=hello ")
    qtbot.waitUntil(lambda: request in heard.finished, timeout=WAIT_MS)
    assert heard.texts == {request: ("hello " * 7)[:40]}
    assert heard.finished[request].reason == "stop"
    assert heard.loaded[request].backend == "fake"


def test_loading_tells_how_far_it_is_and_unloading_that_it_is_done(
    client: EngineClient, heard: Heard, qtbot: QtBot
) -> None:
    loading = client.load("fake:load_s=0.5")
    qtbot.waitUntil(lambda: loading in heard.loaded, timeout=WAIT_MS)
    assert heard.progress == sorted(heard.progress)
    assert 0 < heard.progress[0] < 1
    unloading = client.unload("fake:load_s=0.5")
    qtbot.waitUntil(lambda: bool(heard.unloaded), timeout=WAIT_MS)
    assert heard.unloaded == [(unloading, "fake:load_s=0.5")]


def test_a_cancelled_answer_still_ends_with_finished(
    client: EngineClient, heard: Heard, qtbot: QtBot
) -> None:
    request = ask(client, "fake:rate=100,tokens=3000")
    qtbot.waitUntil(lambda: len(heard.texts.get(request, "")) > 10, timeout=WAIT_MS)
    client.cancel(request)
    qtbot.waitUntil(lambda: request in heard.finished, timeout=WAIT_MS)
    assert heard.finished[request].reason == "cancelled"
    assert heard.failed == {}


def test_a_worker_that_aborts_fails_its_request_and_the_next_one_is_answered(
    client: EngineClient, heard: Heard, qtbot: QtBot
) -> None:
    first = ask(client, "fake:rate=500,tokens=100,abort_at=20")
    qtbot.waitUntil(lambda: first in heard.failed, timeout=WAIT_MS)
    assert isinstance(heard.failed[first], WorkerDied)
    assert heard.texts[first]
    second = ask(client, "fake:tokens=10")
    qtbot.waitUntil(lambda: second in heard.finished, timeout=WAIT_MS)


def test_a_killed_host_fails_every_request_in_flight_and_the_next_one_is_answered(
    client: EngineClient, heard: Heard, host_process: HostProcess, qtbot: QtBot
) -> None:
    first, second = ask(client, "fake:rate=50,tokens=3000"), ask(client, "fake:rate=50,tokens=3000")
    qtbot.waitUntil(lambda: first in heard.texts, timeout=WAIT_MS)
    psutil.Process(host_process.pid).kill()
    qtbot.waitUntil(lambda: {first, second} <= set(heard.failed), timeout=WAIT_MS)
    assert isinstance(heard.failed[first], HostDied)
    third = ask(client, "fake:tokens=10")
    qtbot.waitUntil(lambda: third in heard.finished, timeout=WAIT_MS)
    assert set(heard.failed) == {first, second, ""}


def test_files_that_cannot_be_used_fail_with_the_reason(
    client: EngineClient, heard: Heard, damaged_model: Path, qtbot: QtBot
) -> None:
    damaged, missing = client.load(str(damaged_model)), client.load("/nowhere/model.gguf")
    qtbot.waitUntil(lambda: {damaged, missing} <= set(heard.failed), timeout=WAIT_MS)
    assert isinstance(heard.failed[damaged], ModelDamaged)
    assert isinstance(heard.failed[missing], ModelNotFound)


def test_nothing_is_told_of_requests_after_closing(client: EngineClient, heard: Heard, qtbot: QtBot) -> None:
    request = ask(client, "fake:rate=50,tokens=3000")
    qtbot.waitUntil(lambda: request in heard.texts, timeout=WAIT_MS)
    client.close()
    qtbot.wait(50)
    assert heard.failed == {}
    assert heard.finished == {}


def test_cancelling_what_has_ended_starts_nothing(client: EngineClient, host_process: HostProcess) -> None:
    client.cancel("window-7")
    assert host_process.pid == 0
