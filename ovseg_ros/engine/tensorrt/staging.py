"""Where an engine is made before it is installed: a folder that is gone afterwards, come what may.

A killed build cannot clean up. Its lock dies with it, so the next build knows whose folder is free.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from ovseg_ros.output import OutputError, make_folder

ENGINES = "engines"
COMPILED = "runtime"
_PREFIX = ".part_"


@contextmanager
def staging(cache: Path) -> Iterator[Path]:
    """Yield an empty folder on the disk of `cache`, and remove it at the end.

    What killed builds left there is removed first. Raises `OutputError`.
    """
    engines = cache / ENGINES
    make_folder(engines)
    folder = engines / f"{_PREFIX}{uuid4().hex}"
    with ExitStack() as owned:
        # Before there is a folder, so that an interrupt at any moment finds it registered.
        owned.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            with locked(engines):
                _remove_leftovers(engines)
                folder.mkdir()
                owned.callback(os.close, _lock(folder, wait=False))
        except OSError as error:
            raise OutputError(f"cannot write into {engines}: {error.strerror or error}") from None
        yield folder


def keep_compiled(stage: Path, cache: Path) -> None:
    """Move what the library compiled while the engine was checked in `stage` into `cache`.

    The first load after the build finds it there. Raises `OutputError`.
    """
    compiled = cache / COMPILED
    for path in (stage / COMPILED).glob("*"):
        make_folder(compiled)
        try:
            os.replace(path, compiled / path.name)
        except OSError as error:
            raise OutputError(f"cannot write {compiled}: {error.strerror or error}") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from entering this block for the same folder."""
    lock = _lock(folder, wait=True)
    try:
        yield
    finally:
        os.close(lock)


def _remove_leftovers(engines: Path) -> None:
    for path in engines.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # locked by a build that lives, or gone
            lock = _lock(path, wait=False)
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _lock(folder: Path, wait: bool) -> int:
    """Return an open descriptor that holds the lock; raises `OSError` where it is taken."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
