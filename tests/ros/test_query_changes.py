"""A query changes between two frames: no mask carries an id of another revision."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from ros_driver import LATCHED, RELIABLE, Driver  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from ovseg_ros.msg import LabelMap  # noqa: E402

CHANGES = 30


def test_masks_and_labels_stay_together(node: Driver, picture: np.ndarray) -> None:
    """30 changes at random moments, while the camera runs at 30 Hz.

    The order is that of the node's own writes, which DDS stamps on every message: labels first,
    then the masks under them, then the next labels.
    """
    written: list[tuple[int, Any]] = []
    masks = collect(node, Image, "label_mask", RELIABLE, written)
    collect(node, LabelMap, "labels", LATCHED, written)
    camera = node.node.create_timer(1 / 30, lambda: node.camera.publish(node.image(picture)))
    node.wait(lambda: masks() > 0, "a first mask")
    chance = random.Random(0)
    for change in range(CHANGES):
        # Threshold 0: every pixel tells which query its mask belongs to.
        assert node.set_labels(f"first {change}=0; second {change}=0").success
        node.spin_for(chance.uniform(0.0, 0.1))
    before = masks()
    node.wait(lambda: masks() >= before + 3, "masks under the last query")
    node.node.destroy_timer(camera)
    revisions = assert_each_mask_is_of_the_labels_before_it(written)
    assert len(revisions) > 3, "the stream went on during the changes"
    status = node.status()
    assert status.published >= masks() > CHANGES / 3


def collect(
    node: Driver, kind: Any, name: str, profile: Any, written: list[tuple[int, Any]]
) -> Callable[[], int]:
    """Collect messages with the time at which the node wrote them; return their count so far."""
    count = 0

    def note(message: Any, info: dict[str, Any]) -> None:
        nonlocal count
        count += 1
        written.append((info["source_timestamp"], message))

    subscription = node.node.create_subscription(kind, f"{node.target.name}/{name}", note, profile)
    node.wait(subscription.get_publisher_count, f"a publisher of {name}")
    return lambda: count


def assert_each_mask_is_of_the_labels_before_it(written: list[tuple[int, Any]]) -> set[int]:
    """Check all masks and return the revisions under which there were any."""
    ids: set[int] = set()
    revision, seen = 0, set()
    for _, message in sorted(written, key=lambda entry: entry[0]):
        if isinstance(message, LabelMap):
            assert message.revision >= revision, "revisions only go up"
            revision, ids = message.revision, {label.id for label in message.labels}
        elif revision:
            found = set(np.unique(np.frombuffer(message.data, np.uint8)).tolist())
            assert found <= ids | {0}, f"ids {found} under revision {revision} with {ids}"
            seen.add(revision)
    return seen


def test_a_change_does_not_stop_the_stream(node: Driver, picture: np.ndarray) -> None:
    """Encoding a large query takes longer than a frame; frames go on under the old one."""
    node.set_labels("before=0")
    old_id = node.label_map().labels[0].id
    stamps: list[float] = []
    seen: list[int] = []

    def note(mask: Image) -> None:
        stamps.append(time.monotonic())
        seen.append(int(mask.data[0]))

    node.node.create_subscription(Image, f"{node.target.name}/label_mask", note, RELIABLE)
    camera = node.node.create_timer(1 / 30, lambda: node.camera.publish(node.image(picture)))
    node.wait(lambda: len(stamps) > 5, "a running stream")
    labels = "; ".join(
        f"{word} {i}=0" for i in range(7) for word in ("ladder", "bucket", "kettle", "sofa")
    )
    assert node.set_labels(labels).success
    node.wait(lambda: seen[-1] != old_id, "the first mask of the new query")
    node.node.destroy_timer(camera)
    switched = next(place for place, label_id in enumerate(seen) if label_id != old_id)
    assert old_id not in seen[switched:], "once switched, the old labels never come back"
