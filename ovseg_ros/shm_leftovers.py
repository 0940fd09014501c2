"""What killed processes leave in shared memory: segments of Fast DDS that nobody else removes.

A process that ends removes its segment; one that is killed cannot. With the profile for images each
is 64 MiB, so a few kills fill the /dev/shm of a container. Every living process holds a lock on the
file beside its segment, which is how Fast DDS's own tool tells the dead ones, too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path("/dev/shm")
_LOCK = re.compile(r"fast(dds|rtps)_[0-9a-f]{16}_el")
# Between making its lock file and locking it, a process looks dead.
_YOUNGEST_S = 10.0


def find_leftovers(folder: Path = FOLDER, youngest_s: float = _YOUNGEST_S) -> list[Path]:
    """Return the segments in `folder` whose process is dead; none that are younger than that."""
    return [_segment_of(lock) for lock in _dead_locks(folder, youngest_s)]


def remove_leftovers(folder: Path = FOLDER, youngest_s: float = _YOUNGEST_S) -> tuple[int, int]:
    """Remove the segments of dead processes; return how many, and how many bytes they held.

    Those of other users are left where they are, and so are those younger than `youngest_s`.
    """
    count, size = 0, 0
    for lock in _dead_locks(folder, youngest_s):
        segment = _segment_of(lock)
        with contextlib.suppress(OSError):
            held = segment.stat().st_blocks * 512 if segment.exists() else 0
            segment.unlink(missing_ok=True)
            lock.unlink()
            count, size = count + 1, size + held
    return count, size


def _segment_of(lock: Path) -> Path:
    return lock.with_name(lock.name.removesuffix("_el"))


def _dead_locks(folder: Path, youngest_s: float) -> Iterator[Path]:
    """Yield the lock files that no process holds; each is held here while it is looked at."""
    if not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if not _LOCK.fullmatch(path.name):
            continue
        # It may go at any moment, and those of other users cannot be opened.
        with contextlib.suppress(OSError):
            handle = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if time.time() - os.fstat(handle).st_mtime >= youngest_s:
                    yield path
            finally:
                os.close(handle)
