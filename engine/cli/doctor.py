"""`retort doctor`: libraries, devices, folders and disk space, and whether a token can be decoded here."""

import argparse
import json
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version

from engine.cli.engine_session import EngineSession, new_request_id
from engine.contract.errors import EngineError
from engine.contract.messages import FinishedEvent, GenerateRequest
from engine.contract.params import GenerationLimits, SamplingParams
from engine.contract.paths import Paths, builtin_model
from engine.contract.version import RETORT_VERSION, engine_fingerprint
from engine.hardware.memory import available_bytes, physical_cores

NAME = "doctor"
HELP = "check this installation and say what it runs on"
_PACKAGES = ("PySide6-Essentials", "llama-cpp-python", "torch", "msgspec", "jinja2", "sqlcipher3")


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
        "physical_cores": physical_cores(),
        "available_memory": f"{available_bytes() / 2**30:.1f} GiB",
        "packages": {name: _version(name) for name in _PACKAGES},
        "sqlite": _sqlite_version(problems),
        "data": _folder(paths, "data"),
        "config": str(paths.config),
        "cache": str(paths.cache),
    }
    with EngineSession() as session:
        try:
            description = session.describe()
            report["engine"] = f"llama-cpp-python {description.version}: {description.system}"
            report["devices"] = ", ".join(description.devices)
        except EngineError as error:
            problems.append(f"the llama.cpp engine does not work: {error}")
        else:
            report["builtin_model"] = _try_builtin(session, problems)
    report["problems"] = problems
    return report


def _try_builtin(session: EngineSession, problems: list[str]) -> str:
    request = GenerateRequest(
        request_id=new_request_id(),
        model="builtin",
        prompt="Once upon a time",
        sampling=SamplingParams(temperature=0),
        limits=GenerationLimits(max_tokens=16),
    )
    try:
        for piece in session.answer(request):
            if isinstance(piece, FinishedEvent):
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
    return str(dbapi2.sqlite_version)


def _folder(paths: Paths, name: str) -> str:
    folder = getattr(paths, name)
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return f"{folder} ({shutil.disk_usage(existing).free / 2**30:.1f} GiB free)"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _in_words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return str(value)
