"""Weights averaged over a run: its model is the mean of what it was while the rates fell.

The checkpoints of one run lie in one basin of the loss, and their mean lies lower than any of them, as if the
rates had fallen for longer (stochastic weight averaging, arXiv:1803.05407; latest weight averaging,
arXiv:2209.14981). `python -m engine.training.average OUT --vocabulary tokenizer.json FILE=SHARE ...` writes
the mean of checkpoints as a model folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from engine.training.model import TrainedModel
from engine.training.params import builtin_config
from engine.training.save import save_model

State = dict[str, Tensor]


def averaged(states: Iterable[tuple[State, float]]) -> State:
    """The mean of models' weights, each counted with its share; raises ValueError where there is none."""
    mean: State = {}
    total = 0.0
    for state, share in states:
        total += share
        for name, tensor in state.items():
            mean[name] = tensor * share if name not in mean else mean[name] + tensor * share
    if not total:
        raise ValueError("there are no weights to average")
    return {name: tensor / total for name, tensor in mean.items()}


def read_weights(path: Path) -> State:
    """The model's weights of a checkpoint, or of a file that has only them."""
    state = torch.load(path, weights_only=True)
    weights: State = state.get("model", state)
    return weights


def main(arguments: list[str] | None = None) -> None:
    """Average from the command line."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.average", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("files", nargs="+", metavar="FILE=SHARE")
    options = parser.parse_args(arguments)
    parts = [each.rpartition("=") for each in options.files]
    model = TrainedModel(builtin_config())
    model.load_state_dict(averaged((read_weights(Path(file)), float(share)) for file, _, share in parts))
    options.out.mkdir(parents=True, exist_ok=True)
    save_model(model, Tokenizer.from_file(str(options.vocabulary)), options.out)


if __name__ == "__main__":
    main()
