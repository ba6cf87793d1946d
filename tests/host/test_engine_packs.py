"""Engine packs in a real host: probed in processes of their own, used by real workers, and left again."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.contract.errors import EngineError, OfflineError, PackFailed
from engine.contract.fit_messages import DeviceMemory
from engine.contract.messages import ErrorEvent, ModelUnloaded
from engine.contract.pack_messages import (
    CheckPackRequest,
    EngineNotice,
    FetchPackRequest,
    InstallPackRequest,
    PackRequest,
    PacksListed,
    RemovePackRequest,
    RollBackPackRequest,
    UsePackRequest,
)
from engine.contract.packs import BUILTIN_ENGINE, NativeFacts, PackKind, PackReport
from engine.contract.paths import Paths
from engine.host import pack_probe
from engine.host.worker_process import WorkerLibrary
from engine.library.engine_packs import EnginePacks
from tests.support import native_packs
from tests.support.host_recorder import HostRecorder

pytestmark = pytest.mark.llama


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return native_packs.sound_pack(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def reference() -> NativeFacts:
    """What the built-in library says of itself."""
    native_packs.installed_libraries()
    return pack_probe.ask(None)


def installed(archive: Path) -> WorkerLibrary:
    packs = EnginePacks(Paths.from_environment().packs)
    pack = packs.install(archive, lambda _fraction: None)
    return WorkerLibrary(pack, packs.folder_of(pack))


def problem_of(archive: Path, reference: NativeFacts) -> str:
    """What a probe says of a pack."""
    try:
        facts = pack_probe.ask(installed(archive), reference.tokens)
    except EngineError as error:
        return str(error)
    return pack_probe.difference(reference, facts)


def test_a_copy_of_the_built_in_library_passes(archive: Path, reference: NativeFacts) -> None:
    assert problem_of(archive, reference) == ""
    assert len(reference.defaults) > 50
    assert reference.devices


BAD_LIBRARIES = {  # what is wrong: the library's source, whether the real one is behind it, what is said
    "other defaults": ("", True, "llama_context_params.offload_kqv is False in place of True"),
    "aborts at load": (native_packs.ABORTS, True, "the worker ended with"),
    "computes wrongly": (native_packs.COMPUTES_WRONGLY, True, "it computes wrongly"),
    "lacks functions": (native_packs.LACKS_FUNCTIONS, False, "undefined symbol"),
    "other commit": (native_packs.OTHER_COMMIT, True, "is of commit 86a2835, 0c1e57098 is needed"),
    "dies decoding": (native_packs.DIES_DECODING, True, "ended with an abort"),
}
IS_FULL = bool(os.environ.get("RETORT_FULL_TESTS"))
TRIED = list(BAD_LIBRARIES)[: None if IS_FULL else 1]


@pytest.mark.parametrize("wrong", TRIED)
def test_a_bad_library_is_found_out_and_takes_only_its_own_process_with_it(
    wrong: str, reference: NativeFacts, tmp_path: Path
) -> None:
    source, needs_real, problem = BAD_LIBRARIES[wrong]
    source = source or native_packs.other_defaults()
    assert problem in problem_of(native_packs.shim_pack(tmp_path, source, needs_real=needs_real), reference)


class Desk:
    """A host, asked about packs."""

    def __init__(self, host: HostRecorder) -> None:
        self.host = host

    def ask(self, request: PackRequest) -> PacksListed:
        self.host.submit(request)
        event = self.host.wait_for(
            lambda e: isinstance(e, PacksListed | ErrorEvent) and e.request_id == request.request_id
        )
        assert isinstance(event, PacksListed), event
        return event

    def refused(self, request: PackRequest) -> ErrorEvent:
        self.host.submit(request)
        event = self.host.wait_for(
            lambda e: isinstance(e, PacksListed | ErrorEvent) and e.request_id == request.request_id
        )
        assert isinstance(event, ErrorEvent), event
        return event

    def engine_of(self, request_id: str) -> str:
        """Which engine answers."""
        self.host.ask(request_id, "builtin", max_tokens=4)
        loaded = self.host.finished(request_id).loaded
        assert loaded is not None
        return loaded.backend_version


@pytest.fixture
def desk(host: HostRecorder) -> Iterator[Desk]:
    yield Desk(host)


def used(listed: PacksListed) -> str:
    return next(pack.id for pack in listed.packs if pack.is_used)


def test_workers_run_on_a_pack_until_it_is_damaged_and_then_on_what_was_before(
    desk: Desk, archive: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LLAMA_CPP_LIB_PATH", str(tmp_path))  # nobody has probed what is there
    monkeypatch.setenv("RETORT_ENGINE_PACK", "mine")
    assert desk.engine_of("before") == "0.3.36"
    listed = desk.ask(InstallPackRequest(request_id="install", path=str(archive)))
    pack = used(listed)
    report = listed.packs[1].report
    assert report is not None
    assert (report.problem, listed.before) == ("", BUILTIN_ENGINE)
    assert report.decode_tps > 0
    gone = desk.host.wait_for(lambda e: isinstance(e, ModelUnloaded))
    assert isinstance(gone, ModelUnloaded)
    assert gone.reason == "engine"
    assert desk.engine_of("on-pack") == f"0.3.36 with {pack}"

    library = Paths.from_environment().packs / pack / "libggml-cpu.so.0"
    library.write_bytes(library.read_bytes()[:-1] + b"x")
    notice = desk.host.wait_for(lambda e: isinstance(e, EngineNotice))
    assert isinstance(notice, EngineNotice)
    assert (notice.pack, notice.now) == (pack, BUILTIN_ENGINE)
    assert desk.engine_of("after") == "0.3.36"
    refusal = desk.refused(CheckPackRequest(request_id="check", pack=pack))
    assert refusal.code == PackFailed.code
    assert "libggml-cpu.so.0" in refusal.message


def test_a_pack_that_begins_to_die_gives_way_although_no_file_has_changed(desk: Desk, tmp_path: Path) -> None:
    """A driver that breaks looks like this: the probe passed once, and now every load dies."""
    packs = EnginePacks(Paths.from_environment().packs)
    pack = packs.install(native_packs.shim_pack(tmp_path, native_packs.DIES_DECODING), lambda _: None)
    packs.note_report(pack, PackReport(problem="", stamps=packs.stamps(pack)))
    packs.use(pack)
    desk.host.ask("dies", "builtin", max_tokens=4)
    desk.host.end_of("dies")
    notice = desk.host.wait_for(lambda e: isinstance(e, EngineNotice))
    assert isinstance(notice, EngineNotice)
    assert "abort" in notice.reason
    assert desk.engine_of("again") == "0.3.36"


def test_one_click_goes_back_and_a_pack_is_chosen_by_hand_and_removed(desk: Desk, archive: Path) -> None:
    pack = installed(archive).pack
    desk.host.submit(UsePackRequest(request_id="use", pack=pack))
    assert "wait for its end" in desk.refused(UsePackRequest(request_id="busy", pack=pack)).message
    listed = desk.host.wait_for(lambda e: isinstance(e, PacksListed) and e.request_id == "use")
    assert isinstance(listed, PacksListed)
    assert used(listed) == pack
    assert used(desk.ask(RollBackPackRequest(request_id="back"))) == BUILTIN_ENGINE
    left = desk.ask(RemovePackRequest(request_id="remove", pack=pack)).packs
    assert [one.id for one in left] == [BUILTIN_ENGINE]


def test_fetching_asks_the_gateway_and_only_for_what_is_on_the_list(desk: Desk) -> None:
    offline = desk.refused(FetchPackRequest(request_id="offline", pack="vulkan-1"))
    assert offline.code == OfflineError.code
    unknown = desk.refused(FetchPackRequest(request_id="unknown", pack="vulkan-1", online=True))
    assert "has been published" in unknown.message


def test_the_engine_is_chosen_by_what_the_probes_found() -> None:
    def report(*gpus: int, problem: str = "") -> PackReport:
        devices = tuple(
            DeviceMemory(name=f"G{at}", is_gpu=True, free_bytes=1, total_bytes=size)
            for at, size in enumerate(gpus)
        )
        return PackReport(problem=problem, devices=devices)

    kinds: dict[str, PackKind] = {"c": "cpu", "v": "vulkan", "v2": "vulkan", "n": "cuda"}
    assert pack_probe.best_of({"c": report(), "v": report(4), "n": report(4)}, kinds) == "n"
    assert pack_probe.best_of({"v": report(4), "n": report(4, problem="no driver")}, kinds) == "v"
    assert pack_probe.best_of({"v": report(4), "v2": report(8)}, kinds) == "v2"
    assert pack_probe.best_of({"c": report(), "v": report()}, kinds) == ""


@pytest.mark.skipif(sys.platform != "linux" or not IS_FULL, reason="LD_LIBRARY_PATH; RETORT_FULL_TESTS=1")
def test_parts_of_another_build_beside_a_packs_own_are_found_out(
    archive: Path, reference: NativeFacts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A search path in the environment goes before a library's own folder."""
    shutil.copyfile(native_packs.installed_libraries() / "libggml-cpu.so.0", tmp_path / "libggml-cpu.so.0")
    monkeypatch.setenv("LD_LIBRARY_PATH", str(tmp_path))
    assert f"parts of another build are loaded with it: {tmp_path}" in problem_of(archive, reference)


def test_near_ties_of_the_reference_may_be_decided_otherwise(reference: NativeFacts) -> None:
    nearest = min(range(len(reference.margins)), key=reference.margins.__getitem__)
    clearest = max(range(len(reference.margins)), key=reference.margins.__getitem__)
    assert reference.margins[nearest] < pack_probe.UNDECIDED < reference.margins[clearest]

    def with_other(at: int) -> NativeFacts:
        tokens = list(reference.tokens)
        tokens[at] += 1
        return msgspec.structs.replace(reference, tokens=tuple(tokens))

    assert pack_probe.difference(reference, with_other(nearest)) == ""
    assert "computes wrongly" in pack_probe.difference(reference, with_other(clearest))
    few = msgspec.structs.replace(reference, margins=tuple(0.0 for _ in reference.margins))
    assert "cannot be compared" in pack_probe.difference(few, reference)
