"""A folder of adapters: known by their headers, read when they are chosen, watched for changes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.adapters.adapter import Adapter, AdapterInfo, AdapterTarget
from ovseg_ros.adapters.file import ENDING, read_adapter, read_info, read_shape
from ovseg_ros.adapters.index import (
    FileState,
    LibraryIndex,
    empty_index,
    read_table,
    scan,
    table_file,
)
from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.adapters.shape import DomainShape
from ovseg_ros.errors import AdapterError
from ovseg_ros.packages import Card, ModelPackage
from ovseg_ros.user_folders import user_cache_folder

FOLDER_NAME = "adapters"
MEMORY_BYTES = 256 * 2**20
_MOST_SHAPES = 1024  # of some 30 kB each
# The times of files are coarse: a folder that changed just before it was read may change once more
# without its time telling.
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True)
class LibraryChange:
    """Names that came, went or were replaced since the last look, and those newly refused."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there was any change."""
        return any(vars(self).values())

    def __str__(self) -> str:
        """Return it in words, for a log."""
        parts = [f"{what}: {', '.join(names)}" for what, names in vars(self).items() if names]
        return "; ".join(parts) or "no change"


class AdapterLibrary:
    """The adapters in one folder that belong to one package. Safe to use from several threads."""

    def __init__(
        self, folder: Path, target: AdapterTarget, cache: Path, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        """Use `open`. At most `memory_bytes` of factors are kept, least recently used out first."""
        self.folder = folder
        self.target = target
        self._table_file = table_file(cache, folder, target)
        self._memory_bytes = memory_bytes
        self._index = empty_index(target)
        self._refused: dict[str, tuple[FileState, str]] = {}
        self._kept: OrderedDict[str, tuple[FileState, Adapter]] = OrderedDict()
        self._shapes: OrderedDict[str, tuple[FileState, DomainShape | None]] = OrderedDict()
        self._looked_at = -1
        self._lock = threading.RLock()

    @classmethod
    def open(
        cls,
        folder: Path,
        card: Card,
        cache: Path | None = None,
        memory_bytes: int = MEMORY_BYTES,
    ) -> AdapterLibrary:
        """Return the library in `folder` for the package with `card`, reading headers alone.

        A folder that is missing or empty is a library without adapters; files that cannot be used
        are in `refused` with the reason. `cache` is where the table of a large library is kept
        (None: the cache of this user).
        """
        library = cls(folder, AdapterTarget.of(card), cache or user_cache_folder(), memory_bytes)
        library._index = read_table(library._table_file, library.target)
        library.refresh()
        return library

    @property
    def index(self) -> LibraryIndex:
        """The adapters of the last `refresh`; the object changes only when they do."""
        return self._index

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the adapters that can be used, sorted."""
        return self._index.names

    @property
    def refused(self) -> Mapping[str, str]:
        """File stem -> why the file is not used."""
        return {name: reason for name, (_, reason) in sorted(self._refused.items())}

    @property
    def state(self) -> str:
        """The library in one sentence."""
        if not len(self._index) and not self._refused:
            why = "is empty" if self.folder.is_dir() else "does not exist"
            return f"no adapters: the folder {self.folder} {why}"
        refused = f", {len(self._refused)} files refused" if self._refused else ""
        return f"{len(self._index)} adapters in {self.folder}{refused}"

    def infos(self) -> Iterator[AdapterInfo]:
        """Yield the header of every adapter, read from its file, in the order of `names`."""
        for name in self.names:
            yield self.info(name)

    def info(self, name: str) -> AdapterInfo:
        """Return the header of the adapter called `name`; raises `AdapterError`."""
        self._require(name)
        return read_info(self.path(name), self.target)

    def path(self, name: str) -> Path:
        """Return the file of the adapter called `name`."""
        return self.folder / f"{name}{ENDING}"

    def factors(self, name: str) -> LoraFactors:
        """Return the factors of the adapter called `name`, packed; raises `AdapterError`."""
        return self.adapter(name).factors

    def adapter(self, name: str) -> Adapter:
        """Return the adapter called `name`, from memory or its file.

        Raises `AdapterError` where it is unknown, or where its file turns out to be unusable; it is
        refused from then on.
        """
        with self._lock:
            self._require(name)
            state = self._index.state(name)
            kept = self._kept.get(name)
            if kept is not None and kept[0] == state:
                self._kept.move_to_end(name)
                return kept[1]
            with self._refusing(name):
                adapter = read_adapter(self.path(name), self.target)
            self._keep(name, state, adapter)
            return adapter

    def shape(self, name: str) -> DomainShape | None:
        """Return the shape of the domain of the adapter called `name`, None where it tells none.

        Raises as `adapter`.
        """
        with self._lock:
            self._require(name)
            state = self._index.state(name)
            kept = self._shapes.pop(name, None)
            if kept is None or kept[0] != state:
                with self._refusing(name):
                    kept = (state, read_shape(self.path(name), self.target))
            self._shapes[name] = kept
            if len(self._shapes) > _MOST_SHAPES:
                self._shapes.popitem(last=False)
            return kept[1]

    def remove(self, name: str) -> Path:
        """Delete the file of the adapter called `name`, or a refused file; return its path.

        Raises `AdapterError` where it is unknown or cannot be deleted.
        """
        with self._lock:
            if name not in self._refused:
                self._require(name)
            path = self.path(name)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise AdapterError(f"cannot remove {path}: {error.strerror}") from None
            self._looked_at = -1
            self.refresh()
            return path

    def refresh(self) -> LibraryChange:
        """Look at the folder again and return what changed; cheap where nothing did.

        Adapters that are in use go on being used from memory after their file is gone.
        """
        with self._lock:
            began_ns = time.time_ns()
            changed_ns = _changed_ns(self.folder)
            if changed_ns == self._looked_at:
                return LibraryChange()
            change = self._compare(scan(self.folder, ENDING))
            self._looked_at = changed_ns if began_ns - changed_ns > _SETTLED_NS else -1
            return change

    def _compare(self, found: Mapping[str, FileState]) -> LibraryChange:
        """Read the headers of files that are new or changed, and make them the index."""
        old = self._index
        same = [name for name in old.names if found.get(name) == old.state(name)]
        refused = {
            name: entry for name, entry in self._refused.items() if found.get(name) == entry[0]
        }
        known = {*same, *refused}
        read: dict[str, tuple[FileState, AdapterInfo]] = {}
        newly_refused = []
        for name in sorted(found.keys() - known):
            try:
                read[name] = (found[name], self._read(name))
            except AdapterError as error:
                refused[name] = (found[name], str(error))
                newly_refused.append(name)
        if read or len(same) < len(old):
            self._index = old.merged(same, read, self._table_file)
        self._refused = refused
        return LibraryChange(
            added=tuple(name for name in read if name not in old),
            removed=tuple(name for name in old.names if name not in found),
            replaced=tuple(name for name in read if name in old),
            refused=tuple(newly_refused),
        )

    def _read(self, name: str) -> AdapterInfo:
        path = self.path(name)
        info = read_info(path, self.target)
        if info.name != name:
            twice = (
                f" and {info.name}{ENDING} is there too" if self.path(info.name).exists() else ""
            )
            raise AdapterError(
                f"{path} holds the adapter '{info.name}'{twice}: a name must be there once, as the "
                f"name of the file; remove the file, or rename it to {info.name}{ENDING}"
            )
        return info

    @contextmanager
    def _refusing(self, name: str) -> Iterator[None]:
        """Take the adapter called `name` out of the index where the block cannot use its file."""
        state = self._index.state(name)
        try:
            yield
        except AdapterError as error:
            self._index = self._index.without(name)
            self._refused[name] = (state, str(error))
            raise

    def _require(self, name: str) -> None:
        if name in self._index:
            return
        if name in self._refused:
            raise AdapterError(self._refused[name][1])
        known = ", ".join(self.names[:8]) or "none"
        more = f" and {len(self.names) - 8} more" if len(self.names) > 8 else ""
        raise AdapterError(
            f"adapter {ascii(name[:80])} is unknown; there are: {known}{more}, in {self.folder}"
        )

    def _keep(self, name: str, state: FileState, adapter: Adapter) -> None:
        self._kept[name] = (state, adapter)
        self._kept.move_to_end(name)
        total = sum(kept.bytes for _, kept in self._kept.values())
        while total > self._memory_bytes and len(self._kept) > 1:
            _, (_, oldest) = self._kept.popitem(last=False)
            total -= oldest.bytes


def adapter_folder(package: ModelPackage, chosen: Path | None = None) -> Path:
    """Return the folder of adapters: the one that was `chosen`, else the package's own."""
    return chosen or package.folder / FOLDER_NAME


def _changed_ns(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
