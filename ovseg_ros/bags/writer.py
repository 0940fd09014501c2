"""Writing a rosbag2: whole at the end under its name, or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from ovseg_ros.closing import Closing
from ovseg_ros.errors import MissingExtraError
from ovseg_ros.output import OutputError, make_folder


class Storage(str, Enum):
    """What the messages of a bag lie in."""

    MCAP = "mcap"
    SQLITE3 = "sqlite3"


class BagWriter(Closing):
    """Writes one new bag; topics are added at their first message.

    Leaving its context by an error throws the bag away. mcap is compressed by chunks, with zstd.
    """

    def __init__(self, path: Path, storage: Storage = Storage.MCAP) -> None:
        """Begin the bag folder `path`, which must not be there; raises `OutputError`."""
        try:
            from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
            from rosbags.typesys import Stores, get_typestore
        except ImportError:
            raise MissingExtraError("rosbags", "cpu") from None
        self._path = path.absolute()
        if self._path.exists():
            raise OutputError(f"{path} is there already; remove it or choose another name")
        make_folder(self._path.parent)
        self.types = get_typestore(Stores.ROS2_JAZZY)
        self._topics: dict[str, tuple[str, bool]] = {}
        self._connections: dict[str, Any] = {}
        with self._explaining():
            # The file inside takes the name of its folder, so the folder has its name from the
            # start, in a place of its own.
            self._stage = Path(tempfile.mkdtemp(prefix=".partial-", dir=self._path.parent))
        self._writer = Writer(
            self._stage / path.name, version=9, storage_plugin=StoragePlugin[storage.name]
        )
        if storage is Storage.MCAP:
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        with self._explaining():
            self._writer.open()

    def declare(
        self,
        topic: str,
        kind: str,
        definitions: Mapping[str, str] | None = None,
        *,
        latched: bool = False,
    ) -> None:
        """Say what type a topic is of; `definitions` are .msg texts of types that ROS has not got.

        `latched` messages are for those who come later too (transient local).
        """
        from rosbags.typesys import get_types_from_msg

        for name, text in (definitions or {}).items():
            if name not in self.types.fielddefs:
                self.types.register(get_types_from_msg(text, name))
        self._topics[topic] = (kind, latched)

    def write(self, topic: str, message: Any, time_ns: int) -> None:
        """Add a message of `types` to a declared topic; raises `OutputError`."""
        kind, _ = self._topics[topic]
        self.write_raw(topic, self.types.serialize_cdr(message, kind), time_ns)

    def write_raw(self, topic: str, raw: bytes | memoryview, time_ns: int) -> None:
        """Add a serialised message to a declared topic; raises `OutputError`."""
        with self._explaining():
            if topic not in self._connections:
                kind, latched = self._topics[topic]
                self._connections[topic] = self._writer.add_connection(
                    topic, kind, typestore=self.types, offered_qos_profiles=[_offered_qos(latched)]
                )
            self._writer.write(self._connections[topic], time_ns, raw)

    def close(self) -> None:
        """Write the index and the metadata, and give the bag its name; raises `OutputError`."""
        try:
            with self._explaining():
                self._writer.close()
                os.replace(self._stage / self._path.name, self._path)
        finally:
            shutil.rmtree(self._stage, ignore_errors=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, or throw the bag away after an error."""
        if error is None:
            self.close()
            return
        self._writer.abort()
        shutil.rmtree(self._stage, ignore_errors=True)

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        """Turn errors of the system and of SQLite into one that names the bag."""
        import sqlite3

        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(
                f"cannot write the bag {self._path}: {reason}; make room or choose another place"
            ) from None


def _offered_qos(latched: bool) -> Any:
    """Return reliable, and volatile or transient local."""
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    forever = QosTime(2147483647, 4294967295)
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if latched else 10,
        reliability=QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )
