"""The same GGUF file in both engines: logits for the same tokens, and token ids for the same texts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch")
pytest.importorskip("llama_cpp", reason="needs the llama-cpp-python wheel")
tokenizers = pytest.importorskip("tokenizers", reason="needs the tokenizers library")

from gguf import GGUFWriter

from engine.backends.choose import load_backend
from engine.backends.tokenizer import read_gguf_tokenizer
from engine.backends.torch_backend import TorchBackend
from engine.contract.errors import InvalidRequest, ModelDamaged, ModelUnsupported
from engine.contract.params import LoadParams
from engine.generation.backend import Entry
from engine.library.backend_choice import choose_backend
from engine.library.gguf import read_header
from tests.conftest import SHARED_DATA
from tests.support.command_line import retort
from tests.support.tiny_checkpoint import DEEPSEEK, random_arrays
from tests.support.tiny_gguf import write_deepseek_gguf

pytestmark = [pytest.mark.torch, pytest.mark.llama]

TEXTS = [
    "Once upon a time, there was a little girl named Lily.",
    "Grüße, 世界! 😀 naïve café",
    "  two  spaces\n\n\ttab \n trailing  ",
    "x = [1, 22, 333, 4444]; print(f'{x!r}')  # it's",
    "IT'S they'RE we'll 12345678",
    "<|user|>Hello<|assistant|>",
    "",
    "\x00\x7f",
]


def load(path: Path, backend: Any, **params: Any) -> Any:
    load_params = LoadParams(threads=1, gpu_layers=0, kv_type="f32", backend=backend, **params)
    return load_backend(str(path), load_params, lambda fraction: None, lambda: False)


def compared(path: Path, token_ids: list[int], **params: Any) -> tuple[float, bool]:
    """How far the logits are apart at most, as a share of the largest, and whether the best agree."""
    torch_backend, llama = (
        load(path, name, **(params if name == "torch" else {})) for name in ("torch", "llama")
    )
    assert isinstance(torch_backend, TorchBackend)
    worst, agree = 0.0, True
    for position, token in enumerate(token_ids):
        found, expected = (
            backend.logits(backend.decode([Entry(0, position, [token])], lambda: False)[0]).copy()
            for backend in (torch_backend, llama)
        )
        worst = max(worst, float(np.abs(found - expected).max() / np.abs(expected).max()))
        agree = agree and bool(expected[found.argmax()] >= expected.max() - 0.02 * np.abs(expected).max())
    for backend in (torch_backend, llama):
        backend.close()
    return worst, agree


def shared_model(name: str) -> Path:
    path = SHARED_DATA / "models" / name
    if not path.is_file():
        pytest.skip(f"needs {name} in ../shared")
    return path


def test_float_weights_give_the_logits_of_llama() -> None:
    worst, agree = compared(shared_model("stories260K-F32.gguf"), [1, *range(260, 320)])
    assert worst < 0.005  # ggml looks SiLU and exponentials up in tables of float16
    assert agree


def test_half_weights_give_them_but_for_their_rounding_of_activations() -> None:
    worst, agree = compared(shared_model("stories260K-F16.gguf"), [1, *range(260, 320)])
    assert worst < 0.005  # ggml rounds activations to float16 for products with such weights
    assert agree


@pytest.mark.parametrize("weight_type", ["auto", "int8"])
def test_the_built_in_model_gives_them_but_for_activations_in_8_bits(builtin: Path, weight_type: Any) -> None:
    worst, agree = compared(builtin, [0, *range(300, 360)], weight_type=weight_type)
    assert worst < 0.1  # ggml rounds activations to 8 bits for products with Q8_0; measured 0.02 and 0.053
    assert agree


def test_a_deepseek_with_mtp_gives_them(tmp_path: Path) -> None:
    config = DEEPSEEK | {"kv_lora_rank": 32, "n_group": 1, "topk_group": 1}
    path = write_deepseek_gguf(tmp_path / "m.gguf", config, random_arrays(config))
    from engine.transformer.model import load_model  # noqa: PLC0415  (after the check)

    llama, model = load(path, "llama"), load_model(read_header(path))
    token_ids = [(7 * place * place + 3 * place) % 64 for place in range(40)]
    found = model.logits(model.hidden_states(token_ids, 0, model.new_cache(64))).numpy()
    for position, token in enumerate(token_ids):
        expected = llama.logits(llama.decode([Entry(0, position, [token])], lambda: False)[0])
        assert np.abs(found[position] - expected).max() < 0.01 * np.abs(expected).max()
    llama.close()


@pytest.mark.parametrize("name", ["built-in", "stories260K-F32.gguf"])
def test_texts_have_the_token_ids_that_llama_gives_them(builtin: Path, name: str) -> None:
    path = builtin if name == "built-in" else shared_model(name)
    llama, ours = load(path, "llama"), read_gguf_tokenizer(read_header(path, whole_arrays=True))
    for text in TEXTS:
        for add_special in (False, True):
            expected = llama.tokenize(text, add_special=add_special)
            assert ours.encode(text, add_special=add_special) == expected, text
    for token in range(ours.num_tokens):
        for special in (False, True):
            assert ours.piece(token, special=special) == llama.piece(token, special=special), token
    assert ours.end_tokens == llama.end_tokens
    assert ours.chat_template == llama.chat_template
    llama.close()


def test_a_published_vocabulary_is_cut_as_its_own_tokenizer_cuts(tmp_path: Path) -> None:
    source = SHARED_DATA / "tokenizers" / "qwen2" / "tokenizer.json"
    if not source.is_file():
        pytest.skip("needs the tokenizers in ../shared")
    path = write_vocabulary(tmp_path / "v.gguf", json.loads(source.read_text()), "qwen2")
    reference = tokenizers.Tokenizer.from_file(str(source))
    ours = read_gguf_tokenizer(read_header(path, whole_arrays=True))
    for text in TEXTS:
        assert ours.encode(text, add_special=False) == reference.encode(text, add_special_tokens=False).ids, (
            text
        )


def write_vocabulary(path: Path, published: dict[str, Any], pre: str) -> Path:
    """A tokenizer.json's vocabulary as a GGUF file without weights."""
    vocabulary, added = published["model"]["vocab"], published["added_tokens"]
    size = 1 + max(*vocabulary.values(), *(token["id"] for token in added))
    tokens, types = [f"[unused{number}]" for number in range(size)], [5] * size
    for text, number in vocabulary.items():
        tokens[number], types[number] = text, 1
    for token in added:
        tokens[token["id"]], types[token["id"]] = token["content"], 3 if token["special"] else 4
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in published["model"]["merges"]])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_kinds_of_tokenizers_that_are_not_known_are_said(tmp_path: Path) -> None:
    def written(kind: str, pre: str, tokens: list[str], merges: list[str]) -> Path:
        writer = GGUFWriter(tmp_path / "t.gguf", "llama")
        writer.add_tokenizer_model(kind)
        writer.add_tokenizer_pre(pre)
        writer.add_token_list(tokens)
        writer.add_token_types([1] * len(tokens))
        writer.add_token_merges(merges)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        return tmp_path / "t.gguf"

    def read(path: Path) -> None:
        read_gguf_tokenizer(read_header(path, whole_arrays=True))

    with pytest.raises(ModelUnsupported, match=r"kind of tokenizer \(rwkv\)"):
        read(written("rwkv", "", ["a", "b"], ["a b"]))
    with pytest.raises(ModelUnsupported, match=r"cut in a way not known here \(poro\)"):
        read(written("gpt2", "poro", ["a", "b", "ab"], ["a b"]))
    with pytest.raises(ModelDamaged, match="has twins"):
        read(written("gpt2", "", ["a", "a"], ["a b"]))
    with pytest.raises(ModelDamaged, match="is none of its tokens"):
        read(written("gpt2", "", ["a", "b"], ["a z"]))


