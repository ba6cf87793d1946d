"""`retort tune` on the built-in model: measured, kept, applied."""

import json

import pytest

from engine.contract.paths import Paths
from tests.support.command_line import retort


@pytest.mark.llama
def test_a_model_is_tuned_kept_and_loaded_that_way_from_then_on() -> None:
    outcome = retort("tune", "builtin", "--seconds", "2", "--apply", "--json")
    assert outcome.status == 0, outcome.stderr
    report = json.loads(outcome.stdout)
    first = report["rows"][0]["trial"]
    assert first["decode_tps"] > 0
    assert first["resident_bytes"] > 10 * 2**20
    assert (report["stale_because"], report["is_applied"]) == ("", True)
    applied = json.loads(Paths.from_environment().settings.read_text())["load"]["builtin"]
    assert applied["threads"] == report["best"]["threads"]
    kept = retort("tune", "builtin", "--kept", "--json")
    assert json.loads(kept.stdout)["rows"] == report["rows"]


def test_what_was_never_tuned_and_what_is_wrong_are_one_line() -> None:
    never = retort("tune", "builtin", "--kept")
    assert (never.status, len(never.stderr.splitlines())) == (1, 1)
    assert retort("tune", "builtin", "--seconds", "0").status == 2
