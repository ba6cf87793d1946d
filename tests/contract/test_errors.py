import pytest

from engine.contract.errors import (
    ERROR_TYPES,
    ContextExceeded,
    EngineError,
    ModelTooLarge,
    WorkerDied,
    rebuild_error,
)


def all_error_types(cls: type[EngineError] = EngineError) -> list[type[EngineError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in all_error_types(child))]


def test_every_error_has_its_own_code() -> None:
    codes = [error.code for error in all_error_types()]
    assert len(codes) == len(set(codes)) == len(ERROR_TYPES)


@pytest.mark.parametrize("error_type", all_error_types())
def test_an_error_comes_back_as_the_same_class_with_the_same_figures(error_type: type[EngineError]) -> None:
    rebuilt = rebuild_error(error_type.code, "what happened", {"needed_bytes": 7, "reason": "so"})
    assert type(rebuilt) is error_type
    assert (str(rebuilt), rebuilt.message) == ("what happened", "what happened")
    assert rebuilt.details == {"needed_bytes": 7, "reason": "so"}


def test_an_unknown_code_is_still_an_error_with_its_text() -> None:
    error = rebuild_error("of a later version", "text", {})
    assert type(error) is EngineError
    assert str(error) == "text"


def test_the_text_of_an_error_holds_its_figures() -> None:
    assert str(ModelTooLarge(3 * 2**30, 2**30)) == "needs 3.0 GiB, 1.0 GiB free"
    assert str(ContextExceeded(600, 512)) == "the prompt has 600 tokens, the context holds 512"
    assert "GGML_ASSERT(n > 0) failed" in str(WorkerDied(-6, "GGML_ASSERT(n > 0) failed", ""))
