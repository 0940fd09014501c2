"""Where this user's files go: the cache, which may be deleted at any time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def user_cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return `ovseg_ros` in the user's cache folder, as the XDG base directory specification says.

    A relative XDG_CACHE_HOME is ignored, as that specification wants it.
    """
    named = environment.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path.home() / ".cache"
    return base / "ovseg_ros"
