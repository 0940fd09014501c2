"""What the files of the viewers name is there: topics of the right type, services, fields."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from ros_driver import Driver  # noqa: E402

CONFIG = Path(__file__).resolve().parents[2] / "config"
IMAGE, CLOUD = "sensor_msgs/msg/Image", "sensor_msgs/msg/PointCloud2"
DISPLAYED = {"rviz_default_plugins/Image": IMAGE, "rviz_default_plugins/PointCloud2": CLOUD}


def rviz_topics() -> Iterator[tuple[str, str]]:
    """Yield (topic, type) of the displays of the RViz file."""
    file = yaml.safe_load((CONFIG / "ovseg.rviz").read_text("utf-8"))
    for display in file["Visualization Manager"]["Displays"]:
        if "Topic" in display:
            assert display["Enabled"] == display["Value"], display["Name"]
            yield display["Topic"]["Value"], DISPLAYED[display["Class"]]


def foxglove_panels() -> dict[str, Any]:
    """Return the panels of the Foxglove layout by their ids."""
    panels: dict[str, Any] = json.loads((CONFIG / "foxglove_layout.json").read_text("utf-8"))
    return panels["configById"]


def foxglove_topics() -> Iterator[tuple[str, str]]:
    """Yield (topic, type or '' where any is shown) of the panels."""
    for name, panel in foxglove_panels().items():
        kind = name.partition("!")[0]
        if kind == "Image":
            yield panel["imageMode"]["imageTopic"], IMAGE
        elif kind == "3D":
            yield from (
                (topic, CLOUD) for topic, shown in panel["topics"].items() if shown["visible"]
            )
        elif kind == "Publish":
            yield panel["topicName"], panel["datatype"]
            assert set(json.loads(panel["value"])) == {"data"}
        elif kind == "RawMessages":
            yield panel["topicPath"], ""
        elif kind == "DiagnosticSummary":
            yield panel["topicToRender"], "diagnostic_msgs/msg/DiagnosticArray"
        elif kind == "Plot":
            assert all(path["enabled"] for path in panel["paths"])
            yield from ((path["value"].partition(".")[0], "") for path in panel["paths"])


def rqt_plugins() -> dict[str, dict[str, Any]]:
    """Return the settings of the plugins of the rqt perspective."""
    text = (CONFIG / "ovseg.perspective").read_text("utf-8")
    manager = json.loads(text)["groups"]["pluginmanager"]
    running = ast.literal_eval(manager["keys"]["running-plugins"]["repr"])
    settings = {}
    for plugin, (number,) in running.items():
        groups = manager["groups"][f"plugin__{plugin.replace('/', '__')}__{number}"]["groups"]
        keys = groups.get("plugin", {"keys": {}})["keys"]
        settings[plugin] = {name: ast.literal_eval(key["repr"]) for name, key in keys.items()}
    return settings


TOPICS = [
    *(("rviz", *topic) for topic in rviz_topics()),
    *(("foxglove", *topic) for topic in foxglove_topics()),
    ("rqt", rqt_plugins()["rqt_image_view/ImageView"]["topic"], IMAGE),
]


@pytest.mark.parametrize(("viewer", "topic", "kind"), sorted(set(TOPICS)))
def test_topics_are_those_of_the_node(node: Driver, viewer: str, topic: str, kind: str) -> None:
    name = topic.replace("/ovseg/", f"{node.target.name}/")

    def types() -> list[str]:
        return dict(node.node.get_topic_names_and_types()).get(name, [])

    found = node.wait(types, f"the topic {topic} that {viewer} shows")
    assert not kind or found == [kind]


def test_the_service_is_one_of_the_node(node: Driver) -> None:
    service = rqt_plugins()["rqt_service_caller/ServiceCaller"]["current_service_name"]
    name = service.replace("/ovseg/", f"{node.target.name}/")
    node.wait(lambda: name in dict(node.node.get_service_names_and_types()), service)


def test_plotted_fields_are_in_their_messages() -> None:
    paths = [path["value"] for path in foxglove_panels()["Plot!times"]["paths"]]
    status = importlib.import_module("ovseg_ros.msg").SegmentationStatus
    fields = status.get_fields_and_field_types()
    assert paths
    assert {path.removeprefix("/ovseg/status.") for path in paths} <= set(fields)


def test_every_panel_of_the_layout_has_a_place() -> None:
    text = (CONFIG / "foxglove_layout.json").read_text("utf-8")
    layout = json.loads(text)
    placed = set(re.findall(r'"((?:\w+)!\w+)"', json.dumps(layout["layout"])))
    for name, panel in layout["configById"].items():
        if name.startswith("Tab!"):
            placed |= {tab["layout"] for tab in panel["tabs"]}
    assert placed == set(layout["configById"])
