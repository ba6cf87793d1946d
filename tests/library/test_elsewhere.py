"""Models in folders laid out as other applications lay theirs out: found, used from there, never changed."""

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.contract.elsewhere_messages import AdoptRequest, ModelsAdopted
from engine.contract.paths import Paths
from engine.library.adopt import adopt, models_elsewhere
from engine.library.elsewhere import find_elsewhere
from engine.library.records import Records
from engine.library.verify import verify_models
from tests.support.host_recorder import HostRecorder
from tests.support.tiny_checkpoint import LLAMA, random_arrays, write_checkpoint

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders are those of Linux")
COMMIT = "d" * 40


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder in which nobody keeps anything."""
    found = tmp_path / "home"
    monkeypatch.setenv("HOME", str(found))
    monkeypatch.setenv("USERPROFILE", str(found))
    for name in (
        "OLLAMA_MODELS",
        "LLAMA_CACHE",
        "HF_HOME",
        "HF_HUB_CACHE",
        "XDG_DATA_HOME",
        "XDG_CACHE_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    return found


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def lm_studio(home: Path, model: bytes) -> str:
    folder = home / ".lmstudio" / "models" / "lmstudio-community" / "Tiny-GGUF"
    put(folder / "Tiny-F32.gguf", model)
    put(folder / "mmproj-Tiny-F16.gguf", model)
    put(folder / "downloading_Tiny-Q8_0.gguf", model)
    put(folder / "Tiny-Q4_0.gguf.part", model)
    put(home / ".lmstudio" / "settings.json", b"{}")
    return "lmstudio-community/Tiny-GGUF/Tiny-F32"


def ollama(home: Path, model: bytes) -> str:
    root = home / ".ollama" / "models"
    digest = hashlib.sha256(model).hexdigest()
    put(root / "blobs" / f"sha256-{digest}", model)
    put(root / "blobs" / f"sha256-{'0' * 64}", b"template")
    kind = "application/vnd.ollama.image"
    layers = [
        {"mediaType": f"{kind}.model", "digest": f"sha256:{digest}", "size": len(model)},
        {"mediaType": f"{kind}.template", "digest": f"sha256:{'0' * 64}", "size": 8},
    ]
    manifest = {"schemaVersion": 2, "config": {"digest": f"sha256:{'1' * 64}"}, "layers": layers}
    put(root / "manifests/registry.ollama.ai/library/tiny/latest", json.dumps(manifest).encode())
    for name, nonsense in {
        "gone": {"layers": [{"mediaType": f"{kind}.model", "digest": f"sha256:{'f' * 64}"}]},
        "evil": {"layers": [{"mediaType": f"{kind}.model", "digest": "sha256:../../../../etc/passwd"}]},
        "odd": {"layers": [5, None, {"digest": []}]},
        "list": [],
    }.items():
        put(root / f"manifests/registry.ollama.ai/library/{name}/latest", json.dumps(nonsense).encode())
    put(root / "manifests/registry.ollama.ai/library/half/latest", b'{"layers": [')
    return "ollama/tiny-latest"


def jan(home: Path, model: bytes) -> str:
    data = home / ".local/share/Jan/data"
    put(data / "llamacpp/models/acme/Tiny_F32/model.gguf", model)
    put(
        data / "llamacpp/models/acme/Tiny_F32/model.yml",
        b"model_path: llamacpp/models/acme/Tiny_F32/model.gguf\nname: acme/Tiny_F32\nsize_bytes: 5\n",
    )
    put(data / "llamacpp/models/broken/model.yml", b"model_path: ../../../../../../etc/passwd\n")
    return "jan/acme/Tiny_F32"


def gpt4all(home: Path, model: bytes) -> str:
    folder = home / ".local/share/nomic.ai/GPT4All"
    put(folder / "tiny.F32.gguf", model)
    put(folder / "incomplete-other.gguf", model)
    put(folder / "localdocs_v3.db", b"x")
    return "gpt4all/tiny.F32"


def llama_cpp(home: Path, model: bytes) -> str:
    folder = home / ".cache/llama.cpp"
    put(folder / "acme_Tiny-GGUF_tiny-F32.gguf", model)
    put(folder / "acme_Tiny-GGUF_tiny-F32.gguf.json", b"{}")
    put(folder / "acme_Tiny-GGUF_tiny-Q8_0.gguf.downloadInProgress", model)
    return "llama.cpp/acme_Tiny-GGUF_tiny-F32"


def hugging_face(home: Path, model: bytes) -> str:
    folder = home / ".cache/huggingface/hub/models--acme--Tiny-GGUF"
    blob = put(folder / "blobs" / hashlib.sha256(model).hexdigest(), model)
    put(folder / "blobs" / (hashlib.sha256(b"x").hexdigest() + ".incomplete"), b"x")
    put(folder / "refs/main", COMMIT.encode())
    for commit in (COMMIT, "a" * 40):
        (folder / "snapshots" / commit).mkdir(parents=True)
        (folder / "snapshots" / commit / "tiny-F32.gguf").symlink_to(
            os.path.relpath(blob, folder / "snapshots/x")
        )
    return "acme/Tiny-GGUF/tiny-F32"


LAYOUTS = (lm_studio, ollama, jan, gpt4all, llama_cpp, hugging_face)
Layout = Callable[[Path, bytes], str]


def tree_hash(root: Path) -> str:
    """Names, kinds, contents and times of everything below a folder."""
    found = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        found.update(f"{path} {status.st_mode} {status.st_mtime_ns} {status.st_size}".encode())
        if path.is_file():
            found.update(path.read_bytes())
    return found.hexdigest()


@pytest.mark.parametrize("lay_out", LAYOUTS, ids=lambda layout: layout.__name__)
def test_what_an_application_keeps_is_found_used_and_not_changed(
    home: Path, tiny_model: Path, lay_out: Layout
) -> None:
    name = lay_out(home, tiny_model.read_bytes())
    before = tree_hash(home)
    paths = Paths.from_environment()
    paths.ensure()
    (found,) = models_elsewhere(paths)
    assert (found.name, found.is_here, found.size_bytes) == (name, False, tiny_model.stat().st_size)
    (place,), problems = adopt((found.path,), paths)
    assert (place.name, place.origin, problems) == (name, "reference", ())
    (record,) = Records(paths.records).all()
    assert record.files[0].sha256 in ("", hashlib.sha256(tiny_model.read_bytes()).hexdigest())
    assert models_elsewhere(paths)[0].is_here
    (verified,) = verify_models(paths, place)
    assert verified.verdict == ("sound" if record.files[0].sha256 else "unknown")
    assert tree_hash(home) == before


def test_a_checkpoint_of_the_hugging_face_cache_is_a_folder_with_its_origin(
    home: Path, tmp_path: Path
) -> None:
    folder = home / ".cache/huggingface/hub/models--acme--Raw"
    source = write_checkpoint(tmp_path / "raw", LLAMA, random_arrays(LLAMA))
    snapshot = folder / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    for file in source.iterdir():
        blob = put(folder / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest(), file.read_bytes())
        (snapshot / file.name).symlink_to(blob)
    paths = Paths.from_environment()
    ((_, found),) = find_elsewhere()
    (place,), _ = adopt((str(snapshot),), paths)
    assert (place.name, place.format) == ("acme/Raw", "checkpoint")
    assert place.record is not None
    assert (place.record.source, place.record.commit) == ("huggingface.co/acme/Raw", COMMIT)
    assert all(file.sha256 for file in place.record.files)
    assert found.author == "acme"


def test_a_damaged_one_is_told_and_what_is_no_model_of_theirs_is_passed_over(
    home: Path, tiny_model: Path
) -> None:
    put(home / ".local/share/nomic.ai/GPT4All/broken.gguf", b"GGUF" + b"\xff" * 50)
    paths = Paths.from_environment()
    paths.ensure()
    (found,) = models_elsewhere(paths)
    places, (problem,) = adopt((found.path, str(tiny_model), "/etc/passwd"), paths)
    assert places == ()
    assert "version" in problem.reason
    assert not Records(paths.records).all()


@pytest.mark.llama
def test_a_blob_without_an_ending_answers(home: Path, tiny_model: Path, host: HostRecorder) -> None:
    name = ollama(home, tiny_model.read_bytes())
    (found,) = models_elsewhere(Paths.from_environment())
    host.submit(AdoptRequest(request_id="a", paths=(found.path,)))
    adopted = host.wait_for(lambda event: isinstance(event, ModelsAdopted))
    assert isinstance(adopted, ModelsAdopted)
    assert adopted.models[0].problem == ""
    host.ask("g", name, max_tokens=3)
    assert host.finished("g").usage.completion_tokens == 3
