"""`FootageFrame`: a frame by where it lies, before anything of it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ovseg_ros.bags.reader import BagMessage, stamp_ns_of


@dataclass(frozen=True)
class FilePlace:
    """An image file."""

    path: Path


@dataclass(frozen=True)
class MessagePlace:
    """A message of a bag: its topic, when it was recorded, and the stamp in its header, ns.

    A driver that sets no stamp leaves the time of recording as the only one there is.
    """

    topic: str
    time_ns: int
    stamp_ns: int

    @classmethod
    def of(cls, message: BagMessage) -> MessagePlace:
        """Return where a message with a header lies."""
        stamp_ns = stamp_ns_of(message.content) or message.time_ns
        return cls(message.topic, message.time_ns, stamp_ns)

    @property
    def key(self) -> tuple[int, int]:
        """What the message is known by within its topic."""
        return self.time_ns, self.stamp_ns


Place: TypeAlias = FilePlace | MessagePlace


@dataclass(frozen=True)
class FootageFrame:
    """One frame. `index` counts the frames of its camera, `name` is what a report calls it.

    `stamp_ns` is 0 for a file. A frame follows the one before of its camera where both are of the
    same `sequence`; an empty sequence follows nothing.
    """

    camera: str
    index: int
    name: str
    stamp_ns: int
    image: Place
    truth: Place | None
    domain: str
    sequence: str

    def follows(self, before: FootageFrame | None) -> bool:
        """Say whether `before` is the frame before this one, with nothing cut in between."""
        return (
            before is not None
            and self.sequence != ""
            and (before.camera, before.sequence) == (self.camera, self.sequence)
        )
