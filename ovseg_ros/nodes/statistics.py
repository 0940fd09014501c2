"""What became of the frames, and how long they took: counters and rolling percentiles."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

WINDOW_S = 5.0


class Fate(Enum):
    """What can become of a frame that was received while somebody wanted the result."""

    PUBLISHED = "published"
    REPLACED = "replaced"
    STALE = "stale"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Percentiles:
    """Percentiles over the window, in the unit of what was recorded; NaN where nothing was."""

    p50: float = math.nan
    p95: float = math.nan
    p99: float = math.nan


class RollingWindow:
    """The values of the last `window_s` seconds. Not safe to share between threads."""

    def __init__(self, clock_s: Callable[[], float], window_s: float = WINDOW_S) -> None:
        """Start empty; `clock_s` returns a monotonic time in seconds."""
        self._clock_s = clock_s
        self._window_s = window_s
        self._values: deque[tuple[float, float]] = deque()

    def add(self, value: float) -> None:
        """Record `value` now."""
        self._values.append((self._clock_s(), value))
        self._forget()

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()

    def percentiles(self) -> Percentiles:
        """Return the percentiles of the values in the window."""
        self._forget()
        if not self._values:
            return Percentiles()
        found = np.percentile([value for _, value in self._values], (50, 95, 99))
        return Percentiles(*(float(value) for value in found))

    def rate_hz(self) -> float:
        """Return how many values came per second; NaN while there were fewer than two."""
        self._forget()
        if len(self._values) < 2:
            return math.nan
        # Until now, not until the last value: the rate of a source that stopped goes down.
        span_s = max(self._clock_s() - self._values[0][0], 1e-9)
        return (len(self._values) - 1) / span_s

    def _forget(self) -> None:
        oldest_s = self._clock_s() - self._window_s
        while self._values and self._values[0][0] < oldest_s:
            self._values.popleft()


@dataclass(frozen=True)
class Snapshot:
    """The statistics at one moment. Times in milliseconds cover the last `WINDOW_S` seconds.

    `silence_s` is the time since the last image arrived, wanted or not, or since the node began to
    listen; None while it does not listen.
    `last_error` is the latest refusal in words; `last_fate` what became of the latest frame.
    """

    received: int
    fates: dict[Fate, int]
    rate_hz: float
    input_rate_hz: float
    age_ms: Percentiles
    latency_ms: Percentiles
    inference_ms: Percentiles
    silence_s: float | None
    stamps_backwards: int
    last_error: str
    last_fate: Fate | None


class Statistics:
    """Counts and times of a node, or of one of its cameras. Safe to call from several threads.

    What is told to a part is told to the whole as well.
    """

    def __init__(
        self, clock_s: Callable[[], float] = time.monotonic, whole: Statistics | None = None
    ) -> None:
        """Start at zero; `clock_s` returns a monotonic time in seconds."""
        self._clock_s = clock_s
        self._whole = whole
        self._parts: dict[str, Statistics] = {}
        self._lock = threading.Lock()
        self._last_error = ""
        self._last_fate: Fate | None = None
        self._silent_since_s: float | None = None
        self._clear()

    def part(self, name: str) -> Statistics:
        """Return the statistics of the camera `name`, which begin with the first call of this."""
        with self._lock:
            if name not in self._parts:
                self._parts[name] = Statistics(self._clock_s, self)
            return self._parts[name]

    def reset(self) -> None:
        """Start at zero again, the last error apart, and without parts."""
        with self._lock:
            self._parts = {}
            self._clear()

    def listen(self, listening: bool) -> None:
        """Note that the node began or ceased to listen for images."""
        with self._lock:
            self._silent_since_s = self._clock_s() if listening else None
        if self._whole:
            self._whole.listen(listening)

    def note_arrival(self) -> None:
        """Note that an image arrived, whether or not anybody wants its segmentation."""
        with self._lock:
            self._arrivals.add(0.0)
            self._silent_since_s = self._clock_s()
        if self._whole:
            self._whole.note_arrival()

    def note_received(self) -> None:
        """Note that a frame was accepted for segmentation; one `count` will follow for it."""
        with self._lock:
            self._received += 1
        if self._whole:
            self._whole.note_received()

    def note_stamp_backwards(self) -> None:
        """Note a stamp older than the one before: ages before and after do not compare."""
        with self._lock:
            self._stamps_backwards += 1
            self._age_ms.clear()
        if self._whole:
            self._whole.note_stamp_backwards()

    def note_error(self, sentence: str) -> None:
        """Keep `sentence` as the latest error or refusal."""
        with self._lock:
            self._last_error = sentence
        if self._whole:
            self._whole.note_error(sentence)

    def count(self, fate: Fate) -> None:
        """Note that a received frame met its `fate`."""
        with self._lock:
            self._fates[fate] += 1
            self._last_fate = fate
        if self._whole:
            self._whole.count(fate)

    def note_times(self, age_ms: float | None, latency_ms: float, inference_ms: float) -> None:
        """Record the times of a published frame; `age_ms` None where it carried no stamp."""
        with self._lock:
            if age_ms is not None:
                self._age_ms.add(age_ms)
            self._latency_ms.add(latency_ms)
            self._inference_ms.add(inference_ms)
        if self._whole:
            self._whole.note_times(age_ms, latency_ms, inference_ms)

    def snapshot(self) -> Snapshot:
        """Return the statistics of this moment."""
        with self._lock:
            silent_since_s = self._silent_since_s
            return Snapshot(
                received=self._received,
                fates={fate: self._fates[fate] for fate in Fate},
                rate_hz=self._latency_ms.rate_hz(),
                input_rate_hz=self._arrivals.rate_hz(),
                age_ms=self._age_ms.percentiles(),
                latency_ms=self._latency_ms.percentiles(),
                inference_ms=self._inference_ms.percentiles(),
                silence_s=None if silent_since_s is None else self._clock_s() - silent_since_s,
                stamps_backwards=self._stamps_backwards,
                last_error=self._last_error,
                last_fate=self._last_fate,
            )

    def _clear(self) -> None:
        self._received = 0
        self._fates: Counter[Fate] = Counter()
        self._last_fate = None
        self._stamps_backwards = 0
        self._silent_since_s = None
        self._arrivals = RollingWindow(self._clock_s)
        self._age_ms = RollingWindow(self._clock_s)
        self._latency_ms = RollingWindow(self._clock_s)
        self._inference_ms = RollingWindow(self._clock_s)
