"""The ledger of a run: under which query each mask was published, and the rules it must keep.

A mask message does not name its revision. The middleware stamps every message at publication on
the publisher's clock, so a mask belongs to the last label map that was published before it.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum


class Rule(str, Enum):
    """What every published mask must keep."""

    IDS_OF_REVISION = "every id belongs to the label map in force"
    LABELS_FIRST = "the label map of a query comes before its first mask"
    STAMP_OF_A_FRAME = "the stamp is that of a camera frame"
    ONCE_AND_IN_ORDER = "each frame is published once, in order of time"
    SAME_SIZE = "a mask has the size of its image, one byte per pixel"


@dataclass(frozen=True)
class LabelEntry:
    """One label of a published map; `id` is 0 for a negative one."""

    id: int
    name: str
    synonyms: tuple[str, ...] = ()
    negative: bool = False
    color: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True)
class LabelMapRecord:
    """A label map as published; `published_ns` is the middleware's stamp, ns since the epoch.

    `since_ns` is its own stamp, which tells apart the revisions of nodes one after the other.
    """

    revision: int
    published_ns: int
    labels: tuple[LabelEntry, ...]
    since_ns: int = 0

    @property
    def ids(self) -> frozenset[int]:
        """The values a mask of this revision may hold, 0 included."""
        return frozenset([0, *(label.id for label in self.labels if not label.negative)])


@dataclass(frozen=True)
class MaskRecord:
    """What the ledger needs of a mask. Times are ns since the epoch on one machine's clock.

    `stamp_ns` is the frame's own stamp, `published_ns` and `received_ns` the middleware's.
    `well_formed` is whether encoding, step and size are as they must be. `camera` is its name on
    the node, empty for a single one.
    """

    stamp_ns: int
    published_ns: int
    received_ns: int
    ids: frozenset[int]
    well_formed: bool
    camera: str = ""


@dataclass
class Ledger:
    """Books label maps and masks, and counts every broken rule.

    Masks are judged in the order given; book a mask only once every label map published before it
    has had time to arrive (`settle_ns` of the recorder).
    """

    maps: list[LabelMapRecord] = field(default_factory=list)
    broken: Counter[Rule] = field(default_factory=Counter)
    _last_stamp_ns: dict[str, int] = field(default_factory=dict)

    def book_labels(self, record: LabelMapRecord) -> None:
        """Book a label map; a latched map that comes twice is booked once."""
        key = (record.revision, record.since_ns)
        if any((known.revision, known.since_ns) == key for known in self.maps):
            return
        bisect.insort(self.maps, record, key=lambda known: known.published_ns)

    def book_mask(
        self, mask: MaskRecord, known_stamps: Iterable[int] | None
    ) -> LabelMapRecord | None:
        """Judge a mask and return the label map it belongs to, None where there was none yet.

        `known_stamps` are the stamps of the camera's frames (None: not known, not judged).
        """
        in_force = self.map_at(mask.published_ns)
        self._require(in_force is not None, Rule.LABELS_FIRST)
        if in_force is not None:
            self._require(mask.ids <= in_force.ids, Rule.IDS_OF_REVISION)
        self._require(mask.well_formed, Rule.SAME_SIZE)
        last_ns = self._last_stamp_ns.get(mask.camera, 0)
        self._require(mask.stamp_ns > last_ns, Rule.ONCE_AND_IN_ORDER)
        if known_stamps is not None:
            self._require(mask.stamp_ns in known_stamps, Rule.STAMP_OF_A_FRAME)
        self._last_stamp_ns[mask.camera] = max(last_ns, mask.stamp_ns)
        return in_force

    def map_at(self, published_ns: int) -> LabelMapRecord | None:
        """Return the last map published at or before a time."""
        earlier = [known for known in self.maps if known.published_ns <= published_ns]
        return earlier[-1] if earlier else None

    def _require(self, kept: bool, rule: Rule) -> None:
        if not kept:
            self.broken[rule] += 1
