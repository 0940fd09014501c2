"""What becomes of a frame in the inference thread, with a clock that the test moves."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy")

from std_msgs.msg import Header  # noqa: E402

from ovseg_ros.nodes.frames import IncomingFrame  # noqa: E402
from ovseg_ros.nodes.inference_worker import InferenceWorker  # noqa: E402
from ovseg_ros.nodes.statistics import Fate, Statistics  # noqa: E402
from ovseg_ros.nodes.watchdog import Watchdog  # noqa: E402
from ovseg_ros.segmentation import Segmentation, UInt8Array  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402

pytestmark = pytest.mark.ros
STAMP_NS = 100 * 10**9
LIMIT_MS = 50.0


class Scene:
    """A worker over the embedded default, whose frames grow older while they are decoded."""

    def __init__(self, segmenter: Segmenter, age_before_ms: float, age_after_ms: float) -> None:
        self.now_ns = STAMP_NS + int(age_before_ms * 1e6)
        self._after_ns = STAMP_NS + int(age_after_ms * 1e6)
        self.published: list[IncomingFrame] = []
        self.segmented: list[bool] = []
        self.decoded = threading.Event()
        self.statistics = Statistics()
        self.worker = InferenceWorker(
            segmenter,
            self._publish,
            self.statistics,
            Watchdog(lambda: 0.0, lambda _: pytest.fail("nothing is stuck")),
            on_segmented=lambda *_: self.segmented.append(True),
            now_ns=lambda: self.now_ns,
            max_age_ms=lambda: LIMIT_MS,
            on_rejected=pytest.fail,
            on_failure=lambda error: pytest.fail(str(error)),
            on_late=lambda: pytest.fail("nothing is late"),
        )

    def decode(self) -> UInt8Array:
        self.decoded.set()
        self.now_ns = self._after_ns
        return np.zeros((48, 64, 3), np.uint8)

    def _publish(self, frame: IncomingFrame, image: UInt8Array, result: Segmentation) -> bool:
        self.published.append(frame)
        return True


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
        scene.worker.submit(IncomingFrame(header, time.monotonic_ns(), scene.decode))
        deadline = time.monotonic() + 20
        while scene.statistics.snapshot().last_fate is None and time.monotonic() < deadline:
            time.sleep(0.01)
        scene.worker.stop()
    assert scene.statistics.snapshot().last_fate is fate
    assert len(scene.published) == (fate is Fate.PUBLISHED)
    assert scene.decoded.is_set() is decoded
    assert len(scene.segmented) == decoded, "adapters see frames that are not published as well"
