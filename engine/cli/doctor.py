"""`retort doctor`: libraries, devices, folders and disk space, and whether everything here works."""

import argparse
import json
import platform
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.models import in_gib
from engine.contract.chat import ChatMessage
from engine.contract.errors import EngineError
from engine.contract.library_messages import ModelsListed, ModelsRequest
from engine.contract.messages import FinishedEvent, GenerateRequest
from engine.contract.params import GenerationLimits, SamplingParams
from engine.contract.paths import Paths, builtin_model
from engine.contract.settings_messages import SettingsListed, SettingsRequest
from engine.contract.version import RETORT_VERSION, engine_fingerprint
from engine.hardware.memory import available_bytes, decode_threads, physical_cores, total_bytes

NAME = "doctor"
HELP = "check this installation and say what it runs on"
_NEEDED = ("PySide6-Essentials", "llama-cpp-python", "msgspec", "jinja2", "sqlcipher3", "filelock", "psutil")
_OPTIONAL = ("torch", "tokenizers")
_OLDEST_SQLITE = (3, 51, 3)  # older ones can lose committed rows when the write-ahead log is reset
_LITTLE_DISK_BYTES = 2 * 2**30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Check and print; 1 where something that Retort needs does not work."""
    report = examine(Paths.from_environment())
    problems = report["problems"]
    assert isinstance(problems, list)
    if arguments.json:
        print(json.dumps(report, ensure_ascii=False))
    else:
        for name, value in report.items():
            if name != "problems":
                print(f"{name.replace('_', ' '):>18}  {_in_words(value)}")
        for problem in problems:
            print(f"{'problem':>18}  {problem}")
        print(f"{'result':>18}  {'all checks passed' if not problems else 'not all is well'}")
    return 1 if problems else 0


def examine(paths: Paths) -> dict[str, object]:
    """The report; what does not work stands under `problems`."""
    problems: list[str] = []
    report: dict[str, object] = {
        "retort": f"{RETORT_VERSION} ({engine_fingerprint()})",
        "python": f"{platform.python_version()} at {sys.executable}",
        "system": platform.platform(),
        "processors": f"{physical_cores()} physical cores, {decode_threads()} threads for decoding",
        "memory": f"{available_bytes() / 2**30:.1f} GiB available of {total_bytes() / 2**30:.1f} GiB",
        "packages": {name: _version(name, problems) for name in _NEEDED},
        "optional_packages": {name: _version(name, None) for name in _OPTIONAL},
        "sqlite": _sqlite_version(problems),
    }
    for name, folder in (("data", paths.data), ("config", paths.config), ("cache", paths.cache)):
        report[name] = _check_folder(folder, problems)
    with EngineSession() as session:
        _check_settings_and_library(session, report, problems)
        try:
            description = session.describe()
            report["engine"] = f"llama-cpp-python {description.version}: {description.system}"
            report["engine_modules"] = ", ".join(description.modules) or "built in"
            report["devices"] = ", ".join(description.devices)
        except EngineError as error:
            problems.append(f"the llama.cpp engine does not work: {error}")
        else:
            report["builtin_model"] = _try_builtin(session, report, problems)
    report["problems"] = problems
    return report


def _check_settings_and_library(
    session: EngineSession, report: dict[str, object], problems: list[str]
) -> None:
    listed = session.ask(SettingsRequest(request_id=new_request_id()), SettingsListed)
    if listed.notice:
        problems.append(listed.notice)
    models = session.ask(ModelsRequest(request_id=new_request_id()), ModelsListed).models
    count = "1 model" if len(models) == 1 else f"{len(models)} models"
    report["library"] = f"{count}, {in_gib(sum(model.size_bytes for model in models))}"
    problems += [f"the model {model.name}: {model.problem}" for model in models if model.problem]


def _try_builtin(session: EngineSession, report: dict[str, object], problems: list[str]) -> str:
    """Ask the built-in model something: its template is rendered, its answer decoded and parsed."""
    request = GenerateRequest(
        request_id=new_request_id(),
        model="builtin",
        messages=(ChatMessage(role="user", text="Hello!"),),
        sampling=SamplingParams(temperature=0),
        limits=GenerationLimits(max_tokens=16),
    )
    try:
        for piece in session.answer(request):
            if isinstance(piece, FinishedEvent):
                report["device_in_use"] = piece.loaded.device if piece.loaded else "unknown"
                usage = piece.usage
                return f"answers, {usage.decode_tps:.0f} tokens/s, first token after {usage.ttft_ms:.0f} ms"
    except EngineError as error:
        problems.append(f"the built-in model at {builtin_model()} does not answer: {error}")
    return "does not answer"


def _sqlite_version(problems: list[str]) -> str:
    try:
        from sqlcipher3 import dbapi2  # noqa: PLC0415  (native; absent from a bare engine installation)
    except ImportError as error:
        problems.append(f"conversations cannot be kept: {error}")
        return "missing"
    if dbapi2.sqlite_version_info < _OLDEST_SQLITE:
        wanted = ".".join(map(str, _OLDEST_SQLITE))
        problems.append(f"SQLite {dbapi2.sqlite_version} is too old to keep conversations safely: {wanted}")
    return str(dbapi2.sqlite_version)


def _check_folder(folder: Path, problems: list[str]) -> str:
    """Write a file into a folder and say how much room there is."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as error:
        problems.append(f"{folder} cannot be written to: {error.strerror}")
        return f"{folder} (not writable)"
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < _LITTLE_DISK_BYTES:
        problems.append(f"only {free_bytes / 2**30:.1f} GiB are free at {folder}")
    return f"{folder} ({free_bytes / 2**30:.1f} GiB free, writable)"


def _version(package: str, problems: list[str] | None) -> str:
    """A package's version; one that is needed and not there is a problem."""
    try:
        return version(package)
    except PackageNotFoundError:
        if problems is not None:
            problems.append(f"the package {package} is not installed")
        return "not installed"


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)
