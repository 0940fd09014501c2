"""What stands where: how often each noun is dealt for each kind of ground and boundary."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.ground import SceneKind

STREET_DECK = {
    "traffic light": 4,
    "traffic sign": 7,
    "fire hydrant": 6,
    "mailbox": 5,
    "trash can": 5,
    "bench": 3,
    "bicycle": 5,
    "person": 2,
    "pole": 3,
    "chair": 4,
    "traffic cone": 5,
    "ladder": 1,
    "crate": 2,
    "barrel": 2,
    "bush": 2,
    "tire": 1,
    "fence": 2,
    "wall": 2,
}
YARD_DECK = {
    "crate": 4,
    "barrel": 4,
    "tire": 5,
    "ladder": 4,
    "traffic cone": 6,
    "chair": 5,
    "rock": 2,
    "trash can": 3,
    "person": 1,
    "pole": 2,
    "fire hydrant": 2,
    "bicycle": 3,
    "mailbox": 1,
    "traffic sign": 2,
    "shipping container": 2,
    "tent": 1,
    "fence": 2,
    "wall": 2,
}
GRASS_DECK = {
    "tree": 2,
    "bush": 3,
    "rock": 4,
    "tent": 4,
    "bench": 3,
    "chair": 5,
    "person": 2,
    "ladder": 2,
    "bicycle": 4,
    "tire": 2,
    "pole": 1,
    "mailbox": 2,
    "fire hydrant": 2,
    "traffic sign": 3,
    "trash can": 2,
    "crate": 2,
    "traffic light": 1,
    "barrel": 2,
    "fence": 2,
    "wall": 2,
}
ROAD_DECK = {
    "car": 7,
    "truck": 3,
    "bus": 4,
    "bicycle": 4,
    "person": 2,
    "traffic cone": 6,
    "barrel": 2,
    "tire": 2,
    "ladder": 1,
    "traffic light": 1,
}
BOUNDARY_DECKS = {
    SceneKind.STREET: {"building": 4, "wall": 3, "fence": 5, "bush": 2, "tree": 1},
    SceneKind.YARD: {
        "wall": 3,
        "fence": 5,
        "shipping container": 4,
        "building": 2,
        "truck": 1,
        "bus": 2,
    },
    SceneKind.PARK: {"fence": 5, "wall": 3, "bush": 3, "tree": 3, "tent": 2},
    SceneKind.MIXED: {
        "building": 2,
        "wall": 3,
        "fence": 5,
        "bush": 2,
        "tree": 2,
        "shipping container": 2,
        "bus": 2,
        "truck": 1,
    },
}
BACKDROP = {"building": 3, "tree": 2}


class Deck:
    """Deals nouns in random order so that each comes up as often as its weight says."""

    def __init__(self, weights: dict[str, int], rng: np.random.Generator) -> None:
        """Make a deck with as many cards of a noun as its weight."""
        self._cards = [noun for noun, weight in weights.items() for _ in range(weight)]
        self._rng = rng
        self._left: list[str] = []

    def deal(self) -> str:
        """Draw the next noun, shuffling again when the deck is used up."""
        if not self._left:
            self._left = [self._cards[i] for i in self._rng.permutation(len(self._cards))]
        return self._left.pop()
