"""The thread that spins an executor, while the main thread waits for the request to stop."""

from __future__ import annotations

import contextlib
import threading

from rclpy.exceptions import InvalidHandle
from rclpy.executors import Executor

from ovseg_ros.nodes.stop_signals import StopRequest


class Spinner(threading.Thread):
    """Spins the executor, while the main thread waits for the request to stop."""

    def __init__(self, executor: Executor, stop: StopRequest) -> None:
        """Spin until there is a request to `stop`, which is made here when a callback raises."""
        super().__init__(name="executor")
        self._executor = executor
        self._request = stop
        self.failed = False

    def run(self) -> None:
        """Spin until a stop is asked for; an error in a callback ends the process with 1."""
        try:
            while not self._request:
                # A transition destroys topics and services while this thread lists them for the
                # next wait. rclpy skips a destroyed one but for its QoS events, which raise; the
                # next round no longer lists them.
                with contextlib.suppress(InvalidHandle):
                    self._executor.spin_once()
        except BaseException:
            self.failed = True
            raise
        finally:
            self._request.make()
