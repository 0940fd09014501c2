"""English plurals, good enough to vary names in training."""

from __future__ import annotations


def plural(name: str) -> str:
    """Regular English plural of the last word of `name` ("bus" -> "buses", "box" -> "boxes")."""
    if name.endswith(("s", "x", "z", "ch", "sh")):
        return name + "es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"
