"""The thread that encodes frames: once for all viewers, and only when one would show it at once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable

from ovseg_ros.closing import Closing
from ovseg_ros.console.hub import Hub, News
from ovseg_ros.console.wire import encode_moment
from ovseg_ros.errors import FrameError

_LOOK_S = 0.5
_JOIN_TIMEOUT_S = 5.0


class EncoderThread(Closing):
    """Takes moments out of the hub and puts messages in, at most `rate_hz` a second."""

    def __init__(
        self,
        hub: Hub,
        rate_hz: float,
        on_refused: Callable[[str], object],
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Start; `on_refused` is told why a frame cannot be shown, `on_end` that it is over."""
        self._hub = hub
        self._period_s = 1.0 / rate_hz
        self._on_refused = on_refused
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, name="console encoder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close the hub and wait for the thread."""
        self._hub.close()
        self._thread.join(_JOIN_TIMEOUT_S)

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._encode()
        finally:
            self._on_end()

    def _encode(self) -> None:
        numbers = itertools.count(1)
        due_s = 0.0
        while not self._hub.closed:
            time.sleep(max(0.0, due_s - time.monotonic()))
            if not self._hub.wait_for_demand(_LOOK_S):
                continue
            moment = self._hub.moments.take(_LOOK_S)
            if moment is None:
                continue
            # Counted from when it was due: a camera of this very rate is not halved.
            due_s = max(due_s + self._period_s, time.monotonic())
            try:
                labels = self._hub.latest(News.LABELS)
                self._hub.show(encode_moment(next(numbers), moment, labels, time.time_ns() / 1e6))
            except FrameError as error:
                self._on_refused(str(error))
