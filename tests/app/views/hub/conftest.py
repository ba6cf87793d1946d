"""A hub on this computer, and the page that asks it in a whole window with a real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.application import Application
from app.views.hub.hub_page import HubPage
from tests.support.fake_hub import FakeHub
from tests.support.window import WAIT_MS, Open

CATALOGUED = "bartowski/SmolLM2-360M-Instruct-GGUF"
CATALOGUED_FILE = "SmolLM2-360M-Instruct-Q4_K_M.gguf"
CARD = "# Stories\n\nA card with **words**.\n\n![](https://example.org/tracker.png)\n\n[a link](https://example.org)\n"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, builtin_q8: Path) -> Iterator[FakeHub]:
    """It has one of the catalogue's files (our own model's bytes), and a repository with several."""
    with FakeHub() as fake:
        monkeypatch.setenv("HF_ENDPOINT", fake.endpoint)
        model = builtin_q8.read_bytes()
        fake.add(CATALOGUED, {CATALOGUED_FILE: model, "README.md": CARD.encode()})
        parts = {f"big-Q8_0-{number:05}-of-00003.gguf": bytes(6000) for number in (1, 2)}
        fake.add("acme/stories-GGUF", {"stories-Q4_K_M.gguf": model, "mmproj-f16.gguf": bytes(5000), **parts})
        fake.add("acme/closed", {"closed-Q4_K_M.gguf": bytes(5000)}, gated=True)
        fake.add("acme/pickled", {"pytorch_model.bin": bytes(5000)})
        yield fake


@pytest.fixture
def application(hub: FakeHub, open_window: Open) -> Application:
    """A window whose engine would ask that hub."""
    return open_window()


@pytest.fixture
def page(application: Application, qtbot: QtBot) -> HubPage:
    """The page, shown, with what the host says without a network."""
    application.window.hub_requested.emit()
    page = application.workings.model_pages.hub_page
    qtbot.waitUntil(lambda: bool(page.found.models) and page.details.model is not None, timeout=WAIT_MS)
    pages = application.workings.model_pages
    qtbot.waitUntil(lambda: pages.memory.now.total_bytes > 0, timeout=WAIT_MS)
    return page
