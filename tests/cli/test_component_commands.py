"""`retort component` and `retort update` as processes of their own."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import retort

pytestmark = pytest.mark.slow


def test_components_are_listed_with_their_size(tmp_path: Path) -> None:
    done = retort("component", "--json")
    assert done.status == 0, done.stderr
    (component,) = json.loads(done.stdout)["components"]
    assert (component["name"], component["version"]) == ("torch", "2.13.0")
    missing = retort("component", "install", "torch", "--from", str(tmp_path))
    assert missing.status == 1
    assert "lacks" in missing.stderr or "nothing is locked" in missing.stderr
    unknown = retort("component", "remove", "jax")
    assert (unknown.status, unknown.stdout) == (1, "")


@pytest.mark.parametrize("words", [("component", "install", "torch"), ("update",)])
def test_nothing_is_asked_of_the_network_while_offline(words: tuple[str, ...]) -> None:
    done = retort(*words)
    assert done.status == 1
    assert done.stderr.splitlines()[-1].endswith("--online allows it for this call")
