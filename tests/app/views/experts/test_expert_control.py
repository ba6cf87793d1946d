"""What is said and done about counting, for every engine that a model may run on."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.engine_link.engine_client import EngineClient
from app.engine_link.engine_preferences import EnginePreferences
from app.engine_link.host_process import HostProcess
from app.engine_link.model_choice import ModelChoice
from app.engine_link.model_library import ModelLibrary
from app.lists.message_list import MessageList
from app.theme.theme import Theme
from app.views.experts.expert_control import ExpertControl
from engine.contract.model_info import EngineName, InstalledModel, LoadedModel, ModelInfo
from engine.contract.params import LoadParams
from engine.contract.paths import Paths
from engine.contract.settings import EngineSettings

NAME = "maker/Mixture"
INFO = ModelInfo(
    name="Mixture", path="/models/m.gguf", architecture="deepseek2", size_bytes=1, parameters=1,
    quantization="Q8_0", context_length=512, vocabulary_size=64, has_chat_template=True,
)  # fmt: skip
LOADED = LoadedModel(
    info=INFO, backend="llama", device="CPU", context_length=512, kv_bytes_per_token=1, load_ms=1.0,
    backend_version="1",
)  # fmt: skip


@pytest.fixture
def unstarted_client(paths: Paths) -> EngineClient:
    """A client whose engine never runs: the test says what it would."""
    return EngineClient(HostProcess(["never"], {}, paths.log / "host.log"))


@pytest.mark.parametrize(
    ("engines", "backend", "load", "words", "button"),
    [
        (("llama",), "llama", LoadParams(), "does not tell which experts", ""),
        (("llama", "torch"), "llama", LoadParams(), "does not tell", "Load again on torch and count"),
        (("llama", "torch"), "torch", LoadParams(), "not counted now", "Load again and count"),
        (("torch",), "torch", LoadParams(count_experts=True), "are counted", "Load again without counting"),
    ],
)
def test_the_view_says_plainly_what_the_engine_can_tell(  # noqa: PLR0917
    engines: tuple[EngineName, ...], backend: str, load: LoadParams, words: str, button: str,
    unstarted_client: EngineClient, theme: Theme, qtbot: QtBot,
) -> None:  # fmt: skip
    client, window = unstarted_client, QWidget()
    qtbot.addWidget(window)
    choice, library = ModelChoice(client, current=NAME), ModelLibrary(client)
    preferences = EnginePreferences(client)
    control = ExpertControl(
        window=window, messages=MessageList(), choice=choice, library=library, preferences=preferences,
        theme=theme,
    )  # fmt: skip
    installed = InstalledModel(
        name=NAME, short_name="Mixture", path=INFO.path, format="gguf", origin="library", info=INFO,
        size_bytes=1, capabilities=("chat", "moe"), engines=engines,
    )  # fmt: skip
    control.open()
    assert control.view is not None
    client.models_listed.emit("", (replace(installed, capabilities=()),))
    assert control.view.counting.text() == "Mixture has no experts."
    client.models_listed.emit("", (installed,))
    assert control.view.counting.text() == "Mixture is not in memory."
    client.settings_listed.emit("", EngineSettings(load={NAME: load}))
    client.model_loaded.emit("", NAME, replace(LOADED, backend=backend))
    assert words in control.view.counting.text()
    assert control.view.count.text() == button
    with qtbot.waitSignal(control.view.destroyed):
        control.view.close()
