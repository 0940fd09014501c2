"""The state of a training run on disk: written whole or not at all, read without running code."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from ovseg_ros.errors import OvsegError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

CHECKPOINT_NAME = "checkpoint.pt"


class MovingAverage:
    """An exponential moving average of a network's parameters; buffers are copied."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Start from the network's present state."""
        self.decay = decay
        self.state = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards `network`; the decay warms up over the first steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)


def save_checkpoint(folder: Path, state: dict[str, Any], recipe: DataclassInstance) -> None:
    """Write `state` and the recipe to the folder's checkpoint, by way of a temporary name."""
    path = folder / CHECKPOINT_NAME
    temporary = path.with_suffix(".writing")
    torch.save({**state, "recipe": asdict(recipe)}, temporary)
    os.replace(temporary, path)


def load_checkpoint(folder: Path, recipe: DataclassInstance | None = None) -> dict[str, Any] | None:
    """Return the folder's checkpoint, or None where there is none.

    Raises `OvsegError` where it belongs to another `recipe`.
    """
    path = folder / CHECKPOINT_NAME
    if not path.is_file():
        return None
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if recipe is not None and state["recipe"] != asdict(recipe):
        raise OvsegError(
            f"{path} was made with another recipe; use another --out, or remove the checkpoint"
        )
    return state
