"""What was found is kept for one model's content, one set of devices and one build of the engine."""

import shutil
from pathlib import Path

import msgspec
import pytest

from engine.contract.fit_messages import DeviceMemory
from engine.contract.params import LoadParams
from engine.contract.tuned import TunedModel, TunedRow
from engine.library import tuned_records
from engine.library.tuned_records import TunedRecords, content_key, devices_of
from tests.support.simulated_machine import trial

DEVICES, BUILD = ("8 processors",), "llama 0.3.36"


def tuned(path: Path, tuned_at: float = 1.0) -> TunedModel:
    load = LoadParams(threads=4, draft_tokens=None)
    return TunedModel(
        name="m",
        content_key=content_key(path),
        devices=DEVICES,
        engine_build=BUILD,
        best=load,
        gain=0.2,
        rows=(TunedRow(load=load, trial=trial(10), is_on_front=True),),
        tuned_at=tuned_at,
    )


def test_a_result_follows_its_file_and_is_stale_once_the_machine_has_changed(tmp_path: Path) -> None:
    model, moved = tmp_path / "m.gguf", tmp_path / "moved.gguf"
    model.write_bytes(b"one")
    records, found = TunedRecords(tmp_path / "tuned.json"), tuned(model)
    records.keep(found)
    assert records.of(model) == found
    assert found.stale_because(DEVICES, BUILD) == ""
    assert "0.3.36 with vulkan-1" in found.stale_because(DEVICES, f"{BUILD} with vulkan-1")
    assert "4 processors" in found.stale_because(("4 processors",), BUILD)
    shutil.move(model, moved)
    assert records.of(moved) == found
    moved.write_bytes(b"another")
    assert records.of(moved) is None


def test_every_engine_and_set_of_devices_has_its_own_result(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    model.write_bytes(b"one")
    records, first = TunedRecords(tmp_path / "tuned.json"), tuned(model)
    other = msgspec.structs.replace(first, engine_build="llama 0.3.36 with vulkan-1", tuned_at=2.0)
    again = msgspec.structs.replace(first, gain=0.5, tuned_at=3.0)
    for one in (first, other, again):
        records.keep(one)
    assert records.of(model, DEVICES, BUILD) == again
    assert records.of(model, DEVICES, other.engine_build) == other
    assert records.of(model, DEVICES, "llama 0.3.40") == again  # the newest, which is stale then


def test_a_damaged_file_counts_as_empty_and_the_oldest_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuned_records, "MOST_KEPT", 4)
    model, file = tmp_path / "m.gguf", tmp_path / "tuned.json"
    model.write_bytes(b"x")
    file.write_bytes(b"{")
    records = TunedRecords(file)
    assert records.of(model) is None
    for number in range(6):
        records.keep(msgspec.structs.replace(tuned(model, number), engine_build=f"llama {number}"))
    assert [one["engine_build"][-1] for one in msgspec.json.decode(file.read_bytes())] == list("2345")


def test_a_changed_byte_of_a_sample_is_another_model_and_folders_have_keys(tmp_path: Path) -> None:
    large = tmp_path / "large.gguf"
    content = bytearray(tuned_records.SAMPLE_BYTES * 100)
    large.write_bytes(content)
    before = content_key(large)
    content[-1] = 1
    large.write_bytes(content)
    assert content_key(large) != before
    before = content_key(tmp_path)
    (tmp_path / "config.json").write_bytes(b"{}")
    assert content_key(tmp_path) != before


def test_a_driver_is_a_part_of_the_devices_where_there_is_a_gpu() -> None:
    gpu = DeviceMemory(name="Vulkan0", is_gpu=True, free_bytes=1, total_bytes=8 * 2**30, description="A card")
    assert devices_of((gpu,), 4, ("nvidia 580",)) == ("4 processors", "A card, 8,192 MiB", "nvidia 580")
    assert devices_of((), 4, ("nvidia 580",)) == ("4 processors",)
