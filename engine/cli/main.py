"""The command line's entry: which command, and how its failures are said.

Exit status: 0 for success, 2 for wrong use, 1 for a failure, which is one line on stderr.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.cli import (
    adopt,
    bench,
    bin,
    component,
    convert,
    distill,
    doctor,
    fit,
    import_model,
    inspect,
    measure,
    models,
    move_library,
    network,
    packs,
    pull,
    quantize,
    recipe,
    remove,
    restore,
    run,
    search,
    serve,
    settings,
    train,
    tune,
    unfinished,
    update,
    verify,
)
from engine.cli.engine_session import EngineSession
from engine.cli.terminal_chat import ChatSettings, converse
from engine.contract.errors import EngineError, OfflineError
from engine.contract.version import RETORT_VERSION


class Command(Protocol):
    """What a command's file offers."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; returns the exit status."""


COMMANDS: tuple[Command, ...] = (
    run,
    models,
    search,
    pull,
    unfinished,
    import_model,
    adopt,
    verify,
    remove,
    restore,
    bin,
    move_library,
    inspect,
    fit,
    tune,
    packs,
    convert,
    quantize,
    recipe,
    measure,
    bench,
    serve,
    settings,
    network,
    component,
    update,
    train,
    distill,
    doctor,
)


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command."""
    parser = argparse.ArgumentParser(
        prog="retort",
        description="Run language models on your own computer. Without a command it opens the window.",
    )
    parser.add_argument("--version", action="version", version=f"Retort {RETORT_VERSION}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        description = f"{command.HELP[0].upper()}{command.HELP[1:]}."
        subparser = commands.add_parser(command.NAME, help=command.HELP, description=description)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main(words: Sequence[str]) -> int:
    """Run one command; returns the exit status."""
    arguments = build_parser().parse_args(words)
    return _said_in_one_line(lambda: arguments.run(arguments))


def chat_in_terminal() -> int:
    """Converse with the built-in model where no window can be opened."""

    def chat() -> int:
        with EngineSession() as session:
            return converse(session, ChatSettings(model="builtin"), greet=True)

    return _said_in_one_line(chat)


def _said_in_one_line(command: Callable[[], int]) -> int:
    try:
        return command()
    except OfflineError as error:
        print(f"retort: {error}; --online allows it for this call", file=sys.stderr)
        return 1
    except (EngineError, OSError) as error:
        print(f"retort: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"retort: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 1
