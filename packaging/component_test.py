"""Install the torch component into a bundle that has no Python and no network around it, and let it answer.

    python3 packaging/component_test.py build/dist/retort FOLDER_OF_WHEELS

Shown: refused without it, installed from a folder, an answer of torch, every file compared, a kill in the
middle of a second installation that leaves the first, damage that is found, removal that gives the room back.
`pip download --no-deps` with the names in resources/components/torch.json fills the folder. Needs unshare.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT_S = 600.0


class Bundle:
    """A bundle as a user without anything else has it."""

    def __init__(self, program: Path, home: Path) -> None:
        """Everything it writes lies below `home`."""
        bare = {"HOME": str(home), "PATH": "/nowhere", "LANG": "C.UTF-8"}
        words = [f"{name}={value}" for name, value in bare.items()]
        self._before = ["unshare", "-rn", "env", "-i", *words, str(program)]
        self.components = home / ".local" / "share" / "retort" / "components"

    def run(self, *words: str, status: int = 0) -> str:
        """What it prints; raises SystemExit where it ends with another status."""
        command = [*self._before, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        if done.returncode != status:
            raise SystemExit(
                f"retort {' '.join(words)}: status {done.returncode}\n{done.stderr}{done.stdout}"
            )
        return done.stdout + done.stderr

    def state(self) -> str:
        """What it says of the component."""
        (component,) = json.loads(self.run("component", "--json"))["components"]
        return str(component["state"])

    def kill_in_the_middle(self, *words: str) -> None:
        """Start it, and kill it with everything below it once it tells of a third of the way."""
        process = subprocess.Popen(
            [*self._before, *words],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert process.stderr is not None
        with process.stderr as lines:
            next(line for line in lines if line.startswith("installing 3"))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def check(bundle: Bundle, wheels: Path) -> None:
    """Every step."""
    question = ("run", "builtin", "Tell me a story.", "--backend", "torch", "--max-tokens", "24", "--json")
    assert "needed and not installed" in bundle.run(*question, status=1)
    install = ("component", "install", "torch", "--from", str(wheels))
    bundle.run(*install)
    assert bundle.state() == "installed"
    answer = json.loads(bundle.run(*question).splitlines()[0])
    assert answer["backend"] == "torch", answer
    assert answer["text"].strip(), answer
    print(f"torch answers: {answer['text'].strip()[:60]!r}")
    bundle.kill_in_the_middle(*install)
    assert bundle.state() == "installed"
    bundle.run("component", "check")
    print("killed in the middle of another installation: the first is whole")
    # What the kill left lies beside it: the file that names the folder says which one is in use.
    in_use = json.loads((bundle.components / "torch.json").read_text(encoding="utf-8"))["folder"]
    module = bundle.components / in_use / "tokenizers" / "__init__.py"
    module.write_text("damaged")
    assert str(module) in bundle.run("component", "check", status=1)
    bundle.run(*install)
    bundle.run("component", "check")
    print("damage is found, and installing again mends it")
    bundle.run("component", "remove", "torch")
    assert bundle.state() == "absent"
    left = [path for path in bundle.components.rglob("*") if path.is_file() and path.stat().st_size]
    assert left == [], left
    print("removed: nothing is left")


def main() -> int:
    """Check one bundle; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path, help="the folder that build.py made")
    parser.add_argument("wheels", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retort-component-") as home:
        check(Bundle(chosen.bundle.resolve() / "retort", Path(home)), chosen.wheels.resolve())
    print("all of it works")
    return 0


if __name__ == "__main__":
    sys.exit(main())
