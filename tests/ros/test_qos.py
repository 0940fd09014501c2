"""QoS can be overridden by parameters, and an incompatible peer is warned about once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy  # noqa: E402
from ros_driver import BEST_EFFORT  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start


def test_qos_is_overridden_and_incompatible_peers_are_named(
    start_node: Start, picture: np.ndarray
) -> None:
    namespace = "/qos"
    override = f"qos_overrides.{namespace}/image.subscription.reliability"
    node = start_node(namespace=namespace, parameters={override: "reliable"})
    node.bring_up()
    (camera,) = node.wait(
        lambda: node.node.get_subscriptions_info_by_topic(f"{namespace}/image"), "the camera topic"
    )
    assert camera.qos_profile.reliability is ReliabilityPolicy.RELIABLE
    for _ in range(2):
        node.node.create_publisher(Image, "image", BEST_EFFORT)
    node.target.wait_for_log("a publisher of /qos/image has an incompatible QoS (RELIABILITY)")
    transient = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    for _ in range(2):
        node.node.create_subscription(Image, f"{node.target.name}/label_mask", print, transient)
    node.target.wait_for_log("a subscriber of /qos/ovseg/label_mask has an incompatible QoS")
    masks = node.subscribe(Image, "label_mask")
    node.answers(lambda: node.image(picture), masks)
    assert node.target.log.count("incompatible QoS") == 2, "each topic is warned about once"
