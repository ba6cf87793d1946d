"""The KV cache: grows by itself, forgets by position, is kept on the disk and comes back."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.contract.errors import ModelDamaged
from engine.library.checkpoint import read_checkpoint
from engine.transformer.kv_cache import FIRST_CAPACITY, KvCache
from engine.transformer.model import Transformer, load_model
from tests.support.tiny_checkpoint import DEEPSEEK, LLAMA, random_arrays, write_checkpoint

pytestmark = pytest.mark.torch


def cache(*, max_length: int = 2000, layers: int = 3, width: int = 5) -> KvCache:
    return KvCache(
        num_layers=layers,
        row_width=width,
        max_length=max_length,
        dtype=torch.float32,
        device=torch.device("cpu"),
    )


def fill(cache: KvCache, start: int, end: int) -> None:
    cache.reserve(end)
    for layer in range(3):
        rows = torch.arange(start, end, dtype=torch.float32)[:, None].expand(-1, 5) + 10_000 * layer
        assert len(cache.write(layer, start, rows)) == end
    cache.length = end


def rows(cache: KvCache, layer: int) -> list[float]:
    """The first value of every row, by writing none."""
    kept = cache.write(layer, cache.length, torch.empty(0, 5))
    return [float(value) for value in kept[:, 0]]


def test_it_grows_as_it_fills_and_keeps_what_it_holds() -> None:
    filled = cache()
    assert filled.capacity == FIRST_CAPACITY
    for start in range(0, 1500, 100):
        fill(filled, start, start + 100)
    assert filled.capacity >= 1500
    for layer in range(3):
        assert rows(filled, layer) == [10_000.0 * layer + position for position in range(1500)]


def test_it_takes_no_more_than_twice_what_it_needs_and_never_more_than_its_limit() -> None:
    filled = cache(max_length=1200)
    fill(filled, 0, 600)
    assert filled.size_bytes == filled.capacity * filled.bytes_per_token
    assert filled.capacity <= 1200
    fill(filled, 600, 1200)
    assert filled.capacity == 1200
    with pytest.raises(ValueError, match="1201 positions asked for"):
        filled.reserve(1201)


def test_truncating_sets_the_length_and_copies_nothing() -> None:
    filled = cache()
    fill(filled, 0, 200)
    before = filled.size_bytes
    filled.truncate(50)
    filled.truncate(70)  # cannot bring anything back
    assert (filled.length, filled.size_bytes) == (50, before)
    assert rows(filled, 1) == [10_000.0 + position for position in range(50)]


def loaded(tmp_path: Path, config: dict[str, object] = DEEPSEEK) -> Transformer:
    return load_model(read_checkpoint(write_checkpoint(tmp_path / "model", config, random_arrays(config))))


def test_a_latent_cache_takes_the_latent_and_the_key_part_and_nothing_else(tmp_path: Path) -> None:
    model = loaded(tmp_path)
    kept = model.new_cache(512)
    assert kept.bytes_per_token == 2 * (16 + 4) * 4  # layers, kv_lora_rank + qk_rope_head_dim, float32
    model.hidden_states(list(range(40)), 0, kept)
    assert kept.size_bytes == kept.capacity * kept.bytes_per_token
    assert model.new_mtp_cache(512).bytes_per_token == (16 + 4) * 4


def test_a_grouped_cache_takes_a_key_and_a_value_per_group(tmp_path: Path) -> None:
    assert loaded(tmp_path, LLAMA).new_cache(512).bytes_per_token == 2 * (2 * 2 * 8) * 4


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_saved_cache_comes_back_and_the_answer_goes_on_as_if_nothing_had_been(
    tmp_path: Path, dtype: str
) -> None:
    folder = write_checkpoint(tmp_path / "model", DEEPSEEK, random_arrays(DEEPSEEK))
    model = load_model(read_checkpoint(folder), dtype=getattr(torch, dtype))
    first, second = model.new_cache(512), model.new_cache(512)
    model.hidden_states(list(range(50)), 0, first)
    first.save(tmp_path / "saved")
    second.restore(tmp_path / "saved")
    assert second.length == 50
    found, expected = (model.hidden_states([7, 8], 50, kept) for kept in (second, first))
    assert torch.equal(found, expected)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("saved")] == ["saved"]


def test_an_empty_cache_can_be_saved_too(tmp_path: Path) -> None:
    cache().save(tmp_path / "saved")
    kept = cache()
    fill(kept, 0, 10)
    kept.restore(tmp_path / "saved")
    assert kept.length == 0


def test_a_cache_larger_than_the_first_capacity_is_restored(tmp_path: Path) -> None:
    filled, kept = cache(), cache()
    fill(filled, 0, 700)
    filled.save(tmp_path / "saved")
    kept.restore(tmp_path / "saved")
    assert rows(kept, 2) == rows(filled, 2)


def test_the_cache_of_another_model_or_a_damaged_one_is_refused(tmp_path: Path) -> None:
    filled = cache()
    fill(filled, 0, 20)
    filled.save(tmp_path / "saved")
    for other in (cache(layers=4), cache(width=6), cache(max_length=10)):
        with pytest.raises(ModelDamaged, match="the KV cache of another model"):
            other.restore(tmp_path / "saved")
    content = (tmp_path / "saved").read_bytes()
    (tmp_path / "cut").write_bytes(content[:-1])
    with pytest.raises(ModelDamaged, match="ends too early"):
        cache().restore(tmp_path / "cut")