def test_the_choice_of_an_engine_is_explained(builtin: Path, tmp_path: Path) -> None:
    assert choose_backend(str(builtin), LoadParams()).backend == "llama"
    assert choose_backend(str(builtin), LoadParams(backend="torch")).backend == "torch"
    quantized = choose_backend(str(builtin), LoadParams(weight_type="int8"))
    assert (quantized.backend, quantized.reason) == ("torch", "weights")
    drafted = choose_backend(str(builtin), LoadParams(draft_model=str(tmp_path)))
    assert (drafted.backend, drafted.reason) == ("torch", "draft")
    small = choose_backend(str(builtin), LoadParams(draft_model="small.gguf"))
    assert (small.backend, small.reason) == ("llama", "gguf")
    with pytest.raises(InvalidRequest, match="needs the torch engine"):
        choose_backend(str(builtin), LoadParams(draft_model=str(tmp_path), backend="llama"))
    assert choose_backend(str(tmp_path), LoadParams()).backend == "torch"
    with pytest.raises(InvalidRequest, match="reads GGUF files, not folders"):
        choose_backend(str(tmp_path), LoadParams(backend="llama"))


@pytest.mark.slow
def test_run_takes_a_gguf_file_on_torch(builtin: Path) -> None:
    options = ["--backend", "torch", "--quantize", "int8", "--gpu-layers", "0", "--temperature", "0"]
    done = retort("run", str(builtin), "Hello", "--max-tokens", "12", *options, "--json")
    assert done.status == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["backend"] == "torch"
    assert 0 < report["completion_tokens"] <= 12
    assert report["text"]
