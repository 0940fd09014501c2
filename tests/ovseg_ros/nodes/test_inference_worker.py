"""What becomes of frames in the inference thread: their age, their turn, their company."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from std_msgs.msg import Header  # noqa: E402

from ovseg_ros.adapters.mix import AdapterMix  # noqa: E402
from ovseg_ros.closing import Closing  # noqa: E402
from ovseg_ros.errors import FrameError  # noqa: E402
from ovseg_ros.nodes.frames import IncomingFrame  # noqa: E402
from ovseg_ros.nodes.inference_worker import InferenceWorker  # noqa: E402
from ovseg_ros.nodes.statistics import Fate, Statistics  # noqa: E402
from ovseg_ros.nodes.watchdog import Watchdog  # noqa: E402
from ovseg_ros.segmentation import Segmentation, Timings, UInt8Array  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402
from ovseg_ros.vocabulary import Vocabulary  # noqa: E402

pytestmark = pytest.mark.ros
STAMP_NS = 100 * 10**9
LIMIT_MS = 50.0
SMALL, LARGE = (4, 6, 3), (8, 6, 3)


@dataclass
class FakeCamera:
    """A camera whose masks are kept."""

    name: str
    statistics: Statistics = field(default_factory=Statistics)
    masks: list[Segmentation] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def publish(self, frame: IncomingFrame, image: UInt8Array, segmentation: Segmentation) -> bool:
        self.masks.append(segmentation)
        return True

    def reject(self, reason: str) -> None:
        self.reasons.append(reason)

    @property
    def fates(self) -> dict[str, int]:
        fates = self.statistics.snapshot().fates
        return {fate.value: count for fate, count in fates.items() if count}


class FakeSegmenter:
    """Segments nothing, in steps that the test allows, and knows who came together."""

    def __init__(self, most_frames: int, best_frames: int) -> None:
        self.backend = SimpleNamespace(
            capabilities=SimpleNamespace(most_frames=most_frames, best_frames=best_frames)
        )
        self.own: set[str] = set()
        self.calls: list[tuple[tuple[int, ...], str]] = []
        self.entered = 0
        self.steps: Any = None
        self.during: Callable[[], None] = lambda: None

    def has_own_query(self, camera: str) -> bool:
        return camera in self.own

    def infer_batch(self, images: list[UInt8Array], camera: str) -> tuple[Segmentation, ...]:
        """Frames say by their first pixel whose they are; 255 cannot be segmented."""
        self.entered += 1
        if self.steps is not None:
            assert self.steps.acquire(timeout=20)
        self.during()
        marks = tuple(int(image[0, 0, 0]) for image in images)
        self.calls.append((marks, camera))
        if 255 in marks:
            raise FrameError("no such frame")
        nothing = np.zeros((2, 2), np.uint8)
        vocabulary, timings = Vocabulary(1, ()), Timings(1.0, 1.0)
        return tuple(
            Segmentation(nothing, nothing, np.zeros(1), vocabulary, AdapterMix(), timings)
            for _ in images
        )


class Rig(Closing):
    """A worker over the fake segmenter with cameras called 1, 2, ..."""

    def __init__(
        self, cameras: int, most_frames: int, max_frames: int = 16, best_frames: int = 1
    ) -> None:
        self.segmenter = FakeSegmenter(most_frames, best_frames)
        self.cameras = [FakeCamera(str(number + 1)) for number in range(cameras)]
        self.failures: list[Exception] = []
        self.worker = InferenceWorker(
            self.segmenter,  # type: ignore[arg-type]
            self.cameras,
            Watchdog(lambda: 0.0, lambda _: pytest.fail("nothing is stuck")),
            on_segmented=lambda *_: None,
            now_ns=lambda: 0,
            max_age_ms=lambda: 0.0,
            max_frames=lambda: max_frames,
            on_failure=self.failures.append,
            on_late=lambda: pytest.fail("nothing is late"),
        )

    def send(
        self, number: int, shape: tuple[int, ...] = SMALL, decode: Callable[[], Any] | None = None
    ) -> None:
        image = np.full(shape, number, np.uint8)
        frame = IncomingFrame(Header(), time.monotonic_ns(), decode or (lambda: image))
        self.worker.submit(str(number), frame)

    def hold(self) -> None:
        """From now on, the worker waits for `allow` in each call; known sizes are kept."""
        self.segmenter.calls.clear()
        self.segmenter.entered = 0
        self.segmenter.steps = threading.Semaphore(0)

    def send_and_enter(self, number: int) -> None:
        """Send a frame, and let it alone into the engine."""
        self.send(number)
        self.wait(lambda: self.segmenter.entered)

    def allow(self, calls: int) -> None:
        """Let so many calls of the engine end, and wait for them."""
        wanted = len(self.segmenter.calls) + calls
        self.segmenter.steps.release(calls)
        self.wait(lambda: len(self.segmenter.calls) >= wanted)

    def know(self, *shapes: tuple[int, ...]) -> None:
        """Let every camera show one frame, so that the worker knows their sizes."""
        for camera, shape in zip(self.cameras, shapes, strict=True):
            self.send(int(camera.name), shape)
            self.wait(lambda camera=camera: camera.masks)

    def wait(self, done: Callable[[], object]) -> None:
        deadline = time.monotonic() + 20
        while not done():
            assert time.monotonic() < deadline, self.segmenter.calls
            time.sleep(0.001)

    def close(self) -> None:
        if self.segmenter.steps is not None:
            self.segmenter.steps.release(100)
        self.worker.stop()


@dataclass
class Scene:
    """A worker over the embedded default, whose frames grow older while they are decoded."""

    segmenter: Segmenter
    age_before_ms: float
    age_after_ms: float

    def __post_init__(self) -> None:
        self.now_ns = STAMP_NS + int(self.age_before_ms * 1e6)
        self.segmented: list[str] = []
        self.decoded = threading.Event()
        self.camera = FakeCamera("")
        self.worker = InferenceWorker(
            self.segmenter,
            [self.camera],
            Watchdog(lambda: 0.0, lambda _: pytest.fail("nothing is stuck")),
            on_segmented=lambda camera, *_: self.segmented.append(camera),
            now_ns=lambda: self.now_ns,
            max_age_ms=lambda: LIMIT_MS,
            max_frames=lambda: 16,
            on_failure=lambda error: pytest.fail(str(error)),
            on_late=lambda: pytest.fail("nothing is late"),
        )

    def decode(self) -> UInt8Array:
        self.decoded.set()
        self.now_ns = STAMP_NS + int(self.age_after_ms * 1e6)
        return np.zeros((48, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("before_ms", "after_ms", "fate", "decoded"),
    [
        pytest.param(10, 40, Fate.PUBLISHED, True, id="young"),
        pytest.param(60, 60, Fate.STALE, False, id="old-on-arrival"),
        pytest.param(10, 60, Fate.STALE, True, id="grew-old-in-inference"),
    ],
)
def test_no_mask_of_a_frame_beyond_the_limit_is_published(
    tiny_package: Path, before_ms: float, after_ms: float, fate: Fate, decoded: bool
) -> None:
    with Segmenter.open(tiny_package, "road; car") as segmenter:
        scene = Scene(segmenter, before_ms, after_ms)
        header = Header()
        header.stamp.sec = STAMP_NS // 10**9
        scene.worker.submit("", IncomingFrame(header, time.monotonic_ns(), scene.decode))
        deadline = time.monotonic() + 20
        while not scene.camera.fates and time.monotonic() < deadline:
            time.sleep(0.01)
        scene.worker.stop()
    assert scene.camera.fates == {fate.value: 1}
    assert len(scene.camera.masks) == (fate is Fate.PUBLISHED)
    assert scene.decoded.is_set() is decoded
    assert len(scene.segmented) == decoded, "adapters see frames that are not published as well"


def test_fresh_frames_of_one_size_and_query_go_together() -> None:
    with Rig(cameras=5, most_frames=4) as rig:
        rig.know(SMALL, SMALL, LARGE, SMALL, LARGE)
        rig.segmenter.own = {"4"}
        rig.hold()
        rig.send_and_enter(1)
        for number, shape in ((1, SMALL), (2, SMALL), (3, LARGE), (4, SMALL), (5, LARGE)):
            rig.send(number, shape)
        rig.allow(4)
    assert rig.segmenter.calls == [((1,), ""), ((2, 1), ""), ((3, 5), ""), ((4,), "4")]


@pytest.mark.parametrize(
    ("takes", "suits", "allowed", "together"),
    [
        pytest.param(1, 1, 16, 1, id="the engine takes one"),
        pytest.param(16, 16, 1, 1, id="the user wants one"),
        pytest.param(16, 1, 0, 1, id="one suits the engine"),
        pytest.param(16, 16, 0, 3, id="all suit the engine"),
        pytest.param(16, 1, 2, 2, id="the user wants two"),
    ],
)
def test_so_many_go_together_as_engine_and_user_want(
    takes: int, suits: int, allowed: int, together: int
) -> None:
    with Rig(cameras=4, most_frames=takes, max_frames=allowed, best_frames=suits) as rig:
        rig.know(SMALL, SMALL, SMALL, SMALL)
        rig.hold()
        rig.send_and_enter(4)
        for number in (1, 2, 3):
            rig.send(number)
        rig.allow(1 + math.ceil(3 / together))
    assert rig.segmenter.calls[1] == ((1, 2, 3)[:together], "")
    assert sorted(mark for marks, _ in rig.segmenter.calls for mark in marks) == [1, 2, 3, 4]


def test_a_fast_camera_never_starves_a_slow_one() -> None:
    """Camera 1 sends ten frames for each call of the engine, the others one for each round."""
    rounds = 20
    with Rig(cameras=3, most_frames=1) as rig:
        rig.know(SMALL, SMALL, SMALL)
        rig.hold()
        for _ in range(rounds):
            rig.send(2)
            rig.send(3)
            for _ in range(3):
                for _ in range(10):
                    rig.send(1)
                rig.allow(1)
        shares = [sum(call == (n,) for call, _ in rig.segmenter.calls) for n in (1, 2, 3)]
    assert all(abs(share - rounds) <= 1 for share in shares), shares
    fast, *slow = rig.cameras
    assert fast.fates["replaced"] > 8 * rounds
    assert all(camera.fates.get("replaced", 0) <= 1 for camera in slow)
    for camera in rig.cameras:
        snapshot = camera.statistics.snapshot()
        assert snapshot.received == sum(snapshot.fates.values()), camera.name


def test_one_bad_frame_does_not_spoil_the_others() -> None:
    def broken() -> UInt8Array:
        raise FrameError("half a JPEG")

    with Rig(cameras=4, most_frames=16) as rig:
        rig.know(SMALL, SMALL, SMALL, SMALL)
        rig.hold()
        rig.send_and_enter(4)
        rig.send(1, decode=broken)
        rig.send(2, decode=lambda: np.full(SMALL, 255, np.uint8))
        rig.send(3)
        rig.allow(4)
    assert [call for call, _ in rig.segmenter.calls] == [(4,), (255, 3), (255,), (3,)]
    assert [camera.reasons for camera in rig.cameras] == [
        ["half a JPEG"],
        ["no such frame"],
        [],
        [],
    ]
    assert rig.cameras[1].fates == {"published": 1, "rejected": 1}
    assert rig.cameras[2].fates == {"published": 2}


def test_a_query_of_its_own_that_came_during_inference_supersedes_the_frame() -> None:
    """The common one may be the newest by its revision, and is still not that of the camera."""
    with Rig(cameras=3, most_frames=16) as rig:
        rig.know(SMALL, SMALL, SMALL)
        rig.hold()
        rig.send_and_enter(3)
        rig.send(1)
        rig.send(2)
        rig.allow(1)
        rig.wait(lambda: rig.segmenter.entered == 2)
        rig.segmenter.during = lambda: rig.segmenter.own.add("2")
        rig.allow(1)
    assert rig.segmenter.calls[1] == ((1, 2), "")
    assert rig.cameras[0].fates == {"published": 2}
    assert rig.cameras[1].fates == {"published": 1, "superseded": 1}


def test_an_engine_that_fails_ends_the_thread_and_every_frame_is_counted() -> None:
    def fail() -> None:
        raise RuntimeError("the engine broke")

    with Rig(cameras=2, most_frames=16) as rig:
        rig.know(SMALL, SMALL)
        rig.segmenter.during = fail
        rig.send(1)
        rig.wait(lambda: rig.failures)
        rig.send(2)
    assert [str(error) for error in rig.failures] == ["the engine broke"]
    assert rig.cameras[0].fates == {"published": 1, "rejected": 1}
    assert rig.cameras[1].fates == {"published": 1, "replaced": 1}
