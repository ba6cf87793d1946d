"""llama-cpp-python: a kept wheel, else the maintainer's, else one built here, if it decodes a token."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from set_up.child import run_program
from set_up.llama_build import build_wheel, keep_wheel
from set_up.pip import pip_environment, pip_install
from set_up.places import Places, address, packages_in, python_in
from set_up.progress import SetUpError, say, step
from set_up.system_packages import missing_compiler, provide
from set_up.wheel_key import WheelKey

CHECK_TIMEOUT_S = 120.0
PROBE_TIMEOUT_S = 5.0

Build = Callable[[Places, Path], Path]  # builds the wheel and puts it into a folder


def kept_wheel(places: Places, key: WheelKey) -> Path | None:
    """Return the wheel kept for this key."""
    return next(iter(sorted((places.wheels / key.name).glob("*.whl"))), None)


def maintainers_index(places: Places, key: WheelKey, environ: Mapping[str, str]) -> str | None:
    """Return the address of the maintainer's index where it can be reached, has this version and is wanted.

    Its wheels are made for any CPU with AVX2 and the lock can't hold their hashes (docs/decisions/0001).
    """
    if key.options or environ.get("RETORT_BUILD_LLAMA"):
        return None
    name = "llama_cpp_wheels_metal" if sys.platform == "darwin" else "llama_cpp_wheels_cpu"
    index = address(places.root, name)
    from urllib.request import urlopen  # noqa: PLC0415 - slow to import, and most starts need no network

    try:
        with urlopen(f"{index}/llama-cpp-python/", timeout=PROBE_TIMEOUT_S) as answer:
            listed = answer.read().decode("utf-8", "replace")
    except (OSError, ValueError):
        return None
    return index if f"llama_cpp_python-{key.version}-" in listed else None


def fetch_wheel(places: Places, key: WheelKey, index: str) -> Path | None:
    """Download the maintainer's wheel and keep it; None where it has none for this system."""
    with step("fetching llama.cpp ready-made"), tempfile.TemporaryDirectory(prefix="retort-fetch-") as folder:
        command = [str(python_in(places.environment)), "-m", "pip", "download", "--no-input", "--no-deps"]
        command += ["--only-binary", ":all:", "--index-url", index, "-d", folder]
        command.append(f"llama-cpp-python=={key.version}")
        outcome = run_program(command, environ=pip_environment(places))
        fetched = next(Path(folder).glob("*.whl"), None)
        if outcome.status or fetched is None:
            say("  there is none for this system")
            return None
        return keep_wheel(fetched, places.wheels / key.name)


def compile_wheel(places: Places, target: Path) -> Path:
    """Build the wheel where there is a compiler, or where we may install one."""
    missing = missing_compiler(os.environ)
    if missing:
        provide(lambda: missing_compiler(os.environ), missing)
    return build_wheel(places, target)


def provide_llama(places: Places, key: WheelKey, index: str | None, build: Build = compile_wheel) -> None:
    """Install the first wheel that decodes a token: a kept one, the maintainer's, one built here."""
    folder = places.wheels / key.name
    sources: list[tuple[str, Callable[[], Path | None]]] = [("kept", lambda: kept_wheel(places, key))]
    if index:
        sources.append(("fetched", lambda: fetch_wheel(places, key, index)))
    sources.append(("built", lambda: build(places, folder)))
    failure = ""
    for origin, get in sources:
        wheel = get()
        if wheel is None:
            continue
        with step(f"installing and trying the {origin} llama.cpp"):
            failure = install_wheel(places, wheel) or failure_to_decode(places)
        if not failure:
            return
        shutil.rmtree(folder, ignore_errors=True)
        say(f"  the {origin} llama.cpp does not work here ({failure}): deleted")
    raise SetUpError(
        f"llama.cpp was built but does not work here ({failure}): please report it, with the file "
        f"{places.cache / 'llama-build.log'}"
    )


def install_wheel(places: Places, wheel: Path) -> str:
    """Install a wheel; return why not, or nothing."""
    options = ("--no-deps", "--no-index", "--no-cache-dir", "--force-reinstall")
    outcome = pip_install(places, places.environment, *options, str(wheel))
    return outcome.lines[-1] if outcome.status and outcome.lines else ""


def failure_to_decode(places: Places) -> str:
    """Let a child load the installed library and decode one token; return why it failed, or nothing."""
    program = Path(__file__).with_name("decode_one_token.py")
    command = [str(python_in(places.environment)), str(program), str(places.built_in_model)]
    outcome = run_program(command, timeout_s=CHECK_TIMEOUT_S)
    if outcome.status == 0:
        return ""
    if outcome.status < 0:
        return f"its process was ended by signal {-outcome.status}"
    return outcome.lines[-1] if outcome.lines else f"exit status {outcome.status}"


def is_installed(places: Places, version: str) -> bool:
    """Tell whether this version lies in the environment."""
    return (packages_in(places.environment) / f"llama_cpp_python-{version}.dist-info").exists()
