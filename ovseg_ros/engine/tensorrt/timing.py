"""Timings of kernels that earlier builds measured: they make the next build on a GPU quicker."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ovseg_ros.engine.tensorrt.library import Library
from ovseg_ros.output import OutputError, make_folder, write_file


def timing_path(cache: Path, library: Library, target: str) -> Path:
    """Return where the timings of `library` on the GPU `target` are kept."""
    name = re.sub(r"[^\w.-]+", "-", f"{library.name}-{library.version}-{target}")
    return cache / "timing" / f"{name}.cache"


@contextmanager
def kept_timings(library: Library, config: Any, path: Path) -> Iterator[None]:
    """Build with the timings at `path` and keep there what was measured, also by a failed build.

    TensorRT-RTX measures nothing while it builds, so for it nothing is kept.
    """
    if library.is_rtx:
        yield
        return
    if not _attached(config, _read(path)):
        # Of another driver, or damaged: timings are no loss.
        _attached(config, b"")
    try:
        yield
    finally:
        timings = config.get_timing_cache()
        if timings is not None:
            with suppress(OutputError):
                make_folder(path.parent)
                write_file(path, bytes(timings.serialize()))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _attached(config: Any, serialised: bytes) -> bool:
    timings = config.create_timing_cache(serialised)
    return timings is not None and bool(config.set_timing_cache(timings, False))
