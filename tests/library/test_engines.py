"""Which engines are offered for a model."""

import importlib.util

import pytest

from engine.library.engines import engines_for


def test_torch_is_offered_where_it_knows_the_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: object())
    assert engines_for("gguf", "deepseek2") == ("llama", "torch")
    assert engines_for("gguf", "gemma3") == ("llama",)
    assert engines_for("checkpoint", "deepseek_v3") == ("torch",)


def test_torch_is_not_offered_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert engines_for("gguf", "deepseek2") == ("llama",)
    assert engines_for("checkpoint", "deepseek_v3") == ()
