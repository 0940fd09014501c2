"""Frames and depth images find each other by their stamps."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

F = TypeVar("F")
D = TypeVar("D")

RING_BYTES = 64_000_000
RING_ITEMS = 64
WAITING_FRAMES = 8


class StampRing(Generic[D]):
    """The last items of a stream, within bounds of number and memory. Not for several threads."""

    def __init__(self, limit_bytes: int = RING_BYTES, limit_items: int = RING_ITEMS) -> None:
        """Start empty. The newest item is kept whatever its size."""
        self._limit_bytes = limit_bytes
        self._limit_items = limit_items
        self._items: deque[tuple[int, int, D]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """How many items there are."""
        return len(self._items)

    def put(self, stamp_ns: int, size_bytes: int, item: D) -> None:
        """Add `item` as the newest and forget the oldest where there are too many."""
        self._items.append((stamp_ns, size_bytes, item))
        self._bytes += size_bytes
        while len(self._items) > 1 and (
            len(self._items) > self._limit_items or self._bytes > self._limit_bytes
        ):
            self._bytes -= self._items.popleft()[1]

    def nearest(self, stamp_ns: int) -> tuple[int, D] | None:
        """Return how far the nearest stamp is, in ns, and its item; None where there is nothing."""
        if not self._items:
            return None
        # The last of equals: a bag that starts over has the same stamps again.
        found = min(reversed(self._items), key=lambda entry: abs(entry[0] - stamp_ns))
        return abs(found[0] - stamp_ns), found[2]

    def has_passed(self, stamp_ns: int) -> bool:
        """Say whether the newest item is not older than `stamp_ns`."""
        return bool(self._items) and self._items[-1][0] >= stamp_ns

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self._bytes = 0


@dataclass(frozen=True)
class Match(Generic[F, D]):
    """A frame and its depth. `depth` is None where none was near enough.

    `gap_ns` is the distance in time of the nearest depth there was; None where there was none.
    """

    frame: F
    depth: D | None
    gap_ns: int | None


@dataclass(frozen=True, eq=False)
class _Waiting(Generic[F]):
    stamp_ns: int
    until_s: float
    frame: F


class DepthMatcher(Generic[F, D]):
    """Pairs every frame with the depth of the same stamp, or else the nearest within a limit.

    Depth may come later than the result of its frame, as stereo does, so up to `WAITING_FRAMES`
    frames wait: until depth of their very stamp came, until the depth stream has passed them, or,
    where some depth is near enough already, as long as the limit for a nearer one. Safe to call
    from several threads.
    """

    def __init__(
        self, max_gap_ns: Callable[[], int], clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Start empty; `max_gap_ns` returns the limit of the moment, `clock_s` a monotonic time."""
        self._max_gap_ns = max_gap_ns
        self._clock_s = clock_s
        self._ring: StampRing[D] = StampRing()
        self._frames: deque[_Waiting[F]] = deque()
        self._closed = False
        self._condition = threading.Condition()

    def put_depth(self, stamp_ns: int, size_bytes: int, depth: D) -> None:
        """Add a depth image that takes `size_bytes`."""
        with self._condition:
            self._ring.put(stamp_ns, size_bytes, depth)
            self._condition.notify_all()

    def put_frame(self, stamp_ns: int, frame: F) -> Match[F, D] | None:
        """Add a frame; return the one that has waited longest, if too many wait now.

        That has a depth where only the taker was too slow.
        """
        with self._condition:
            until_s = self._clock_s() + self._max_gap_ns() / 1e9
            self._frames.append(_Waiting(stamp_ns, until_s, frame))
            self._condition.notify_all()
            if len(self._frames) > WAITING_FRAMES:
                return self._match(self._frames.popleft())
            return None

    def take(self) -> Match[F, D] | None:
        """Wait for a frame whose depth is decided and return both; None once this is closed."""
        with self._condition:
            while not self._closed:
                if (match := self.poll()) is not None:
                    return match
                self._condition.wait(self._patience_s())
            return None

    def poll(self) -> Match[F, D] | None:
        """Return the oldest frame whose depth is decided; None where none is at this moment."""
        with self._condition:
            for waiting in self._frames:
                match = self._decided(waiting)
                if match is not None:
                    self._frames.remove(waiting)
                    return match
            return None

    def clear(self) -> None:
        """Forget frames and depth."""
        with self._condition:
            self._frames.clear()
            self._ring.clear()

    def close(self) -> None:
        """Let `take` return None from now on, also where it waits already."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _decided(self, waiting: _Waiting[F]) -> Match[F, D] | None:
        """Return the match of a frame, or None where a better one may still come."""
        match = self._match(waiting)
        waited = match.depth is not None and self._clock_s() >= waiting.until_s
        passed = self._ring.has_passed(waiting.stamp_ns)
        return match if waited or passed or match.gap_ns == 0 else None

    def _match(self, waiting: _Waiting[F]) -> Match[F, D]:
        """Return the best match of a frame at this moment."""
        nearest = self._ring.nearest(waiting.stamp_ns)
        if nearest is None:
            return Match(waiting.frame, None, None)
        gap_ns, depth = nearest
        return Match(waiting.frame, depth if gap_ns <= self._max_gap_ns() else None, gap_ns)

    def _patience_s(self) -> float | None:
        """Return how long to sleep until a frame with depth near enough has waited its time."""
        due_s = [
            waiting.until_s for waiting in self._frames if self._match(waiting).depth is not None
        ]
        return max(0.0, min(due_s) - self._clock_s()) if due_s else None
