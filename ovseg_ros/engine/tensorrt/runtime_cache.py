"""The kernels that TensorRT for RTX compiles when an engine is loaded, kept for the next time.

The library itself refuses what was compiled for another GPU, driver or version of it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from ovseg_ros.output import OutputError, make_folder, write_file


class RuntimeCache:
    """The compiled kernels of one engine, in the file `path`."""

    def __init__(self, config: Any, path: Path) -> None:
        """Make a cache for `config` (IRuntimeConfig), filled from `path` where that is of use."""
        self._path = path
        self._cache = config.create_runtime_cache()
        self._loaded = b""
        with suppress(OSError):
            data = path.read_bytes()
            if data and self._cache.deserialize(data):
                self._loaded = data
        config.set_runtime_cache(self._cache)

    def save(self) -> None:
        """Write the file where kernels were added; a cache that cannot be written is no fault."""
        data = bytes(self._cache.serialize() or b"")
        if not data or data == self._loaded:
            return
        with suppress(OutputError):
            make_folder(self._path.parent)
            write_file(self._path, data)
            self._loaded = data
