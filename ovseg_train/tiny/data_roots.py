"""Where the data sets of a recipe are, among the folders that the user names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ovseg_ros.errors import OvsegError
from ovseg_train.tiny.recipe import Recipe
from ovseg_train.tiny.training_set import TrainingSet


def read_folders(recipe: Recipe, roots: Sequence[Path]) -> list[TrainingSet]:
    """Read the data sets of `recipe`, in its order; raises `OvsegError`."""
    return [
        TrainingSet.read(find_data(roots, d.name), d.name, d.split, d.exclude_domains)
        for d in recipe.datasets
    ]


def find_data(roots: Sequence[Path], name: str) -> Path:
    """Return the data set called `name` in one of `roots`; raises `OvsegError`."""
    for root in roots:
        if (root / name / "classes.json").is_file():
            return root / name
    shown = ", ".join(str(root) for root in roots)
    raise OvsegError(f"no data set '{name}' in {shown}; give its parent folder with --data")
