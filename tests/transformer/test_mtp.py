"""MTP layers against a plain slow reference, and against transformers' own."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs torch")

from engine.library.checkpoint import read_checkpoint
from engine.transformer.model import Transformer, load_model
from tests.support.plain_transformer import PlainDeepseek
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays, write_checkpoint

pytestmark = pytest.mark.torch

TOLERANCE = 1e-4
TOKEN_IDS = [(7 * place * place + 3 * place) % 64 for place in range(18)]


def both(tmp_path: Path, config: dict[str, Any]) -> tuple[Transformer, PlainDeepseek]:
    """The same random weights in the torch engine and in the reference."""
    arrays = random_arrays(config)
    plain = PlainDeepseek(config, {name: torch.from_numpy(array) for name, array in arrays.items()})
    return load_model(read_checkpoint(write_checkpoint(tmp_path / "c", config, arrays))), plain


def mtp_logits(model: Transformer, token_ids: list[int], chunk: int) -> list[Any]:
    """Logits of every depth, (T - depth - 1, V) each, computed in chunks."""
    hidden = model.hidden_states(token_ids, 0, model.new_cache(64))
    cache, logits = model.new_mtp_cache(64), []
    for depth in range(len(model.mtp_layers)):
        following = token_ids[depth + 1 :]
        hidden, parts = hidden[: len(following)], []
        for start in range(0, len(following), chunk):
            part = slice(start, start + chunk)
            parts.append(model.mtp_hidden_states(depth, hidden[part], following[part], start, cache))
        hidden = torch.cat(parts)
        logits.append(model.logits(hidden))
    return logits


def close(found: Any, expected: Any) -> bool:
    return bool((found - expected).abs().max() <= TOLERANCE * expected.abs().max())


@pytest.mark.parametrize("num_mtp_layers", [1, 2, 3])
@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_mtp_logits_of_every_depth_are_those_of_the_plain_reference(
    tmp_path: Path, num_mtp_layers: int, chunk: int
) -> None:
    model, plain = both(tmp_path, DEEPSEEK | {"num_nextn_predict_layers": num_mtp_layers})
    found = mtp_logits(model, TOKEN_IDS, chunk)
    assert len(found) == num_mtp_layers
    for depth, logits in enumerate(found):
        assert close(logits, plain.logits(plain.mtp_hidden_states(TOKEN_IDS, depth)))


@pytest.mark.parametrize(
    "changes", [{}, {"q_lora_rank": None}, {"n_group": 1, "topk_group": 1}, {"model_type": "glm4_moe_lite"}]
)
def test_the_main_logits_are_those_of_the_plain_reference(tmp_path: Path, changes: dict[str, Any]) -> None:
    model, plain = both(tmp_path, DEEPSEEK | changes)
    hidden = model.hidden_states(TOKEN_IDS, 0, model.new_cache(64))
    assert close(model.logits(hidden), plain.logits(plain.hidden_states(TOKEN_IDS)))


def test_a_rejected_draft_leaves_no_trace_in_the_mtp_cache(tmp_path: Path) -> None:
    model, _ = both(tmp_path, DEEPSEEK)
    hidden = model.hidden_states(TOKEN_IDS, 0, model.new_cache(64))
    cache = model.new_mtp_cache(64)
    model.mtp_hidden_states(0, hidden[:12], TOKEN_IDS[1:13], 0, cache)
    model.mtp_hidden_states(0, hidden[12:13], [5], 12, cache)  # the draft
    cache.truncate(12)
    found = model.mtp_hidden_states(0, hidden[12:13], TOKEN_IDS[13:14], 12, cache)
    fresh = model.mtp_hidden_states(0, hidden[:13], TOKEN_IDS[1:14], 0, model.new_mtp_cache(64))
    assert close(found, fresh[-1:])


def test_announced_mtp_layers_without_weights_are_no_mtp_layers(tmp_path: Path) -> None:
    arrays = {name: a for name, a in random_arrays(DEEPSEEK).items() if "layers.2." not in name}
    model = load_model(read_checkpoint(write_checkpoint(tmp_path, DEEPSEEK, arrays)))
    assert model.mtp_layers == ()
    assert model.new_mtp_cache(64).bytes_per_token == 0


@pytest.mark.parametrize("num_mtp_layers", [1, 2])
def test_mtp_logits_are_those_of_transformers(tmp_path: Path, num_mtp_layers: int) -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    transformers.utils.logging.disable_progress_bar()  # its thread would be left behind
    from transformers.modeling_layers import MtpModel  # noqa: PLC0415  (after the check)

    # transformers makes every MTP layer a mixture, as all published ones are
    model, _ = both(tmp_path, DEEPSEEK | {"num_nextn_predict_layers": num_mtp_layers})
    main = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "c").eval()
    main._keys_to_ignore_on_load_unexpected = [r"model\.layers\.[23]\..*"]  # it knows layer 61 only
    theirs = MtpModel.from_pretrained(main).eval()
    found = mtp_logits(model, TOKEN_IDS, 64)
    with torch.no_grad():
        hidden = main.model(torch.tensor([TOKEN_IDS])).last_hidden_state  # (1, T, C)
        for depth, logits in enumerate(found):
            following = torch.tensor([TOKEN_IDS[depth + 1 :]])
            positions = torch.arange(depth + 1, len(TOKEN_IDS))[None]
            hidden = theirs.forward_layer(
                depth, hidden[:, : following.shape[1]], positions, None, input_ids=following
            )
            assert close(logits, theirs._project_to_logits(hidden)[0])
