"""The annotated YAML and the documentation say what the node really has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from ovseg_ros.nodes.parameters import PARAMETERS  # noqa: E402
from ovseg_ros.pixel_formats import PIXEL_FORMATS  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start

ROOT = Path(__file__).resolve().parent.parent.parent
YAML = ROOT / "config" / "ovseg.yaml"
DOCUMENTATION = (ROOT / "docs" / "node.md").read_text(encoding="utf-8")


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the leaves of `tree` by dotted name."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            leaves.update(flatten(value, f"{prefix}{key}."))
        else:
            leaves[prefix + key] = value
    return leaves


def test_the_yaml_has_all_parameters_with_their_defaults() -> None:
    tree = yaml.safe_load(YAML.read_text(encoding="utf-8"))
    values = flatten(tree["/**"]["ros__parameters"])
    assert values == {parameter.name: parameter.default for parameter in PARAMETERS}
    types = {parameter.name: type(parameter.default) for parameter in PARAMETERS}
    assert {name: type(value) for name, value in values.items()} == types


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.name)
def test_the_documentation_has_every_parameter(parameter: Any) -> None:
    (row,) = [r for r in DOCUMENTATION.splitlines() if r.startswith(f"| `{parameter.name}` |")]
    default = str(parameter.default).replace("'", '"') or '""'
    if isinstance(parameter.default, bool):
        default = default.lower()
    assert f"`{default}`" in row
    assert parameter.applies.value in row
    if parameter.bounds:
        low, high = parameter.bounds
        assert f"{low:g}..{high:.10g}" in row


@pytest.mark.parametrize("encoding", PIXEL_FORMATS)
def test_the_documentation_has_every_encoding(encoding: str) -> None:
    assert f"`{encoding}`" in DOCUMENTATION


def test_the_node_starts_with_the_yaml(start_node: Start) -> None:
    node = start_node(arguments=("--params-file", str(YAML)))
    assert node.state() == "unconfigured"
    here = ("ovseg", node.target.namespace)
    node.wait(lambda: here in node.node.get_node_names_and_namespaces(), "the node in the graph")
    published = {name for name, _ in node.node.get_publisher_names_and_types_by_node(*here)}
    assert node.change_state("configure"), node.target.log
    for name, _ in node.node.get_service_names_and_types_by_node(*here):
        if name.startswith(f"{node.target.name}/set_") and "parameters" not in name:
            assert f"`~/{name.rpartition('/')[2]}`" in DOCUMENTATION
    for name in published:
        short = name.replace(f"{node.target.name}/", "~/")
        if short not in ("/parameter_events", "/rosout", "~/transition_event"):
            assert f"`{short}`" in DOCUMENTATION
