"""Draws the vocabulary of a training step: which labels, by which names, with which strangers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from ovseg_train.names.concepts import Concept
from ovseg_train.tiny.recipe import VocabularyRecipe

IGNORE = 255


@dataclass(frozen=True)
class StepVocabulary:
    """`text_bank` float32 [N, D]; `row_of_class` int64 [256], the row of each class id or 255."""

    text_bank: Tensor
    row_of_class: Tensor


class NameEncoder(Protocol):
    """What makes vectors of names: a text tower, or the text bank of a package."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return unit vectors [N, D] of `texts`."""


class PromptBank:
    """The text vectors of every name a class may be called by in training."""

    def __init__(self, tower: NameEncoder, concepts: Sequence[Concept]) -> None:
        """Keep the `tower` and the synonyms of each concept."""
        self._tower = tower
        self._names = {name: c.training_names for c in concepts for name in c.training_names}
        self._vectors: dict[str, Tensor] = {}

    @cached_property
    def _all(self) -> Tensor:
        return torch.from_numpy(self._tower.encode(list(self._names)))

    def vectors(self, class_name: str) -> Tensor:
        """Return [K, D]: row 0 is the class's own name, the others its synonyms."""
        if class_name not in self._vectors:
            synonyms = [n for n in self._names.get(class_name, ()) if n != class_name]
            encoded = self._tower.encode([class_name, *synonyms])
            self._vectors[class_name] = torch.from_numpy(encoded)
        return self._vectors[class_name]

    def draw(self, class_name: str, recipe: VocabularyRecipe, generator: torch.Generator) -> Tensor:
        """Return the vector [D] of the class's own name, of a synonym, or of one led astray.

        Led astray: moved part of the way towards any other name, as a word that training never
        saw lies near its concept but not on it.
        """
        vectors = self.vectors(class_name)
        if len(vectors) == 1 or _uniform(generator) < recipe.canonical_share:
            return vectors[0]
        vector = _pick(vectors[1:], generator)
        if _uniform(generator) >= recipe.astray_share:
            return vector
        part = recipe.max_astray * _uniform(generator)
        return F.normalize((1 - part) * vector + part * _pick(self._all, generator), dim=0)


def draw_vocabulary(
    class_names: Sequence[str],
    present: Tensor,
    bank: PromptBank,
    recipe: VocabularyRecipe,
    generator: torch.Generator,
) -> StepVocabulary:
    """Draw the labels for crops that show the class ids `present` (int64, unique, no 255).

    Mostly all present classes are asked for, with absent ones up to `max_labels`; otherwise a
    random part of them, so that the network learns to leave pixels without a label.
    """
    shown = present[torch.randperm(len(present), generator=generator)].tolist()
    absent = [c for c in range(len(class_names)) if c not in set(shown)]
    absent = [absent[i] for i in torch.randperm(len(absent), generator=generator).tolist()]
    if _uniform(generator) >= recipe.keep_all_share:
        shown = shown[: 1 + int(torch.randint(0, len(shown), (), generator=generator))]
        absent = absent[: int(torch.randint(0, 4, (), generator=generator))]
    chosen = (shown + absent)[: recipe.max_labels]
    strangers = _draw_distractors(recipe, generator)
    names = [class_names[c] for c in chosen] + strangers
    rows = torch.full((256,), IGNORE, dtype=torch.long)
    rows[torch.tensor(chosen)] = torch.arange(len(chosen))
    vectors = [bank.draw(name, recipe, generator) for name in names]
    return StepVocabulary(torch.stack(vectors), rows)


def _draw_distractors(recipe: VocabularyRecipe, generator: torch.Generator) -> list[str]:
    count = int(torch.randint(0, recipe.max_distractors + 1, (), generator=generator))
    order = torch.randperm(len(recipe.distractors), generator=generator)[:count]
    return [recipe.distractors[i] for i in order.tolist()]


def _pick(vectors: Tensor, generator: torch.Generator) -> Tensor:
    return vectors[int(torch.randint(0, len(vectors), (), generator=generator))]


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))
