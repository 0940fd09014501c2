"""`PointHealth`: what became of the point clouds, for status and diagnostics."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

# A peer that makes up a new trouble with every frame must not fill the log.
_MOST_TOLD = 16


class PointFate(Enum):
    """What can become of the cloud of a segmented frame."""

    PUBLISHED = "published"
    NO_DEPTH = "without depth"
    NO_INFO = "without camera_info"
    REFUSED = "refused"
    OVERTAKEN = "overtaken"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class PointHealth:
    """The clouds of one camera at one moment.

    `wanted`: whether anybody subscribes to them; `topic` is that of the depth, empty while it is
    not subscribed to; `last_reason` says why the last cloud was not made, and is empty where it
    was; `camera` is "" for the only one.
    """

    camera: str
    wanted: bool
    topic: str
    fates: dict[PointFate, int]
    last_reason: str


class PointLedger:
    """Counts what became of the clouds and tells each kind of trouble once. Safe for threads."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        """Start at zero; `tell` takes a sentence for the user."""
        self._tell = tell
        self._lock = threading.Lock()
        self._fates: Counter[PointFate] = Counter()
        self._told: set[str] = set()
        self._last_reason = ""

    def count(self, fate: PointFate, reason: str = "", quietly: bool = False) -> None:
        """Note the `fate` of a cloud; a `reason` is told once, with `quietly` not yet."""
        # Refusals differ in kind, the others only in their numbers.
        kind = reason if fate is PointFate.REFUSED else fate.value
        with self._lock:
            self._fates[fate] += 1
            self._last_reason = reason
            known = kind in self._told or len(self._told) >= _MOST_TOLD
            tell = bool(reason) and not quietly and not known
            if tell:
                self._told.add(kind)
        if tell:
            self._tell(f"no points: {reason}")

    def start_over(self) -> None:
        """Tell everything once more, as somebody new subscribes."""
        with self._lock:
            self._told.clear()
            self._last_reason = ""

    def health(self, camera: str, wanted: bool, topic: str) -> PointHealth:
        """Return the counts of this moment with what the caller knows."""
        with self._lock:
            fates = {fate: self._fates[fate] for fate in PointFate}
            return PointHealth(camera, wanted, topic, fates, self._last_reason)
