"""Queries that cannot be used are refused with a reason; the query in force stays in force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from ros_driver import RELIABLE, Driver  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from ovseg_ros.msg import LabelMap, LabelQuery, LabelSpec  # noqa: E402

MANY = [f"thing number {i}" for i in range(10_000)]
# Fields of a ~/set_labels request, and what the refusal has to say.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing at all": ({}, "the query has no labels"),
    "blanks": ({"query": "   "}, "the query has no labels"),
    "separators only": ({"query": ";;,\n;"}, "the query has no labels"),
    "10,000 labels": ({"query": ";".join(f"l{i}" for i in range(10_000))}, "10000 labels"),
    "10,000 prompts": ({"prompts": MANY}, "10000 labels"),
    "duplicates": ({"query": "car; person; Car"}, "'car' stands in two labels"),
    "shared synonym": ({"query": "car|auto; truck|auto"}, "'auto' stands in two labels"),
    "100 kB label": ({"prompts": ["x" * 100_000]}, "100000 characters"),
    "100 kB of text": ({"query": "x" * 100_000}, "100000 characters"),
    "100 kB specification": ({"labels": [LabelSpec(name="x" * 100_000)]}, "100000 characters"),
    "control characters": ({"query": "car\x07; person"}, "control character U+0007"),
    "escape sequence": ({"query": "\x1b[31mcar"}, "control character U+001B"),
    "threshold too high": ({"query": "car=1.5"}, "threshold 1.5"),
    "threshold too low": ({"labels": [LabelSpec(name="car", threshold=-0.5)]}, "threshold -0.5"),
    "threshold not a number": ({"query": "car=nan"}, "threshold nan"),
    "threshold in words": ({"query": "car=often"}, "'often' after '=' is not a number"),
    "malformed JSON": ({"query": '{"labels": ["car"'}, "not valid JSON"),
    "JSON of another kind": ({"query": '{"etiquettes": ["car"]}'}, "unknown field 'etiquettes'"),
    "JSON nested too deep": ({"query": "[" * 60_000}, "not valid JSON"),
    "JSON label of no kind": ({"query": '{"labels": [17]}'}, "a label in the JSON query is '17'"),
    "negatives only": ({"query": "!car; !sky"}, "every label of the query is negative"),
    "ids do not match": ({"prompts": ["car", "sky"], "class_ids": [4]}, "1 class ids"),
    "reserved id": ({"prompts": ["car"], "class_ids": [255]}, "asks for id 255"),
    "id beyond mono8": ({"prompts": ["car"], "class_ids": [300]}, "asks for id 300"),
    "id of another label": ({"prompts": ["bus"], "class_ids": [77]}, "id 77 belongs to 'wagon'"),
}


@pytest.fixture(autouse=True, scope="module")
def in_force(node: Driver) -> LabelMap:
    """The query that every refusal has to leave in force."""
    assert node.set_labels(prompts=["wagon", "rail"], class_ids=[77, 78]).success
    return node.label_map()


@pytest.mark.parametrize("case", REFUSED)
def test_the_service_refuses_and_says_why(node: Driver, in_force: LabelMap, case: str) -> None:
    fields, phrase = REFUSED[case]
    response = node.set_labels(**fields)
    assert not response.success
    assert phrase in response.message
    assert len(response.message) < 600, "a reason, not a dump"
    assert response.revision == in_force.revision
    assert node.label_map() == in_force


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("", "the query has no labels"),
        ('{"labels": ', "not valid JSON"),
        ("x" * 100_000, "100000 characters"),
        (";".join(MANY[:3000]), "3000 labels"),
    ],
)
def test_the_topic_refuses_in_the_status(
    node: Driver, in_force: LabelMap, text: str, phrase: str
) -> None:
    node.wait(node.queries.get_subscription_count, "the node to subscribe to queries")
    node.queries.publish(String(data=text))
    node.wait_for_status(lambda s: phrase in s.last_error, "the reason in the status")
    assert node.label_map() == in_force


def test_the_typed_topic_refuses_in_the_status(node: Driver, in_force: LabelMap) -> None:
    publisher = node.node.create_publisher(LabelQuery, f"{node.target.name}/label_query", RELIABLE)
    node.wait(publisher.get_subscription_count, "the node to subscribe to queries")
    publisher.publish(LabelQuery(labels=[LabelSpec(name="car")], templates=["no place for it"]))
    node.wait_for_status(lambda s: "prompt template" in s.last_error, "the reason in the status")
    publisher.publish(LabelQuery(labels=[LabelSpec(name=name) for name in MANY]))
    node.wait_for_status(lambda s: "10000 labels" in s.last_error, "the reason in the status")
    assert node.label_map() == in_force


@pytest.mark.parametrize(
    "labels",
    [
        ["🚗", "🌳", "👩‍🚒"],
        ["汽车", "木", "道路"],
        ["машина", "дорога"],
        ["سيارة", "طريق"],
        ["fußgänger", "café", "naïve façade"],
        ["ａｂｃ"],
        ["a" * 128],
    ],
)
def test_labels_in_any_script_are_accepted(
    node: Driver, picture: np.ndarray, labels: list[str]
) -> None:
    response = node.set_labels(prompts=labels)
    assert response.success, response.message
    assert node.label_map().revision == response.revision
    masks = node.subscribe(Image, "label_mask")
    node.answers(lambda: node.image(picture), masks)


def test_white_space_and_width_are_normalised(node: Driver) -> None:
    assert node.set_labels("  traffic\t  cone ;ＴＲＡＩＮ").success
    assert [label.name for label in node.label_map().labels] == ["traffic cone", "TRAIN"]
