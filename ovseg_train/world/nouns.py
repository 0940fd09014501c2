"""The nouns of the simulated world and their label ids."""

from __future__ import annotations

NOUNS: tuple[str, ...] = (
    "sky",
    "road",
    "pavement",
    "grass",
    "building",
    "wall",
    "fence",
    "tree",
    "bush",
    "pole",
    "traffic light",
    "traffic sign",
    "car",
    "truck",
    "bus",
    "person",
    "bicycle",
    "bench",
    "trash can",
    "fire hydrant",
    "traffic cone",
    "barrel",
    "crate",
    "shipping container",
    "tire",
    "rock",
    "ladder",
    "chair",
    "mailbox",
    "tent",
)
"""Canonical names; the id of a noun is its position here."""

IGNORE_ID = 255
"""Label of a pixel that is not evaluated."""

SKY_ID = 0
"""Label of a pixel that shows no geometry."""

_IDS = {noun: index for index, noun in enumerate(NOUNS)}


def noun_id(noun: str) -> int:
    """Return the label id (0..29) of a canonical noun.

    Raises:
        ValueError: the noun is not one of NOUNS.
    """
    if noun not in _IDS:
        raise ValueError(f"unknown noun {noun!r}; valid nouns: {', '.join(NOUNS)}")
    return _IDS[noun]
