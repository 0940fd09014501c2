"""A folder of adapters in which files come, go, and are broken, while the node reads it."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from ovseg_ros.output import write_file

_BROKEN = "broken.safetensors"


class AdapterFiles:
    """Starts with the adapters of a package."""

    def __init__(self, package_folder: Path, folder: Path) -> None:
        """Copy the adapters of the package at `package_folder` into the new `folder`."""
        self.folder = folder
        folder.mkdir()
        self._originals = sorted((package_folder / "adapters").glob("*.safetensors"))
        for path in self._originals:
            shutil.copy(path, folder)

    def change(self, source: random.Random) -> None:
        """Make one change, at random: a file goes or comes back, or one that is no adapter."""
        gone = [path for path in self._originals if not (self.folder / path.name).exists()]
        choice = source.random()
        if choice < 0.3:
            write_file(self.folder / _BROKEN, source.randbytes(source.choice((0, 7, 100_000))))
        elif choice < 0.45:
            (self.folder / _BROKEN).unlink(missing_ok=True)
        elif gone and choice < 0.75:
            self._bring(source.choice(gone))
        elif len(gone) < len(self._originals):
            here = [path for path in self._originals if path not in gone]
            (self.folder / source.choice(here).name).unlink()

    def _bring(self, original: Path) -> None:
        """Copy in the middle of being read, as people do: no temporary name."""
        shutil.copy(original, self.folder)
