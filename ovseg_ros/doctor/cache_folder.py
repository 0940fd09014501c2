"""The folder of engines and verdicts: whether it can be written, and how much fits."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from ovseg_ros.doctor.examination import Finding, State, Topic

# An engine of a ViT-B/16 network is 0.2 to 0.4 GB; while it is built it is there twice.
_LEAST_FREE_BYTES = 2_000_000_000


def examine_cache(cache: Path) -> Finding:
    """Return the finding on the cache folder, which need not exist yet."""
    nearest = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if not os.access(nearest, os.W_OK) or not nearest.is_dir():
        owner = f'sudo chown -R "$USER" {shlex.quote(str(nearest))}'
        return Finding(Topic.CACHE, State.WARNING, f"{nearest} cannot be written to", owner)
    return judge_space(cache, shutil.disk_usage(nearest).free)


def judge_space(cache: Path, free_bytes: int) -> Finding:
    """Return the finding on a folder that can be written to."""
    found = f"{cache}, {free_bytes / 1e9:.1f} GB free"
    if free_bytes < _LEAST_FREE_BYTES:
        remedy = f"du -sh {shlex.quote(str(cache))}/*"
        return Finding(
            Topic.CACHE, State.WARNING, f"{found}; building an engine may need 2 GB", remedy
        )
    return Finding(Topic.CACHE, State.OK, found)
