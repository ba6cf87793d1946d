"""The sampling params as options of a command, one for each."""

import argparse
from pathlib import Path

from engine.contract.params import FORBIDDEN, SamplingParams


def add_sampling_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; defaults come from the params themselves."""
    group = parser.add_argument_group("sampling")
    default = SamplingParams()

    def add(name: str, value: float, meaning: str) -> None:
        text = f"{meaning} (default {value:g})"
        group.add_argument(name, type=type(value), default=value, help=text, metavar="N")

    add("--temperature", default.temperature, "0 picks the most likely token")
    add("--top-k", default.top_k, "keep this many tokens; 0 is off")
    add("--top-p", default.top_p, "keep the likeliest up to this share; 1 is off")
    add("--min-p", default.min_p, "keep those at least this share of the likeliest; 0 is off")
    add("--typical-p", default.typical_p, "keep the most typical up to this share; 1 is off")
    add("--repeat-penalty", default.repeat_penalty, "divide the logit of tokens seen; 1 is off")
    add("--frequency-penalty", default.frequency_penalty, "subtract per occurrence; 0 is off")
    add("--presence-penalty", default.presence_penalty, "subtract for any occurrence; 0 is off")
    add("--penalty-window", default.penalty_window, "tokens the penalties look back on; -1 is all")
    add("--dry-multiplier", default.dry_multiplier, "punish repetitions that go on; 0 is off")
    add("--dry-base", default.dry_base, "how steeply that grows")
    add("--dry-allowed-length", default.dry_allowed_length, "tokens of a repetition that go unpunished")
    add("--xtc-probability", default.xtc_probability, "how often the likeliest are dropped; 0 is off")
    add("--xtc-threshold", default.xtc_threshold, "those above this probability")
    group.add_argument("--seed", type=int, metavar="N", help="makes a sampled answer repeatable")
    group.add_argument(
        "--logit-bias",
        action="append",
        default=[],
        metavar="TOKEN=BIAS",
        help="add BIAS to the logit of a token id; `-inf` forbids it",
    )
    rules = group.add_mutually_exclusive_group()
    rules.add_argument("--grammar", default="", metavar="GBNF", help="a grammar, or @FILE, for the answer")
    rules.add_argument("--json-schema", default="", metavar="JSON", help="a JSON schema, or @FILE")


def sampling_from(arguments: argparse.Namespace) -> SamplingParams:
    """The params that the options say; raises ValueError for a value out of range, OSError for a file."""
    return SamplingParams(
        temperature=arguments.temperature,
        top_k=arguments.top_k,
        top_p=arguments.top_p,
        min_p=arguments.min_p,
        typical_p=arguments.typical_p,
        repeat_penalty=arguments.repeat_penalty,
        frequency_penalty=arguments.frequency_penalty,
        presence_penalty=arguments.presence_penalty,
        penalty_window=arguments.penalty_window,
        dry_multiplier=arguments.dry_multiplier,
        dry_base=arguments.dry_base,
        dry_allowed_length=arguments.dry_allowed_length,
        xtc_probability=arguments.xtc_probability,
        xtc_threshold=arguments.xtc_threshold,
        seed=arguments.seed,
        logit_bias=tuple(_bias(entry) for entry in arguments.logit_bias),
        grammar=_text_or_file(arguments.grammar),
        json_schema=_text_or_file(arguments.json_schema),
    )


def _bias(entry: str) -> tuple[int, float]:
    token, _, bias = entry.partition("=")
    try:
        return int(token), max(float(bias), FORBIDDEN)
    except ValueError as error:
        raise ValueError(f"--logit-bias takes TOKEN=BIAS, got {entry!r}") from error


def _text_or_file(value: str) -> str:
    return Path(value[1:]).read_text(encoding="utf-8") if value.startswith("@") else value
