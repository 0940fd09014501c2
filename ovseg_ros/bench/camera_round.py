"""One round of `ovseg bench cameras`: nodes and cameras in processes of their own, and a count."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ovseg_ros.bench.material import SIZE_PX
from ovseg_ros.demo.events import Event, EventKind
from ovseg_ros.demo.graph import private_graph
from ovseg_ros.demo.processes import ProcessError, Processes, parameter_arguments

CAMERAS = ("front", "rear")
WARM_UP_S = 2.0
_TIMEOUT_S = 120.0
_COUNTER, _CAMERA = "counter", "camera"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

Parameters = Mapping[str, "str | float"]


@dataclass(frozen=True)
class NodeSpec:
    """A segmentation node: `parameters`, and the topics that its own are remapped to."""

    name: str
    parameters: Parameters = field(default_factory=dict)
    remaps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """Which nodes share the cameras; `masks` are the topics of their masks, in that order."""

    title: str
    nodes: tuple[NodeSpec, ...]
    masks: tuple[str, ...]


TWO_NODES = Layout(
    "two nodes",
    tuple(NodeSpec(f"{name}_node", remaps={"image": f"/{name}/image"}) for name in CAMERAS),
    tuple(f"/{name}_node/label_mask" for name in CAMERAS),
)


def one_node(title: str, **parameters: str | float) -> Layout:
    """Return one node with all cameras; `__` in the name of a parameter stands for a dot."""
    given = {name.replace("__", "."): value for name, value in parameters.items()}
    given["cameras"] = f"[{','.join(CAMERAS)}]"
    masks = tuple(f"/both/{name}/label_mask" for name in CAMERAS)
    return Layout(title, (NodeSpec("both", given),), masks)


@dataclass(frozen=True)
class RoundPlan:
    """Raw 640x480 frames of `drive` at `rate_hz` for each camera, counted for `seconds`.

    `parameters` are those of every node.
    """

    drive: Path
    rate_hz: float
    seconds: float
    parameters: Parameters


@dataclass(frozen=True)
class RoundResult:
    """Masks per second and their ages for each camera, and the processor time of all nodes."""

    masks_per_s: tuple[float, ...]
    ages: tuple[dict[str, Any], ...]
    cpu_s: float
    seconds: float

    @property
    def total_per_s(self) -> float:
        """Masks of all cameras per second."""
        return sum(self.masks_per_s)

    @property
    def cpu_ms_per_mask(self) -> float:
        """Processor time of the nodes for each mask."""
        return self.cpu_s * 1e3 / max(self.total_per_s * self.seconds, 1.0)


def run_round(layout: Layout, plan: RoundPlan, work: Path) -> RoundResult:
    """Run `layout` and return what was counted; logs go to the folder `work`.

    Raises `ProcessError` where a process dies, refuses or hangs; none is left running.
    """
    go = work / "go"
    go.unlink(missing_ok=True)
    with private_graph() as environment, Processes(environment, work) as processes:
        for node in layout.nodes:
            processes.start(node.name, "ovseg_ros.nodes.main", *_node_arguments(node, plan))
        processes.start(
            _COUNTER, "ovseg_ros.nodes.demo.mask_counter", *_counter_arguments(layout, plan, go)
        )
        processes.start(_CAMERA, "ovseg_ros.nodes.demo.camera", *_camera_arguments(plan, go))
        _wait_for(processes, EventKind.ACTIVE)
        go.touch()
        _wait_for(processes, EventKind.READY)
        before_s = _cpu_s(processes, layout)
        done = _wait_for(processes, EventKind.DONE)
        cpu_s = _cpu_s(processes, layout) - before_s
    seconds, topics = done.fields["seconds"], done.fields["topics"]
    return RoundResult(
        tuple(topics[topic]["masks"] / seconds for topic in layout.masks),
        tuple(topics[topic] for topic in layout.masks),
        cpu_s,
        seconds,
    )


def _wait_for(processes: Processes, kind: EventKind) -> Event:
    """Return the next event of `kind` from the counter."""
    give_up = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < give_up:
        taken = processes.next_event(timeout_s=0.2)
        if taken is not None and taken[0] == _COUNTER and taken[1].kind is kind:
            return taken[1]
    raise ProcessError(
        f"the counter of masks was not {kind.value} within {_TIMEOUT_S:g} s; "
        "the machine may be too busy"
    )


def _cpu_s(processes: Processes, layout: Layout) -> float:
    """Return the processor time that the nodes have taken so far; see proc_pid_stat(5)."""
    total = 0
    for node in layout.nodes:
        text = Path(f"/proc/{processes.pid(node.name)}/stat").read_text(encoding="ascii")
        # Behind the name, which may hold anything, come the fields from the third one on.
        fields = text.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS_PER_S


def _node_arguments(node: NodeSpec, plan: RoundPlan) -> list[str]:
    arguments = ["--ros-args", "-r", f"__node:={node.name}"]
    for name, topic in node.remaps.items():
        arguments += ["-r", f"{name}:={topic}"]
    return [*arguments, *parameter_arguments({**plan.parameters, **node.parameters})]


def _counter_arguments(layout: Layout, plan: RoundPlan, go: Path) -> list[str]:
    arguments = ["--seconds", str(plan.seconds), "--warm-up", str(WARM_UP_S), "--go", str(go)]
    for node in layout.nodes:
        arguments += ["--node", f"/{node.name}"]
    for topic in layout.masks:
        arguments += ["--mask", topic]
    return arguments


def _camera_arguments(plan: RoundPlan, go: Path) -> list[str]:
    width_px, height_px = SIZE_PX
    arguments = ["--drive", str(plan.drive), "--rate-hz", str(plan.rate_hz), "--go", str(go)]
    # Until the round is over, however long the first mask takes.
    arguments += ["--seconds", str(plan.seconds + _TIMEOUT_S), "--raw", f"{width_px}x{height_px}"]
    for name in CAMERAS:
        arguments += ["--topic", f"/{name}/image"]
    return arguments
