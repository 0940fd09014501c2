"""The inference thread: takes the newest frames, segments them and hands the results on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ovseg_ros.errors import OvsegError
from ovseg_ros.mailbox import Mailbox
from ovseg_ros.nodes.frames import IncomingFrame
from ovseg_ros.nodes.statistics import Fate, Statistics
from ovseg_ros.nodes.watchdog import Watchdog
from ovseg_ros.segmentation import Segmentation, UInt8Array
from ovseg_ros.segmenter import EVERY_CAMERA, Segmenter


class Camera(Protocol):
    """What the thread knows of a camera, and tells it."""

    name: str
    statistics: Statistics

    def publish(self, frame: IncomingFrame, image: UInt8Array, segmentation: Segmentation) -> bool:
        """Publish what was segmented; return False where the query has changed meanwhile."""

    def reject(self, reason: str) -> None:
        """Take note of the `reason` why a frame could not be used."""


@dataclass(frozen=True)
class _Decoded:
    """A frame of `camera` that is to be segmented under the query of `query_of`."""

    camera: str
    frame: IncomingFrame
    image: UInt8Array
    query_of: str


# What frames must have in common to be segmented together: their size, and whose query they have.
_Kind = tuple[tuple[int, ...], str]

_LOOK_S = 0.05


class GivenUpError(Exception):
    """An inference came back after the watchdog had given it up: nobody waits for it any more."""


class InferenceWorker:
    """Runs inference off the executor's threads, so that queries and status never wait for it.

    Each turn is that of the camera which was served longest ago; with its frame go those of other
    cameras with a fresh frame of the same size and query, in one call, as many as the engine is to
    have. No frame is waited for, and one that is not taken yet is replaced by a newer one of its
    camera.

    `on_segmented(camera, frame, image, segmentation)` is called for every frame that was segmented,
    even if it is not published. `on_failure` is called once, from this thread, with an error that
    no frame can be blamed for; the thread has then stopped.

    An inference that `watchdog` gives up leaves the thread behind, with the engine, which is closed
    here should the inference come back; `on_late` is called after that.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        cameras: Sequence[Camera],
        watchdog: Watchdog,
        *,
        on_segmented: Callable[[str, IncomingFrame, UInt8Array, Segmentation], None],
        now_ns: Callable[[], int],
        max_age_ms: Callable[[], float],
        max_frames: Callable[[], int],
        on_failure: Callable[[Exception], None],
        on_late: Callable[[], None],
    ) -> None:
        """Start the thread; `now_ns` is the ROS time that frames are stamped with.

        `max_frames` is how many may go together at most, 0 for as many as suit the engine.
        """
        self._segmenter = segmenter
        self._cameras = {camera.name: camera for camera in cameras}
        self._watchdog = watchdog
        self._on_segmented = on_segmented
        self._now_ns = now_ns
        self._max_age_ms = max_age_ms
        self._max_frames = max_frames
        self._on_failure = on_failure
        self._on_late = on_late
        self._sizes: dict[str, tuple[int, ...]] = {}
        self._under_way: set[str] = set()
        self._mailbox: Mailbox[IncomingFrame] = Mailbox()
        self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
        self._thread.start()

    def submit(self, camera: str, frame: IncomingFrame) -> None:
        """Leave a `frame` of `camera`, in place of one that the thread has not taken yet."""
        statistics = self._cameras[camera].statistics
        statistics.note_received()
        if self._mailbox.put(frame, camera):
            statistics.count(Fate.REPLACED)

    @property
    def stuck(self) -> bool:
        """Whether the thread is still inside an inference that was given up."""
        return self._watchdog.gave_up and self._thread.is_alive()

    def stop(self) -> bool:
        """Finish the frames in progress, drop those that wait, and end the thread.

        Return False where the watchdog gives those up: the engine then belongs to the thread.
        """
        for camera in self._mailbox.close():
            self._cameras[camera].statistics.count(Fate.REPLACED)
        while self._thread.is_alive() and not self._watchdog.gave_up:
            self._thread.join(_LOOK_S)
        return not self._watchdog.gave_up

    def _run(self) -> None:
        try:
            while taken := self._mailbox.take_some(self._choose):
                self._process(taken)
        except GivenUpError:
            self._segmenter.close()
            self._on_late()
        except Exception as error:  # the end of this thread: handed to the node, which stops
            for camera in tuple(self._under_way):
                self._count(camera, Fate.REJECTED)
            self._on_failure(error)

    def _choose(self, waiting: Sequence[str]) -> Sequence[str]:
        first, *others = waiting
        wanted = self._kind_of(first)
        together = [camera for camera in others if wanted and self._kind_of(camera) == wanted]
        capabilities = self._segmenter.backend.capabilities
        most = min(self._max_frames() or capabilities.best_frames, capabilities.most_frames)
        return [first, *together][:most]

    def _kind_of(self, camera: str) -> _Kind | None:
        """Return the kind that a frame of `camera` has unless it changes; None before the first."""
        if camera not in self._sizes:
            return None
        return self._sizes[camera], self._query_of(camera)

    def _query_of(self, camera: str) -> str:
        return camera if self._segmenter.has_own_query(camera) else EVERY_CAMERA

    def _process(self, taken: Mapping[str, IncomingFrame]) -> None:
        self._under_way.update(taken)
        tried = [self._decode(camera, frame) for camera, frame in taken.items()]
        decoded = [each for each in tried if each is not None]
        for query_of in dict.fromkeys(each.query_of for each in decoded):
            self._segment([each for each in decoded if each.query_of == query_of])

    def _decode(self, camera: str, frame: IncomingFrame) -> _Decoded | None:
        if self._is_stale(frame):
            self._count(camera, Fate.STALE)
            return None
        try:
            image = frame.decode()
        except OvsegError as error:
            self._reject(camera, error)
            return None
        self._sizes[camera] = image.shape
        return _Decoded(camera, frame, image, self._query_of(camera))

    def _segment(self, frames: Sequence[_Decoded]) -> None:
        """Segment frames under one query."""
        try:
            found = self._infer(frames)
        except OvsegError as error:
            if len(frames) == 1:
                self._reject(frames[0].camera, error)
            else:
                # Only those at fault are to be refused.
                for each in frames:
                    self._segment([each])
            return
        for each, segmentation in zip(frames, found, strict=True):
            self._count(each.camera, self._hand_on(each, segmentation))

    def _infer(self, frames: Sequence[_Decoded]) -> tuple[Segmentation, ...]:
        self._watchdog.begin()
        try:
            images = [each.image for each in frames]
            return self._segmenter.infer_batch(images, frames[0].query_of)
        finally:
            if not self._watchdog.end():
                raise GivenUpError

    def _hand_on(self, done: _Decoded, segmentation: Segmentation) -> Fate:
        frame, image = done.frame, done.image
        self._on_segmented(done.camera, frame, image, segmentation)
        if self._is_stale(frame):
            return Fate.STALE
        # By its revision alone, a common query could pass for the newest one of this camera.
        if self._query_of(done.camera) != done.query_of:
            return Fate.SUPERSEDED
        camera = self._cameras[done.camera]
        if not camera.publish(frame, image, segmentation):
            return Fate.SUPERSEDED
        latency_ms = (time.monotonic_ns() - frame.arrival_ns) / 1e6
        inference_ms = segmentation.timings.inference_ms
        camera.statistics.note_times(self._age_ms(frame), latency_ms, inference_ms)
        return Fate.PUBLISHED

    def _reject(self, camera: str, error: OvsegError) -> None:
        self._cameras[camera].reject(str(error))
        self._count(camera, Fate.REJECTED)

    def _count(self, camera: str, fate: Fate) -> None:
        self._under_way.discard(camera)
        self._cameras[camera].statistics.count(fate)

    def _is_stale(self, frame: IncomingFrame) -> bool:
        age_ms, limit_ms = self._age_ms(frame), self._max_age_ms()
        return age_ms is not None and 0 < limit_ms < age_ms

    def _age_ms(self, frame: IncomingFrame) -> float | None:
        now_ns = self._now_ns()
        # A driver that sets no stamps, or simulated time that has not begun.
        if not (frame.stamp_ns and now_ns):
            return None
        return (now_ns - frame.stamp_ns) / 1e6
