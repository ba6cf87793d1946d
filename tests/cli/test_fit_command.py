"""`retort fit`, and what `retort inspect` says of a model's origin."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import retort
from tests.support.fake_hub import FakeHub


def test_fit_says_what_a_model_takes_at_a_context_and_where_it_goes() -> None:
    outcome = retort("fit", "builtin", "--ctx", "100000", "--kv-type", "q8_0", "--json")
    report = json.loads(outcome.stdout)
    assert (outcome.status, report["where"], report["context_length"]) == (0, "cpu", 100_000)
    sizes = {line["part"]: line["predicted_bytes"] for line in report["lines"]}
    assert sizes["latent"] == 6 * 160 * 34 // 32 * report["num_positions"]
    assert sum(sizes.values()) == report["predicted_bytes"]
    assert report["speed"]["slowest_tps"] < report["speed"]["fastest_tps"]


def test_fit_of_what_is_not_there_is_one_line() -> None:
    outcome = retort("fit", "no/such/model")
    assert (outcome.status, len(outcome.stderr.splitlines())) == (1, 1)


def test_inspect_says_where_a_model_comes_from() -> None:
    report = json.loads(retort("inspect", "builtin", "--json").stdout)
    assert (report["provenance"]["author"], report["provenance"]["license"]) == ("Retort", "apache-2.0")
    assert report["provenance"]["template"]["concerns"] == []


def test_a_model_on_the_hub_is_fitted_by_its_header_alone(
    monkeypatch: pytest.MonkeyPatch, tiny_model: Path
) -> None:
    with FakeHub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.add("acme/tiny", {"tiny-F32.gguf": tiny_model.read_bytes()})
        remote = json.loads(retort("fit", "acme/tiny/F32", "--online", "--json").stdout)
    here = json.loads(retort("fit", str(tiny_model), "--json").stdout)
    assert remote["model"] == "acme/tiny/F32"
    assert remote["lines"] == here["lines"]
