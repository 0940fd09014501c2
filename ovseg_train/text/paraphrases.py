"""Other ways to write the same name: articles, photo prompts, plurals, adjectives."""

from __future__ import annotations

import numpy as np

from ovseg_train.names.plurals import plural

TEMPLATES = (
    "a {}",
    "the {}",
    "a photo of a {}",
    "a photo of the {}",
    "an image of a {}",
    "some {}",
    "one {}",
    "this {}",
    "there is a {} in the scene",
    "a picture of a {}",
)
ADJECTIVES = (
    *("red", "green", "blue", "yellow", "white", "black", "orange", "brown", "gray"),
    *("small", "big", "large", "little", "old", "new", "wooden", "metal", "plastic", "dirty"),
)
RELATIONS = (
    *("on", "in", "near", "behind", "next to", "in front of", "under", "by", "at", "with"),
    *("beside", "above", "between", "without", "holding", "wearing", "carrying", "made of"),
)
SURROUNDINGS = (
    *("the road", "a road", "the street", "the grass", "a house", "the building", "a tree"),
    *("a wall", "the fence", "the background", "the left", "the right", "a car", "a truck"),
    *("people", "a person", "a hat", "a helmet", "a bag", "a red shirt", "a vest", "wood"),
    *("metal", "wheels", "water", "the sky", "a box", "a pole", "the yard", "the distance"),
)
_CONTEXT_SHARE = 0.12
_PLURAL_SHARE = 0.2
_TEMPLATE_SHARE = 0.5


def paraphrase(name: str, rng: np.random.Generator) -> str:
    """A random rewording of `name` that means the same; often `name` itself.

    A relation to other things ("car behind a tree") does not change what the thing is, so that
    the tower learns to listen to the head of a phrase.
    """
    if rng.random() < _PLURAL_SHARE and not name.endswith("s"):
        name = plural(name)
    if rng.random() < _CONTEXT_SHARE:
        relation = RELATIONS[rng.integers(len(RELATIONS))]
        name = f"{name} {relation} {SURROUNDINGS[rng.integers(len(SURROUNDINGS))]}"
    if rng.random() < _TEMPLATE_SHARE:
        name = TEMPLATES[rng.integers(len(TEMPLATES))].format(name)
    return name
