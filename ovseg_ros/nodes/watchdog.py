"""The watchdog over the engine: notices an inference that does not come back. Knows no ROS."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable

from ovseg_ros.closing import Closing

FIRST_FACTOR = 3.0
USUAL_FACTOR = 10.0
_STEP_S = 0.1
_REMEMBERED = 9


class Patience:
    """How long the call under way has been waited for, and how long it may be waited for.

    Time in which this process did not run is not counted: where two looks are further apart than
    they should be, the process was stopped, or the machine had no time for it. Engines that are
    slow by nature get `USUAL_FACTOR` times what they usually need, and the first call, in which
    some of them still prepare themselves, `FIRST_FACTOR` times the limit.
    """

    def __init__(self, longest_step_s: float) -> None:
        """Start with no call under way; a look counts for `longest_step_s` seconds at most."""
        self._longest_step_s = longest_step_s
        self._usual_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._began_s: float | None = None
        self._looked_s = 0.0
        self.waited_s = 0.0

    def begin(self, now_s: float) -> None:
        """A call begins."""
        self._began_s = self._looked_s = now_s
        self.waited_s = 0.0

    def end(self, now_s: float) -> None:
        """The call came back."""
        if self._began_s is not None:
            self._usual_s.append(now_s - self._began_s)
        self._began_s = None

    def is_over(self, now_s: float, limit_s: float) -> bool:
        """Look at the call under way; say whether it took longer than it may, 0 for any time."""
        if self._began_s is None:
            return False
        self.waited_s += min(now_s - self._looked_s, self._longest_step_s)
        self._looked_s = now_s
        return self.waited_s > self.allowed_s(limit_s)

    def allowed_s(self, limit_s: float) -> float:
        """Return how long the call under way may take where the limit is `limit_s`."""
        if limit_s <= 0:
            return math.inf
        if not self._usual_s:
            return FIRST_FACTOR * limit_s
        return max(limit_s, USUAL_FACTOR * statistics.median(self._usual_s))


class Watchdog(Closing):
    """Watches one thread's calls into native code, which nothing can interrupt.

    The thread says `begin` and `end` around each call. A call that takes too long is given up,
    once and for good: `on_stall(seconds)` is called from the watchdog's own thread, and `end`
    returns False when the call comes back after all.
    """

    def __init__(self, limit_s: Callable[[], float], on_stall: Callable[[float], None]) -> None:
        """Start watching; `limit_s` returns the limit of the moment in seconds, 0 for none."""
        self._limit_s = limit_s
        self._on_stall = on_stall
        self._patience = Patience(longest_step_s=2 * _STEP_S)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._gave_up = False
        self._told = threading.Event()
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    @property
    def gave_up(self) -> bool:
        """Whether a call was given up, and told; it may have come back since."""
        return self._gave_up and self._told.wait()

    def begin(self) -> None:
        """A call begins."""
        with self._lock:
            self._patience.begin(time.monotonic())

    def end(self) -> bool:
        """The call came back; return False where it had been given up, and must do nothing more."""
        with self._lock:
            self._patience.end(time.monotonic())
            return not self._gave_up

    def close(self) -> None:
        """Watch no more."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(_STEP_S):
            limit_s = self._limit_s()
            with self._lock:
                self._gave_up = self._patience.is_over(time.monotonic(), limit_s)
            if self._gave_up:
                try:
                    self._on_stall(self._patience.waited_s)
                finally:
                    self._told.set()
                return
