import pytest

from app.error_texts import ERROR_TEXTS, describe_code, describe_error
from engine.contract.errors import (
    ERROR_TYPES,
    ContextExceeded,
    ModelDamaged,
    ModelNotFound,
    ModelTooLarge,
    WorkerDied,
    WorkerRestartLimit,
)
from engine.contract.paths import builtin_model


def test_every_error_of_the_engine_has_a_text_and_no_text_is_left_over() -> None:
    assert set(ERROR_TEXTS) == set(ERROR_TYPES)


@pytest.mark.parametrize("code", sorted(ERROR_TYPES))
def test_a_text_says_what_happened_and_what_to_do_even_without_details(code: str) -> None:
    text = describe_code(code, "some reason", {})
    assert text.happened.endswith(".")
    assert text.to_do.endswith(".")
    assert "None" not in text.happened + text.to_do


def test_a_code_of_a_later_version_gets_the_general_text() -> None:
    assert "the moon is full" in describe_code("lunar", "the moon is full", {}).happened


def test_the_figures_are_in_the_text() -> None:
    assert "12.0 GiB" in describe_error(ModelTooLarge(12 * 2**30, 2**30)).happened
    assert "9,000 tokens" in describe_error(ContextExceeded(9000, 8192)).happened
    assert "4 times within 5 minutes" in describe_error(WorkerRestartLimit(4, 5.0)).happened


def test_a_dead_worker_is_described_with_its_signal_and_assertion() -> None:
    text = describe_error(WorkerDied(-6, "GGML_ASSERT(n > 0) failed", "...")).happened
    assert "an abort" in text
    assert "GGML_ASSERT(n > 0) failed" in text


def test_a_damaged_file_is_named_without_its_folder() -> None:
    text = describe_error(ModelDamaged("/somewhere/else/story.gguf", "it ends too early")).happened
    assert text.startswith("story.gguf is damaged")
    assert "it ends too early" in text


def test_a_missing_built_in_model_is_a_fault_of_the_installation() -> None:
    for name in ("builtin", str(builtin_model())):
        assert "built-in model is missing" in describe_error(ModelNotFound(name)).happened
