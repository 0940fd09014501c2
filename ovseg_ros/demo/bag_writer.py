"""The demo's output bag: serialised messages as they came from the topics, mcap with zstd."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Any

from ovseg_ros.errors import MissingExtraError
from ovseg_ros.output import OutputError

_PRIMITIVES = {"boolean": "bool", "octet": "byte", "float": "float32", "double": "float64"}


class BagWriter:
    """Writes one new bag; topics are added at their first message."""

    def __init__(self, path: Path) -> None:
        """Create the bag folder `path`; raises `OutputError` where that cannot be done."""
        try:
            from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
            from rosbags.typesys import Stores, get_typestore
        except ImportError:
            raise MissingExtraError("rosbags", "cpu") from None
        self._path = path
        self._types = get_typestore(Stores.ROS2_JAZZY)
        self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._connections: dict[str, Any] = {}
        with self._explaining():
            self._writer.open()

    def write(self, topic: str, message_class: Any, raw: bytes, time_ns: int) -> None:
        """Add the serialised message `raw` of a rosidl class; raises `OutputError`."""
        with self._explaining():
            if topic not in self._connections:
                name = self._register(message_class)
                self._connections[topic] = self._writer.add_connection(
                    topic, name, typestore=self._types
                )
            self._writer.write(self._connections[topic], time_ns, raw)

    def close(self) -> None:
        """Write the index and the metadata; raises `OutputError`."""
        with self._explaining():
            self._writer.close()

    def _explaining(self) -> _Explaining:
        return _Explaining(self._path)

    def _register(self, message_class: Any) -> str:
        """Make a message type known to the bag and return its full name."""
        from rosbags.typesys import get_types_from_msg

        name = f"{message_class.__module__.split('.')[0]}/msg/{message_class.__name__}"
        if name not in self._types.fielddefs:
            for nested in _nested_classes(message_class):
                self._register(nested)
            self._types.register(get_types_from_msg(message_text(message_class), name))
        return name


class _Explaining:
    """Turns the system's errors into one that names the bag."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, OSError):
            raise OutputError(
                f"cannot write the bag {self._path}: {error.strerror or error}; "
                "make room or choose another place"
            ) from None


def message_text(message_class: Any) -> str:
    """Return the fields of a rosidl message class as the text of a .msg file.

    The .msg files themselves are not where every kind of install can find them.
    """
    fields = message_class.get_fields_and_field_types()
    return "".join(f"{_msg_type(kind)} {name}\n" for name, kind in fields.items())


def _msg_type(kind: str) -> str:
    sequence = re.fullmatch(r"sequence<(.+?)(?:, (\d+))?>", kind)
    if sequence:
        bound = f"<={sequence[2]}" if sequence[2] else ""
        return f"{_msg_type(sequence[1])}[{bound}]"
    return _PRIMITIVES.get(kind, kind)


def _nested_classes(message_class: Any) -> list[Any]:
    import importlib

    names = re.findall(
        r"(\w+)/(\w+)", " ".join(message_class.get_fields_and_field_types().values())
    )
    return [getattr(importlib.import_module(f"{package}.msg"), name) for package, name in names]
