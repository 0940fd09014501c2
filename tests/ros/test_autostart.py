"""A process with `lifecycle.autostart` takes its node to active, each time it is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from sensor_msgs.msg import Image  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start

AUTOSTART = {"lifecycle.autostart": True}


def test_a_killed_node_is_active_again_without_anybody(
    start_node: Start, picture: np.ndarray
) -> None:
    """As with respawn in a launch file, a unit of systemd or a container that is restarted."""
    first = start_node(parameters=AUTOSTART)
    masks = first.subscribe(Image, "label_mask")
    first.answers(lambda: first.image(picture), masks)
    first.target.process.kill()
    first.target.process.wait()
    second = start_node(parameters=AUTOSTART, namespace=first.target.namespace)
    first.target = second.target
    masks.clear()
    first.answers(lambda: first.image(picture), masks)
    assert second.state() == "active"


def test_a_node_that_cannot_be_configured_says_so_and_waits(start_node: Start) -> None:
    driver = start_node(parameters={**AUTOSTART, "query.labels": "car=7"})
    driver.wait_for_status(lambda s: "threshold 7" in s.last_error, "the reason")
    assert driver.state() == "unconfigured"
    assert driver.set_parameters(query__labels="car") == [""]
    driver.bring_up()
