"""Quantized weights on the disk: the second load takes them, a changed or damaged store is made anew."""

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from safetensors.torch import load_file

from engine.library.checkpoint import read_checkpoint
from engine.transformer import quantized_store, weights
from engine.transformer.model import Transformer, load_model
from engine.transformer.quantized_linear import quantize
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint

pytestmark = pytest.mark.torch

CONFIG = DEEPSEEK | {"hidden_size": 64, "moe_intermediate_size": 32}


class Loads:
    """A checkpoint that is loaded again and again, and how many tensors were quantized for the last load."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.cache, self.quantized = tmp_path / "Model", tmp_path / "cache", 0
        write_checkpoint(self.folder, CONFIG, random_arrays(CONFIG))
        original = quantize

        def counted(*arguments: Any) -> Any:
            self.quantized += 1
            return original(*arguments)

        monkeypatch.setattr(weights, "quantize", counted)

    def load(self, kind: Any = "int8", **options: Any) -> Transformer:
        self.quantized = 0
        checkpoint = read_checkpoint(self.folder)
        return load_model(checkpoint, quantize_to=kind, cache_folder=self.cache, **options)

    @property
    def store(self) -> Path:
        (store,) = (self.cache / "quantized").iterdir()
        return store


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loads:
    return Loads(tmp_path, monkeypatch)


def logits(model: Transformer) -> Any:
    return model.logits(model.hidden_states([1, 2, 3, 4], 0, model.new_cache(8)))


@pytest.mark.parametrize("kind", ["int8", "int4"])
def test_the_second_load_quantizes_nothing_and_is_the_same_model(loads: Loads, kind: Any) -> None:
    first = logits(loads.load(kind))
    assert loads.quantized > 20
    second = logits(loads.load(kind))
    assert loads.quantized == 0
    assert torch.equal(first, second)
    assert load_file(loads.store / "weights.safetensors")  # others can read it too
    assert not list(loads.store.glob("*.part"))


def test_each_type_has_its_own_store(loads: Loads) -> None:
    loads.load("int8")
    loads.load("int4")
    names = sorted(path.name.rpartition("-")[0] for path in (loads.cache / "quantized").iterdir())
    assert names == ["Model-int4", "Model-int8"]


def test_a_changed_model_is_quantized_again(loads: Loads) -> None:
    first = logits(loads.load())
    write_checkpoint(loads.folder, CONFIG, random_arrays(CONFIG, seed=1))
    assert not torch.equal(logits(loads.load()), first)
    assert loads.quantized > 20


@pytest.mark.parametrize("name", ["weights.safetensors", "source.json"])
@pytest.mark.parametrize("damage", ["cut", "changed", "removed", "emptied"])
def test_a_damaged_store_is_made_anew(loads: Loads, name: str, damage: str) -> None:
    first = logits(loads.load())
    file = loads.store / name
    data = file.read_bytes()
    if damage == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif damage == "changed":
        file.write_bytes(data[:-100] + bytes(100))
    elif damage == "emptied":
        file.write_bytes(b"")
    else:
        file.unlink()
    assert torch.equal(logits(loads.load()), first)
    assert loads.quantized > 20
    loads.load()
    assert loads.quantized == 0


def test_another_torch_or_processor_makes_it_anew(loads: Loads) -> None:
    loads.load("int4")
    source = json.loads((loads.store / "source.json").read_text())
    source["made_of"]["cpu"] = "another"
    (loads.store / "source.json").write_text(json.dumps(source))
    loads.load("int4")
    assert loads.quantized > 20


def test_mtp_layers_are_added_to_what_is_kept(loads: Loads) -> None:
    loads.load(with_mtp=False)
    loads.load(with_mtp=True)
    assert 0 < loads.quantized < 25
    loads.load(with_mtp=True)
    assert loads.quantized == 0


def test_a_full_disk_costs_the_store_and_nothing_else(loads: Loads, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(quantized_store.logger, "warning", lambda text, *values: said.append(text % values))
    loads.cache.write_text("a file where the folder should be")
    logits(loads.load())
    assert ["are not kept" in text for text in said] == [True]
