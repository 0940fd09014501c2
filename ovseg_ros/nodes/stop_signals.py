"""SIGINT and SIGTERM as a request to stop that a thread can wait for.

The kernel may hand a signal to any thread, but Python runs its handler in the main one only. A main
thread in `threading.Event.wait` sleeps through a signal that another thread got, and a handler that
sets the event can deadlock with the wait for it. A pipe has neither flaw.
"""

from __future__ import annotations

import os
import select
import signal


class StopRequest:
    """Made by SIGINT, by SIGTERM or by `make`, and never taken back.

    rclpy's own handlers would take the ROS context away from under a transition or a publish that
    is under way, so a process that uses this one starts rclpy without them.
    """

    def __init__(self) -> None:
        """Install the handlers, for the rest of the process; only the main thread may."""
        # Nothing is ever read: what is in the pipe stays there, and with it the request.
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)

    def make(self) -> None:
        """Ask to stop, from any thread."""
        os.write(self._writing, b"\0")

    def wait(self, timeout_s: float | None = None) -> bool:
        """Return whether a stop was asked for, as soon as it is or after `timeout_s`."""
        ready, _, _ = select.select([self._reading], [], [], timeout_s)
        return bool(ready)

    def __bool__(self) -> bool:
        """Whether a stop was asked for."""
        return self.wait(0.0)
