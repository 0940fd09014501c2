"""The topics, services and QoS of the node, as its documentation promises them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy  # noqa: E402
from ros_driver import LATCHED, RELIABLE, Driver, stamp_of  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_srvs.srv import SetBool  # noqa: E402

from ovseg_ros.msg import LabelMap, LabelQuery, LabelSpec  # noqa: E402
from ovseg_ros.srv import SetAdapter  # noqa: E402
from ovseg_ros.vocabulary import color_of  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start

OUTPUTS = {
    "label_mask": ("sensor_msgs/msg/Image", "RELIABLE", "VOLATILE"),
    "confidence": ("sensor_msgs/msg/Image", "RELIABLE", "VOLATILE"),
    "overlay": ("sensor_msgs/msg/Image", "RELIABLE", "VOLATILE"),
    "points": ("sensor_msgs/msg/PointCloud2", "RELIABLE", "VOLATILE"),
    "labels": ("ovseg_ros/msg/LabelMap", "RELIABLE", "TRANSIENT_LOCAL"),
    "status": ("ovseg_ros/msg/SegmentationStatus", "RELIABLE", "VOLATILE"),
}
INPUTS = {
    "{namespace}/image": ("sensor_msgs/msg/Image", "BEST_EFFORT"),
    "{name}/query": ("std_msgs/msg/String", "RELIABLE"),
    "{name}/label_query": ("ovseg_ros/msg/LabelQuery", "RELIABLE"),
}


@pytest.mark.parametrize("topic", OUTPUTS)
def test_outputs_have_the_promised_type_and_qos(node: Driver, topic: str) -> None:
    full_name = f"{node.target.name}/{topic}"
    infos = node.wait(
        lambda: node.node.get_publishers_info_by_topic(full_name), f"a publisher of {topic}"
    )
    wanted_type, reliability, durability = OUTPUTS[topic]
    assert [info.topic_type for info in infos] == [wanted_type]
    assert infos[0].qos_profile.reliability is ReliabilityPolicy[reliability]
    assert infos[0].qos_profile.durability is DurabilityPolicy[durability]


@pytest.mark.parametrize("topic", INPUTS)
def test_inputs_have_the_promised_type_and_qos(node: Driver, topic: str) -> None:
    full_name = topic.format(namespace=node.target.namespace, name=node.target.name)
    infos = node.wait(
        lambda: node.node.get_subscriptions_info_by_topic(full_name), f"a subscriber of {topic}"
    )
    wanted_type, reliability = INPUTS[topic]
    assert infos[0].topic_type == wanted_type
    assert infos[0].qos_profile.reliability is ReliabilityPolicy[reliability]


def test_every_output_carries_the_header_and_size_of_its_frame(
    node: Driver, picture: np.ndarray
) -> None:
    received = {name: node.subscribe(Image, name) for name in ("label_mask", "overlay")}
    received["confidence"] = node.subscribe(Image, "confidence")
    mask = node.answers(lambda: node.image(picture), received["label_mask"])
    same = {
        name: node.wait(
            lambda images=images: [i for i in images if stamp_of(i) == stamp_of(mask)], name
        )[0]
        for name, images in received.items()
    }
    for name, encoding, step in (
        ("label_mask", "mono8", 320),
        ("confidence", "mono8", 320),
        ("overlay", "rgb8", 960),
    ):
        image = same[name]
        found = (image.header.frame_id, image.encoding, image.width, image.height, image.step)
        assert found == ("camera_optical", encoding, 320, 240, step), name
        assert len(image.data) == step * 240
    labels = np.frombuffer(same["label_mask"].data, np.uint8)
    confidence = np.frombuffer(same["confidence"].data, np.uint8)
    assert set(np.unique(labels)) <= {0, *(label.id for label in node.label_map().labels)}
    assert not confidence[labels == 0].any(), "no label, so no confidence"


def test_a_late_joiner_gets_the_labels_in_force(node: Driver) -> None:
    revision = node.set_labels("crane|derrick=0.4; gravel; !sky").revision
    label_map = node.label_map()
    by_name = {label.name: label for label in label_map.labels}
    assert label_map.revision == revision
    assert list(by_name["crane"].synonyms) == ["derrick"]
    assert by_name["crane"].threshold == pytest.approx(0.4)
    assert (by_name["sky"].negative, by_name["sky"].id) == (True, 0)
    assert 0.0 <= by_name["gravel"].threshold <= 1.0, "the package's default is filled in"
    assert len(label_map.colors) == len(label_map.trained) == 3
    red = label_map.colors[1].r
    assert red == pytest.approx(color_of("gravel")[0] / 255, abs=1e-3)


def test_labels_are_repeated_unchanged_for_volatile_subscribers(node: Driver) -> None:
    latched = node.label_map()
    repeated = node.subscribe(LabelMap, "labels", RELIABLE)
    node.wait(lambda: len(repeated) >= 2, "a repetition")
    assert repeated[-1] == latched


def test_an_id_belongs_to_a_name_for_the_life_of_the_node(node: Driver) -> None:
    node.set_labels("fence; hedge")
    first = {label.name: label.id for label in node.label_map().labels}
    for transition in ("deactivate", "cleanup", "configure", "activate"):
        assert node.change_state(transition)
    node.set_labels("hedge; kerb; fence")
    second = {label.name: label.id for label in node.label_map().labels}
    assert {name: second[name] for name in first} == first
    assert second["kerb"] not in first.values()


def test_a_query_message_may_bring_everything(node: Driver) -> None:
    revision = node.label_map().revision
    publisher = node.node.create_publisher(LabelQuery, f"{node.target.name}/label_query", RELIABLE)
    node.wait(publisher.get_subscription_count, "the node to subscribe to queries")
    wanted = LabelSpec(name="forklift", synonyms=["lift truck"], threshold=0.25, id=200)
    publisher.publish(LabelQuery(labels=[wanted], templates=["a blurry {}"]))
    maps = node.subscribe(LabelMap, "labels", LATCHED)
    node.wait(lambda: maps and maps[-1].revision > revision, "the new labels")
    assert list(maps[-1].labels) == [wanted]


def test_prompts_and_class_ids_are_accepted(node: Driver) -> None:
    response = node.set_labels(prompts=["lane", "puddle"], class_ids=[101, 102])
    assert response.success, response.message
    ids = {label.name: label.id for label in node.label_map().labels}
    assert ids == {"lane": 101, "puddle": 102}


def test_status_tells_what_the_node_runs_and_does(node: Driver, picture: np.ndarray) -> None:
    node.set_labels("road; florpwhistle; !sky")
    masks = node.subscribe(Image, "label_mask")
    for _ in range(5):
        node.answers(lambda: node.image(picture), masks)
    # The last one so far: on a slow machine more frames than these five were sent and answered.
    status = node.wait_for_status(
        lambda s: stamp_of(s) == stamp_of(masks[-1]) and s.rate_hz > 0,
        "the last frame in the status",
    )
    assert (status.state, status.backend) == ("active", "onnxruntime")
    assert status.package and status.confidence_kind
    assert status.revision == node.label_map().revision
    assert list(status.labels) == ["road", "florpwhistle"]
    assert list(status.guessed_labels) == ["florpwhistle"]
    assert 0 < status.inference_p50_ms <= status.latency_p50_ms <= status.latency_p99_ms
    assert status.age_p50_ms >= status.latency_p50_ms
    assert_every_frame_is_accounted_for(status)


def test_nothing_is_inferred_for_nobody(start_node: Start, picture: np.ndarray) -> None:
    lonely = start_node()
    lonely.bring_up()
    diagnostics: list[DiagnosticArray] = []
    lonely.node.create_subscription(DiagnosticArray, "/diagnostics", diagnostics.append, RELIABLE)
    lonely.wait_for_camera()
    for _ in range(10):
        lonely.camera.publish(lonely.image(picture))
        lonely.spin_for(0.05)
    assert lonely.status().received == 0
    # The images did arrive: diagnostics measure their rate.
    lonely.wait(
        lambda: any(
            value.key == "rate (Hz)" and float(value.value) > 0
            for message in diagnostics
            for status in message.status
            if status.name == "ovseg: input image"
            for value in status.values
        ),
        "the rate of the camera in the diagnostics",
    )
    overlays = lonely.subscribe(Image, "overlay")
    lonely.answers(lambda: lonely.image(picture), overlays)
    assert lonely.status().published > 0


def test_enable_pauses_and_resumes(node: Driver, picture: np.ndarray) -> None:
    masks = node.subscribe(Image, "label_mask")
    node.answers(lambda: node.image(picture), masks)
    assert node.call(SetBool, "enable", SetBool.Request(data=False)).success
    received = node.status().received
    for _ in range(5):
        node.camera.publish(node.image(picture))
        node.spin_for(0.05)
    assert node.status().received == received
    assert node.call(SetBool, "enable", SetBool.Request(data=True)).success
    node.answers(lambda: node.image(picture), masks)


@pytest.mark.parametrize(
    ("mode", "names", "success", "phrase"),
    [
        ("none", [], True, "base model"),
        ("auto", [], True, "auto: "),
        ("pinned", ["nowhere"], False, "'nowhere' is unknown"),
        ("pinned", [], False, "no adapter is named"),
        ("sometimes", [], False, "auto, none, pinned"),
    ],
)
def test_set_adapter_answers_honestly(
    node: Driver, mode: str, names: list[str], success: bool, phrase: str
) -> None:
    response = node.call(SetAdapter, "set_adapter", SetAdapter.Request(mode=mode, names=names))
    assert (response.success, phrase in response.message) == (success, True), response.message
    if success:
        assert node.status().adapter_mode == mode


def test_diagnostics_notice_a_silent_camera(node: Driver, picture: np.ndarray) -> None:
    assert node.set_parameters(input__stall_timeout_s=0.3) == [""]
    received: list[DiagnosticArray] = []
    node.node.create_subscription(DiagnosticArray, "/diagnostics", received.append, RELIABLE)
    warning = f"no image on {node.target.namespace}/image"
    node.wait(
        lambda: any(warning in s.message for message in received for s in message.status),
        "a warning about the silent camera",
    )
    assert node.set_parameters(input__stall_timeout_s=5.0) == [""]


def assert_every_frame_is_accounted_for(status: object) -> None:
    """Check the sum that the status promises."""
    fates = ("published", "replaced", "stale", "superseded", "rejected")
    under_way = status.received - sum(getattr(status, fate) for fate in fates)
    assert 0 <= under_way <= 2, status
