"""The inference thread: takes the newest frame, segments it and hands the result on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ovseg_ros.errors import OvsegError
from ovseg_ros.mailbox import Mailbox
from ovseg_ros.nodes.frames import IncomingFrame
from ovseg_ros.nodes.statistics import Fate, Statistics
from ovseg_ros.nodes.watchdog import Watchdog
from ovseg_ros.segmentation import Segmentation, UInt8Array
from ovseg_ros.segmenter import Segmenter

_LOOK_S = 0.05


class GivenUpError(Exception):
    """An inference came back after the watchdog had given it up: nobody waits for it any more."""


class InferenceWorker:
    """Runs inference off the executor's threads, so that queries and status never wait for it.

    `on_segmented(frame, image, segmentation)` is called for every frame that was segmented, even
    if it is not published; `publish(frame, image, segmentation)` returns False where the query
    changed meanwhile;
    `on_rejected` is called with the reason why a frame could not be used.
    `on_failure` is called once, from this thread, with an error that no frame can be blamed for;
    the thread has then stopped.
    An inference that `watchdog` gives up leaves the thread behind, with the engine, which is closed
    here should the inference come back; `on_late` is called after that.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        publish: Callable[[IncomingFrame, UInt8Array, Segmentation], bool],
        statistics: Statistics,
        watchdog: Watchdog,
        *,
        on_segmented: Callable[[IncomingFrame, UInt8Array, Segmentation], None],
        now_ns: Callable[[], int],
        max_age_ms: Callable[[], float],
        on_rejected: Callable[[str], None],
        on_failure: Callable[[Exception], None],
        on_late: Callable[[], None],
    ) -> None:
        """Start the thread; `now_ns` is the ROS time that frames are stamped with."""
        self._segmenter = segmenter
        self._publish = publish
        self._statistics = statistics
        self._watchdog = watchdog
        self._on_segmented = on_segmented
        self._now_ns = now_ns
        self._max_age_ms = max_age_ms
        self._on_rejected = on_rejected
        self._on_failure = on_failure
        self._on_late = on_late
        self._mailbox: Mailbox[IncomingFrame] = Mailbox()
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    def submit(self, frame: IncomingFrame) -> None:
        """Leave `frame` for the thread, in place of one that it has not taken yet."""
        self._statistics.note_received()
        if self._mailbox.put(frame):
            self._statistics.count(Fate.REPLACED)

    @property
    def stuck(self) -> bool:
        """Whether the thread is still inside an inference that was given up."""
        return self._watchdog.gave_up and self._thread.is_alive()

    def stop(self) -> bool:
        """Finish the frame in progress, drop the one that waits, and end the thread.

        Return False where the watchdog gives that frame up: the engine then belongs to the thread.
        """
        if self._mailbox.close():
            self._statistics.count(Fate.REPLACED)
        while self._thread.is_alive() and not self._watchdog.gave_up:
            self._thread.join(_LOOK_S)
        return not self._watchdog.gave_up

    def _run(self) -> None:
        try:
            while (frame := self._mailbox.take()) is not None:
                self._statistics.count(self._process(frame))
        except GivenUpError:
            self._segmenter.close()
            self._on_late()
        except Exception as error:  # the end of this thread: handed to the node, which stops
            self._statistics.count(Fate.REJECTED)
            self._on_failure(error)

    def _process(self, frame: IncomingFrame) -> Fate:
        if self._is_stale(frame):
            return Fate.STALE
        try:
            image = frame.decode()
            segmentation = self._infer(image)
        except OvsegError as error:
            self._on_rejected(str(error))
            return Fate.REJECTED
        self._on_segmented(frame, image, segmentation)
        if self._is_stale(frame):
            return Fate.STALE
        if not self._publish(frame, image, segmentation):
            return Fate.SUPERSEDED
        self._note_times(frame, segmentation)
        return Fate.PUBLISHED

    def _infer(self, image: UInt8Array) -> Segmentation:
        self._watchdog.begin()
        try:
            return self._segmenter.infer(image)
        finally:
            if not self._watchdog.end():
                raise GivenUpError

    def _is_stale(self, frame: IncomingFrame) -> bool:
        age_ms, limit_ms = self._age_ms(frame), self._max_age_ms()
        return age_ms is not None and 0 < limit_ms < age_ms

    def _age_ms(self, frame: IncomingFrame) -> float | None:
        now_ns = self._now_ns()
        # A driver that sets no stamps, or simulated time that has not begun.
        if not (frame.stamp_ns and now_ns):
            return None
        return (now_ns - frame.stamp_ns) / 1e6

    def _note_times(self, frame: IncomingFrame, segmentation: Segmentation) -> None:
        latency_ms = (time.monotonic_ns() - frame.arrival_ns) / 1e6
        inference_ms = segmentation.timings.inference_ms
        self._statistics.note_times(self._age_ms(frame), latency_ms, inference_ms)
