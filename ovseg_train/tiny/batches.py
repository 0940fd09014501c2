"""Batches of a training step: crops of every data set, stacked, with the group each belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ovseg_train.tiny.augment import augment
from ovseg_train.tiny.losses import class_weights
from ovseg_train.tiny.recipe import Recipe
from ovseg_train.tiny.training_set import TrainingSet


@dataclass(frozen=True)
class Group:
    """The part of a batch that comes from one data set: rows `span` of the stacked crops."""

    folder: TrainingSet
    weights: Tensor
    span: slice
    classes: Tensor


@dataclass(frozen=True)
class Batch:
    """`pixels` float32 [B, 3, H, W] in -1..1 and the groups that make it up."""

    pixels: Tensor
    groups: tuple[Group, ...]


class BatchSource:
    """Draws batches; the same seed and step give the same batch, so that a resumed run goes on."""

    def __init__(
        self,
        folders: Sequence[TrainingSet],
        recipe: Recipe,
        internal_size_px: tuple[int, int],
    ) -> None:
        """Keep the `folders`, in the order of the recipe's data sets."""
        self._folders = folders
        self._recipe = recipe
        self._size = internal_size_px
        self._weights = [class_weights(folder.class_pixels, recipe.loss) for folder in folders]

    def draw(self, generator: torch.Generator) -> Batch:
        """Return the next batch of `generator`."""
        pixels: list[Tensor] = []
        groups: list[Group] = []
        for folder, weights, dataset in zip(
            self._folders, self._weights, self._recipe.datasets, strict=True
        ):
            crops = [self._crop(folder, generator) for _ in range(dataset.batch)]
            span = slice(len(pixels), len(pixels) + len(crops))
            pixels += [crop for crop, _ in crops]
            groups.append(Group(folder, weights, span, torch.stack([c for _, c in crops])))
        return Batch(torch.stack(pixels), tuple(groups))

    def _crop(self, folder: TrainingSet, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        index = int(torch.randint(0, len(folder), (), generator=generator))
        return augment(
            folder.images[index], folder.labels[index], self._recipe, self._size, generator
        )
