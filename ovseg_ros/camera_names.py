"""What the cameras of a node may be called, and such names for cameras known by their topics."""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_CAMERAS = 16
"""How many cameras share an engine at most."""
# A token of a ROS name; two underscores in a row belong to ROS.
_TOKEN = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*_?")
_BETWEEN = re.compile(r"[^A-Za-z0-9]+")
# A name is a part of longer names, and ROS limits those.
_LONGEST = 60


def is_camera_name(name: str) -> bool:
    """Say whether `name` can be a part of a topic."""
    return _TOKEN.fullmatch(name) is not None


def names_of_topics(topics: Iterable[str]) -> dict[str, str]:
    """Return a name for the camera of each topic: `front_color_image` for `/front/color/image`.

    The same topics in the same order always get the same names, no two alike: a number tells those
    apart that would be.
    """
    names: dict[str, str] = {}
    for topic in topics:
        words = _BETWEEN.sub("_", topic).strip("_")[:_LONGEST].rstrip("_")
        stem = words if words[:1].isalpha() else f"camera_{words}".rstrip("_")
        name, number = stem, 1
        while name in names.values():
            number += 1
            name = f"{stem}_{number}"
        names[topic] = name
    return names
