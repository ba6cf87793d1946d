"""What earlier loads teach."""

from pathlib import Path

import pytest

from engine.contract.fit_messages import FitLine, FitMargin
from engine.contract.params import LoadParams
from engine.host import fit_records
from engine.host.fit_records import FitObservation, FitRecords

MIB = 2**20
MAX_KEPT = 5


def load_that_took(
    ratio: float, number: int = 0, *, backend: str = "llama", predicted_mib: int = 1000
) -> FitObservation:
    lines = (
        FitLine(part="weights", device="CPU", predicted_bytes=predicted_mib * MIB)
        if ratio == 0
        else FitLine(
            part="weights",
            device="CPU",
            predicted_bytes=predicted_mib * MIB,
            actual_bytes=round(ratio * predicted_mib * MIB),
        ),
        FitLine(part="process", device="CPU", predicted_bytes=5 * MIB),
    )
    return FitObservation(model=f"/m{number}.gguf", backend=backend, load=LoadParams(), lines=lines)


@pytest.fixture
def records(tmp_path: Path) -> FitRecords:
    return FitRecords(tmp_path / "data" / "fit.json")


def test_the_margin_is_the_median_and_one_odd_load_does_not_move_it(records: FitRecords) -> None:
    for number, ratio in enumerate((1.04, 1.06, 9.0, 1.05, 1.05)):
        records.keep(load_that_took(ratio, number))
    assert records.margin("llama") == FitMargin(factor=1.05, num_loads=5)
    assert records.margin("torch") == FitMargin()


def test_two_loads_teach_nothing_yet_and_small_models_never_do(records: FitRecords) -> None:
    for number in range(2):
        records.keep(load_that_took(1.2, number))
    assert records.margin("llama") == FitMargin(num_loads=2)
    for number in range(2, 9):
        records.keep(load_that_took(1.4, number, predicted_mib=20))
    assert records.margin("llama") == FitMargin(num_loads=2)


@pytest.mark.parametrize(("ratio", "factor"), [(0.2, 0.9), (7.0, 1.5)])
def test_the_margin_is_bounded(records: FitRecords, ratio: float, factor: float) -> None:
    for number in range(3):
        records.keep(load_that_took(ratio, number))
    assert records.margin("llama").factor == factor


def test_a_load_takes_the_place_of_the_same_one_before_and_the_oldest_leave(
    records: FitRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_records, "MAX_KEPT", MAX_KEPT)
    records.keep(load_that_took(1.0, 1))
    records.keep(load_that_took(2.0, 1))
    assert [kept.ratio for kept in records.all()] == [2.0]
    for number in range(2, MAX_KEPT + 3):
        records.keep(load_that_took(0, number))
    assert len(records.all()) == MAX_KEPT
    assert records.of("/m1.gguf", LoadParams()) is None
    assert records.of("/m2.gguf", LoadParams()) is None
    assert records.of(f"/m{MAX_KEPT}.gguf", LoadParams(threads=3)) is None
    assert records.of(f"/m{MAX_KEPT}.gguf", LoadParams()) is not None


def test_a_damaged_file_counts_as_empty_and_is_replaced(tmp_path: Path, records: FitRecords) -> None:
    file = tmp_path / "data" / "fit.json"
    file.parent.mkdir()
    file.write_bytes(b"{")
    assert records.margin("llama") == FitMargin()
    records.keep(load_that_took(1.0))
    assert len(records.all()) == 1
