"""Parameters: described, refused with a reason, and live where they say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from node_process import NodeProcess  # noqa: E402
from rcl_interfaces.srv import DescribeParameters, ListParameters  # noqa: E402
from ros_driver import Driver  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from ovseg_ros.nodes.parameters import PARAMETERS  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Start


def test_every_parameter_is_declared_and_described(node: Driver) -> None:
    listed = node.call(ListParameters, "list_parameters", ListParameters.Request())
    names = [parameter.name for parameter in PARAMETERS]
    assert set(names) <= set(listed.result.names)
    request = DescribeParameters.Request(names=names)
    described = node.call(DescribeParameters, "describe_parameters", request).descriptors
    for parameter, descriptor in zip(PARAMETERS, described, strict=True):
        assert parameter.description in descriptor.description
        assert parameter.applies.value in descriptor.description
        assert bool(descriptor.floating_point_range or descriptor.integer_range) == bool(
            parameter.bounds
        )


REFUSED = {
    "opacity out of range": ("output__overlay__opacity", 1.5, "out of range"),
    "opacity not a number": ("output__overlay__opacity", float("nan"), "out of range"),
    "negative threads": ("engine__threads", -1, "out of range"),
    "unknown backend": ("engine__backend", "abacus", "it must be onnxruntime"),
    "no such precision": ("engine__precision", "int8", "it has fp32"),
    "unknown transport": ("input__transport", "pigeon", "it must be raw or compressed"),
    "unknown encoding": ("output__confidence__encoding", "jpeg", "it must be mono8 or 32FC1"),
    "wrong type": ("input__max_age_ms", "soon", "Wrong parameter type"),
    "read-only": ("output__mask__encoding", "mono16", "read-only"),
    "pinned without names": ("adapter__mode", "pinned", "~/set_adapter"),
    "a gate that nothing passes": ("adapter__gate", 0.0, "out of range"),
    "no adapters at most": ("adapter__top_k", 0, "out of range"),
    "hysteresis for good": ("adapter__hysteresis", 1.0, "out of range"),
    "a bad query": ("query__labels", "car; car", "stands in two labels"),
    "an empty query": ("query__labels", "", "has no labels"),
    "a bad template": ("query__templates", ["no place"], "exactly once"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_value_is_refused_with_a_reason(node: Driver, case: str) -> None:
    name, value, phrase = REFUSED[case]
    before = node.label_map()
    (reason,) = node.set_parameters(**{name: value})
    assert phrase in reason
    assert node.label_map() == before


def test_the_query_is_a_live_parameter(node: Driver) -> None:
    revision = node.label_map().revision
    assert node.set_parameters(query__labels="crate; pallet") == [""]
    assert [label.name for label in node.label_map().labels] == ["crate", "pallet"]
    assert node.label_map().revision == revision + 1
    assert node.set_parameters(query__templates=["a muddy {}"]) == [""]
    assert node.label_map().revision == revision + 2


def test_the_encoding_of_confidence_is_live(node: Driver, picture: np.ndarray) -> None:
    assert node.set_labels("road=0; sky=0").success
    images = node.subscribe(Image, "confidence")
    node.answers(lambda: node.image(picture), images)
    assert images[-1].encoding == "mono8"
    assert node.set_parameters(output__confidence__encoding="32FC1") == [""]
    image = node.answers(lambda: node.image(picture), images)
    values = np.frombuffer(image.data, np.float32)
    assert (image.encoding, image.step, values.size) == ("32FC1", 320 * 4, 320 * 240)
    assert 0.0 <= values.min() <= values.max() <= 1.0
    assert node.set_parameters(output__confidence__encoding="mono8") == [""]


def test_sixteen_bit_masks(start_node: Start, picture: np.ndarray) -> None:
    """Also: reports do not depend on simulated time, which here never starts."""
    node = start_node(parameters={"output.mask.encoding": "mono16", "use_sim_time": "true"})
    node.bring_up()
    assert node.status().state == "active"
    assert node.set_labels(prompts=["kerb=0", "lamp=0"], class_ids=[1000, 65535]).success
    masks = node.subscribe(Image, "label_mask")
    mask = node.answers(lambda: node.image(picture), masks)
    assert (mask.encoding, mask.step) == ("mono16", 640)
    assert set(np.unique(np.frombuffer(mask.data, np.uint16))) <= {1000, 65535}


@pytest.mark.parametrize(
    ("name", "value", "phrase"),
    [
        (
            "engine.backend",
            "abacus",
            "'abacus'; it must be onnxruntime or openvino",
        ),
        ("output.overlay.opacity", 7.0, "opacity"),
        ("input.max_age_ms", "soon", "input.max_age_ms"),
    ],
)
def test_a_bad_value_at_start_ends_the_process_with_a_sentence(
    tmp_path: Path, name: str, value: Any, phrase: str
) -> None:
    process = NodeProcess(tmp_path / "log", {name: value})
    assert process.process.wait(30.0) == 1
    assert "the node cannot start" in process.log
    assert phrase in process.log
    assert "Traceback" not in process.log
