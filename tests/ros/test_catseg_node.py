"""The node runs CAT-Seg by one parameter, at the size of the published network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytestmark = [pytest.mark.ros, pytest.mark.torch, pytest.mark.slow]
pytest.importorskip("rclpy")
pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("tokenizers", reason="tokenizers is not installed; run `make build-torch`")

from sensor_msgs.msg import Image  # noqa: E402

from ovseg_ros.engine.convert import convert_deterministic  # noqa: E402
from ovseg_ros.engine.convertible import Variant  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start


def test_catseg_base_segments_and_takes_a_new_query(
    start_node: Start, tmp_path: Path, picture: np.ndarray
) -> None:
    package = tmp_path / "catseg-base"
    convert_deterministic("catseg-base", package, Variant())
    labels = "road; building; person|pedestrian; !sky"
    node = start_node(parameters={"model.package": package, "query.labels": labels})
    node.bring_up()
    masks = node.subscribe(Image, "label_mask")
    mask = node.answers(lambda: node.image(picture), masks)
    assert (mask.height, mask.width) == picture.shape[:2]
    first = {label.name: label.id for label in node.label_map().labels if not label.negative}
    assert set(first) == {"road", "building", "person"}
    assert set(np.unique(mask.data)) <= {0, *first.values()}
    assert node.set_labels("tree=0; road=0").success
    mask = node.answers(lambda: node.image(picture), masks)
    second = {label.name: label.id for label in node.label_map().labels}
    assert second["road"] == first["road"] and second["tree"] not in first.values()
    assert set(np.unique(mask.data)) <= set(second.values())
    status = node.status()
    assert status.package == "catseg-base" and not status.guessed_labels
