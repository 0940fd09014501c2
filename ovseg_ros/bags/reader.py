"""Reading a rosbag2: a folder or a bare file, mcap or SQLite, plain or compressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ovseg_ros.bags.faults import BagError, explained
from ovseg_ros.closing import Closing
from ovseg_ros.errors import MissingExtraError


@dataclass(frozen=True)
class Topic:
    """A topic of a bag: its name, the full name of its type, how many messages it has."""

    name: str
    kind: str
    messages: int


class BagMessage(NamedTuple):
    """A message with the time at which it was recorded, ns since the epoch.

    `content` has the fields of its ROS type; arrays are numpy arrays that must not be written to.
    """

    topic: str
    time_ns: int
    content: Any


class BagReader(Closing):
    """An open bag. Several readers of one bag do not disturb each other."""

    def __init__(self, path: Path) -> None:
        """Open the bag; raises `BagError`, or `MissingExtraError` without rosbags."""
        try:
            from rosbags.rosbag2 import Reader
            from rosbags.typesys import Stores, get_typestore
        except ImportError:
            raise MissingExtraError("rosbags", "cpu") from None
        self.path = path
        self._types = get_typestore(Stores.ROS2_JAZZY)
        with explained(path):
            self._reader = Reader(path)
            self._reader.open()
        self.topics = tuple(
            Topic(name, info.msgtype or "several types", info.msgcount)
            for name, info in sorted(self._reader.topics.items())
        )

    @property
    def start_ns(self) -> int:
        """The time of the first message; 0 for an empty bag."""
        return self._reader.start_time if self._reader.message_count else 0

    @property
    def end_ns(self) -> int:
        """The time after the last message; 0 for an empty bag."""
        return self._reader.end_time if self._reader.message_count else 0

    def kind_of(self, topic: str) -> str:
        """Return the type of `topic`; raises `BagError`, naming all topics, where there is none."""
        for known in self.topics:
            if known.name == topic:
                return known.kind
        raise BagError(f"{self.path} has no topic {topic}; its topics are {self.listed()}")

    def listed(self) -> str:
        """Return all topics with their types, for an error."""
        return ", ".join(f"{topic.name} ({topic.kind})" for topic in self.topics) or "none"

    def messages(
        self, topics: Sequence[str], start_ns: int | None = None, stop_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """Yield the messages of `topics` recorded from `start_ns` to before `stop_ns`, in order.

        Topics that the bag has not got yield nothing. Raises `BagError` where the bag is damaged.
        """
        with explained(self.path):
            for connection, time_ns, raw in self._raw(topics, start_ns, stop_ns):
                self._register(connection.msgtype, connection.msgdef)
                content = self._types.deserialize_cdr(raw, connection.msgtype)
                yield BagMessage(connection.topic, time_ns, content)

    def raw_messages(self, topics: Sequence[str]) -> Iterator[BagMessage]:
        """Yield the messages of `topics` in order, serialised (bytes); raises `BagError`."""
        with explained(self.path):
            for connection, time_ns, raw in self._raw(topics, None, None):
                yield BagMessage(connection.topic, time_ns, raw)

    def close(self) -> None:
        """Close the files."""
        self._reader.close()

    def _raw(self, topics: Sequence[str], start_ns: int | None, stop_ns: int | None) -> Any:
        wanted = [c for c in self._reader.connections if c.topic in topics]
        return self._reader.messages(wanted, start_ns, stop_ns) if wanted else ()

    def _register(self, kind: str, definition: Any) -> None:
        """Make a type known that is not of ROS 2 itself, by the definition that the bag carries."""
        from rosbags.interfaces import MessageDefinitionFormat
        from rosbags.typesys import get_types_from_msg

        known = self._types.fielddefs
        if kind in known:
            return
        if definition.format is not MessageDefinitionFormat.MSG:
            raise BagError(
                f"{self.path} holds messages of type {kind} and has no .msg text that says what "
                "they are; record it again with a newer rosbag2"
            )
        found = get_types_from_msg(definition.data, kind)
        self._types.register({name: t for name, t in found.items() if name not in known})


def is_bag(path: Path) -> bool:
    """Say whether `path` is a bag folder (with metadata.yaml) or named like a bare storage file."""
    return (path / "metadata.yaml").is_file() or path.suffix in (".mcap", ".db3")


def read_messages(path: Path, topics: Sequence[str]) -> Iterator[BagMessage]:
    """Yield the messages of `topics` of the bag at `path`, in order of time; raises `BagError`."""
    with BagReader(path) as reader:
        yield from reader.messages(topics)


def stamp_ns_of(message: Any) -> int:
    """Return the header stamp of a message in ns."""
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)
