"""`retort train`: trains the built-in model's recipe, in a process of its own."""

import argparse

from engine.cli.training_process import add_run_arguments, train

NAME = "train"
HELP = "train the built-in model's recipe: a small model in DeepSeek-V3's layout"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_run_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit status."""
    return train(arguments)
