import pytest

from engine.contract.params import GenerationLimits, LoadParams, SamplingParams


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_k", -1),
        ("top_p", 0),
        ("top_p", 1.1),
        ("min_p", -0.1),
        ("repeat_penalty", 0),
        ("seed", -1),
        ("seed", 2**32),
    ],
)
def test_a_sampling_param_out_of_range_is_refused_with_its_name_and_value(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be .*, got {value}$"):
        SamplingParams(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "value"), [("context_length", 7), ("threads", 0), ("gpu_layers", -2)])
def test_a_load_param_out_of_range_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=name):
        LoadParams(**{name: value})  # type: ignore[arg-type]


def test_limits_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="max_tokens"):
        GenerationLimits(max_tokens=-1)
    with pytest.raises(ValueError, match="stop string"):
        GenerationLimits(stop=("", "x"))


def test_equal_load_params_are_one_key() -> None:
    assert {LoadParams(threads=2): 1}[LoadParams(threads=2)] == 1
