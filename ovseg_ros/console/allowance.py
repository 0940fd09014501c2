"""How much a client may send: a bucket that fills up at a steady rate."""

from __future__ import annotations

import time
from collections.abc import Callable


class Allowance:
    """`rate_hz` messages a second in the long run, `burst` of them at once."""

    def __init__(
        self, rate_hz: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start full; `clock` gives seconds."""
        self._rate_hz = rate_hz
        self._burst = float(burst)
        self._clock = clock
        self._left = float(burst)
        self._last_s = clock()

    def spend(self) -> bool:
        """Take one message off; False where there is none left."""
        now_s = self._clock()
        self._left = min(self._burst, self._left + (now_s - self._last_s) * self._rate_hz)
        self._last_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
