"""The index of a library: what retrieval needs of every adapter, as arrays, in one file.

Opening 100,000 adapter files takes minutes, so their centroids are kept in a table in this user's
cache, each row with the size, the time and the inode of the file that it was read from. The table
is mapped into memory, not read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.adapter import AdapterInfo, AdapterTarget, Array
from ovseg_ros.errors import AdapterError
from ovseg_ros.output import OutputError, make_folder, replacing

# Fewer files than this are opened faster than a table is kept.
SMALLEST_TABLE = 256
_COPY_ROWS = 4096
_FORMAT = 1


class FileState(NamedTuple):
    """What tells that a file is still the one that was read."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, entry: os.DirEntry[str] | Path) -> FileState:
        """Return the state of a file; raises `OSError` where it is gone."""
        found = entry.stat()
        return cls(found.st_size, found.st_mtime_ns, found.st_ino)


@dataclass(frozen=True)
class LibraryIndex:
    """The adapters of a library at one moment, sorted by name; it never changes.

    `table` is a structured array [M] with the fields of `table_type`; an adapter that knows no
    scenes has the spread NaN, so that it is never near.
    """

    table: npt.NDArray[Any]

    @property
    def centroids(self) -> Array:
        """Float32 [M, E]."""
        return self.table["centroid"]

    @cached_property
    def spreads(self) -> npt.NDArray[np.float64]:
        """Float64 [M]."""
        return self.table["spread"].astype(np.float64)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names, sorted."""
        return tuple(self.table["name"].tolist())

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Name to row."""
        return {name: row for row, name in enumerate(self.names)}

    def __len__(self) -> int:
        """Return M."""
        return len(self.table)

    def __contains__(self, name: object) -> bool:
        """Return whether there is an adapter of this name."""
        return name in self.row_of

    def rank(self, name: str) -> int:
        """Return the rank of the adapter called `name`."""
        return int(self.table["rank"][self.row_of[name]])

    def state(self, name: str) -> FileState:
        """Return the state of the file when the adapter called `name` was read."""
        row = self.table[self.row_of[name]]
        return FileState(int(row["size"]), int(row["mtime_ns"]), int(row["inode"]))

    def without(self, name: str) -> LibraryIndex:
        """Return the index without the adapter called `name`."""
        return LibraryIndex(np.delete(self.table, self.row_of[name]))

    def merged(
        self, kept: Sequence[str], read: Mapping[str, tuple[FileState, AdapterInfo]], file: Path
    ) -> LibraryIndex:
        """Return the rows called `kept` with those `read`; a large table goes to `file`."""
        fresh = np.zeros(len(read), self.table.dtype)
        for row, (state, info) in zip(fresh, read.values(), strict=True):
            row["name"], row["rank"] = info.name, info.rank
            row["size"], row["mtime_ns"], row["inode"] = state
            row["spread"] = np.nan if info.spread is None else info.spread
            row["centroid"] = 0.0 if info.centroid is None else info.centroid
        old = np.array([self.row_of[name] for name in kept], np.int64)
        names = np.concatenate([self.table["name"][old], fresh["name"]])
        order = np.argsort(names, kind="stable")
        if len(order) < SMALLEST_TABLE:
            return LibraryIndex(np.concatenate([self.table[old], fresh])[order])
        return LibraryIndex(_stored(self.table, old, fresh, order, file))


def empty_index(target: AdapterTarget) -> LibraryIndex:
    """Return the index of a library without adapters."""
    return LibraryIndex(np.zeros(0, table_type(target.scene_dim)))


def table_type(scene_dim: int) -> np.dtype[Any]:
    """Return the type of a row of the table for embeddings of E numbers."""
    return np.dtype(
        [
            ("name", "<U64"),
            ("size", "<i8"),
            ("mtime_ns", "<i8"),
            ("inode", "<u8"),
            ("rank", "<i4"),
            ("spread", "<f4"),
            ("centroid", "<f4", (scene_dim,)),
        ]
    )


def table_file(cache: Path, folder: Path, target: AdapterTarget) -> Path:
    """Return where the table of the library in `folder` is kept, one for each kind of package."""
    sites = [[site.name, site.c_in, site.c_out] for site in target.site_of.values()]
    about = (_FORMAT, str(folder.resolve()), target.base_sha256, target.embedding_space, sites)
    digest = hashlib.sha256(json.dumps([*about, target.scene_dim]).encode()).hexdigest()
    return cache / "adapters" / f"{digest[:32]}.npy"


def read_table(file: Path, target: AdapterTarget) -> LibraryIndex:
    """Return the index kept in `file`; an empty one where it is missing or of another kind."""
    try:
        table = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return empty_index(target)
    if table.ndim != 1 or table.dtype != table_type(target.scene_dim):
        return empty_index(target)
    index = LibraryIndex(table)
    # Not written by this program.
    return index if len(index.row_of) == len(index) else empty_index(target)


def scan(folder: Path, ending: str) -> dict[str, FileState]:
    """Return stem -> state of the files in `folder` that end in `ending`; none where it is missing.

    Raises `AdapterError` where the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            return dict(_states(entries, ending))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AdapterError(
            f"cannot read the folder of adapters {folder}: {error.strerror}; give another one with "
            "--adapter-dir"
        ) from None


def _states(entries: Iterable[os.DirEntry[str]], ending: str) -> Iterable[tuple[str, FileState]]:
    for entry in entries:
        # Files that are being written begin with a dot.
        if not entry.name.endswith(ending) or entry.name.startswith("."):
            continue
        try:
            if entry.is_file():
                yield entry.name.removesuffix(ending), FileState.of(entry)
        except OSError:
            continue  # removed meanwhile


def _stored(
    table: npt.NDArray[Any],
    old: npt.NDArray[np.int64],
    fresh: npt.NDArray[Any],
    order: npt.NDArray[np.int64],
    file: Path,
) -> npt.NDArray[Any]:
    """Write the rows `old` of `table` and `fresh` in `order` to `file` and map it.

    Where the cache cannot be written they stay in memory.
    """

    def rows(part: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        chunk = np.empty(len(part), table.dtype)
        from_old = part < len(old)
        chunk[from_old] = table[old[part[from_old]]]
        chunk[~from_old] = fresh[part[~from_old] - len(old)]
        return chunk

    try:
        make_folder(file.parent)
        with replacing(file) as temporary, temporary.open("wb") as stream:
            header = {"descr": table.dtype.descr, "fortran_order": False, "shape": (len(order),)}
            np.lib.format.write_array_header_2_0(stream, header)
            for start in range(0, len(order), _COPY_ROWS):
                stream.write(rows(order[start : start + _COPY_ROWS]).tobytes())
        mapped: npt.NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OutputError, OSError, ValueError):
        return rows(order)
    return mapped
