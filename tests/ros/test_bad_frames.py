"""Frames that cannot be used are refused with a reason, and the next good one is segmented."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from ros_driver import RELIABLE, Driver, byte_array  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

FATES = ("published", "replaced", "stale", "superseded", "rejected")


@pytest.fixture(autouse=True)
def masks(node: Driver) -> list[Image]:
    """Somebody wants masks; otherwise no frame would be looked at."""
    return node.subscribe(Image, "label_mask")


def changed(**fields: object) -> Callable[[Image], None]:
    """Return a function that sets fields of a message."""

    def change(message: Image) -> None:
        for name, value in fields.items():
            setattr(message, name, value)

    return change


def cut_off(message: Image) -> None:
    message.data = message.data[:1000]


BAD_FRAMES = {
    "step shorter than a row": (changed(step=100), "has step 100"),
    "step of zero": (changed(step=0), "has step 0"),
    "step longer than the data": (changed(step=2000), "has 230400 bytes of data"),
    "short data": (cut_off, "has 1000 bytes of data; 230400 were wanted"),
    "no data": (changed(data=byte_array(b"")), "has 0 bytes of data"),
    "zero width": (changed(width=0), "0x240 px"),
    "zero height": (changed(height=0), "320x0 px"),
    "unknown encoding": (changed(encoding="rgb9"), "encoding 'rgb9'; the encodings are rgb8, bgr8"),
    "no encoding": (changed(encoding=""), "encoding ''"),
    "huge encoding name": (changed(encoding="x" * 100_000), "encoding 'xxxx"),
    "absurd width": (changed(width=2**31), "2147483648x240 px; sides from 1 to 8192"),
    "absurd height": (changed(height=8193), "320x8193 px; sides from 1 to 8192"),
    "odd width in yuv": (changed(width=319, encoding="yuv422_yuy2"), "blocks of 2x1 px"),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
def test_a_bad_frame_is_refused_with_a_reason(
    node: Driver, picture: np.ndarray, masks: list[Image], case: str
) -> None:
    change, phrase = BAD_FRAMES[case]
    before = node.status().rejected

    def publish_bad() -> bool:
        message = node.image(picture)
        change(message)
        node.camera.publish(message)
        node.spin_for(0.05)
        return node.status().rejected > before

    node.wait_for_camera()
    node.wait(publish_bad, "a rejected frame")
    status = node.status()
    assert phrase in status.last_error
    assert len(status.last_error) < 600, "a reason, not a dump"
    node.answers(lambda: node.image(picture), masks)


def test_the_size_may_change_from_frame_to_frame(node: Driver, masks: list[Image]) -> None:
    rng = np.random.default_rng(0)
    for width, height in ((320, 240), (641, 479), (64, 48), (1280, 720), (1, 1), (320, 240)):
        pixels = rng.integers(0, 255, (height, width, 3), dtype=np.uint8)
        mask = node.answers(lambda pixels=pixels: node.image(pixels), masks)
        assert (mask.width, mask.height, mask.step) == (width, height, width)


def test_stamps_may_go_backwards(node: Driver, picture: np.ndarray, masks: list[Image]) -> None:
    diagnostics: list[DiagnosticArray] = []
    node.node.create_subscription(DiagnosticArray, "/diagnostics", diagnostics.append, RELIABLE)
    for _ in range(5):
        node.answers(lambda: node.image(picture), masks)

    def from_an_hour_ago() -> Image:
        message = node.image(picture)
        message.header.stamp.sec -= 3600
        return message

    node.answers(from_an_hour_ago, masks)
    # The five frames before would hold the median down if ages were not measured anew.
    node.wait_for_status(lambda s: s.age_p50_ms > 3.5e6, "the ages of the old stamps alone")
    node.answers(lambda: node.image(picture), masks)
    node.answers(from_an_hour_ago, masks)
    assert node.target.log.count("went back by") == 1, "said once"
    node.wait(
        lambda: any(
            value.key == "stamps backwards" and int(value.value) >= 2
            for message in diagnostics
            for part in message.status
            for value in part.values
        ),
        "the count in the diagnostics",
    )


def test_old_frames_are_dropped_on_request(
    node: Driver, picture: np.ndarray, masks: list[Image]
) -> None:
    assert node.set_parameters(input__max_age_ms=1000.0) == [""]
    before = node.status()

    def publish_old() -> bool:
        message = node.image(picture)
        message.header.stamp.sec -= 10
        node.camera.publish(message)
        return node.status().stale > before.stale

    node.wait(publish_old, "a stale frame")
    assert node.status().published == before.published
    assert node.set_parameters(input__max_age_ms=0.0) == [""]
    node.answers(lambda: node.image(picture), masks)


def test_a_frame_without_a_stamp_is_not_old(
    node: Driver, picture: np.ndarray, masks: list[Image]
) -> None:
    assert node.set_parameters(input__max_age_ms=1000.0) == [""]

    def unstamped() -> Image:
        message = node.image(picture)
        message.header.stamp.sec = message.header.stamp.nanosec = 0
        return message

    node.answers(unstamped, masks)
    assert node.set_parameters(input__max_age_ms=0.0) == [""]


def test_a_flood_is_dropped_and_counted(
    node: Driver, picture: np.ndarray, masks: list[Image]
) -> None:
    """10,000 frames per second for two seconds."""
    small = node.image(picture[:24, :32])
    before = resident_bytes(node.target.process.pid)
    sent = flood(node, small, rate_hz=10_000, duration_s=2.0)
    assert sent == 20_000
    node.answers(lambda: node.image(picture), masks)
    status = node.status()
    under_way = status.received - sum(getattr(status, fate) for fate in FATES)
    assert 0 <= under_way <= 2
    assert status.received <= sent + status.published + 1000
    assert resident_bytes(node.target.process.pid) - before < 100e6, "nothing is queued"


def flood(node: Driver, message: Image, rate_hz: int, duration_s: float) -> int:
    """Publish as often as asked, in bursts of one millisecond, and return how many were sent."""
    sent, start = 0, time.monotonic()
    done = threading.Event()

    def publish() -> None:
        nonlocal sent
        while sent < rate_hz * duration_s:
            due = min((time.monotonic() - start) * rate_hz, rate_hz * duration_s)
            while sent < due:
                node.camera.publish(message)
                sent += 1
            time.sleep(0.001)
        done.set()

    threading.Thread(target=publish, daemon=True).start()
    node.wait(done.is_set, "the end of the flood", timeout_s=60.0)
    return sent


def resident_bytes(pid: int) -> int:
    """Return the resident memory of a process, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
