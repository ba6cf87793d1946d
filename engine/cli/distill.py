"""`retort distill`: a smaller model learns from what a trained one expects, in a process of its own."""

import argparse
from pathlib import Path

from engine.cli.training_process import add_run_arguments, train
from engine.contract.errors import ModelNotFound

NAME = "distill"
HELP = "teach a smaller student what a model of `retort train` has learned, through its logits"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("teacher", type=Path, help="the folder `model` of an earlier run")
    add_run_arguments(parser)
    parser.add_argument("--layers", type=int, default=3, help="of the student (default 3)")
    parser.add_argument("--experts", type=int, default=4, help="of the student's layers (default 4)")


def run(arguments: argparse.Namespace) -> int:
    """Distill; returns the exit status."""
    if not (arguments.teacher / "config.json").is_file():
        raise ModelNotFound(str(arguments.teacher))
    words = ["--teacher", str(arguments.teacher), "--layers", str(arguments.layers)]
    return train(arguments, *words, "--experts", str(arguments.experts))
