"""One session: the four processes from start to end, and everything they reported."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ovseg_ros.demo import topics
from ovseg_ros.demo.events import Event, EventKind
from ovseg_ros.demo.graph import private_graph
from ovseg_ros.demo.processes import ProcessError, Processes, parameter_arguments
from ovseg_ros.demo.script import Step, dump_script
from ovseg_ros.output import write_file
from ovseg_ros.process_status import process_status
from ovseg_ros.segmenter import EVERY_CAMERA

CAMERA, NODE, OPERATOR, RECORDER = "camera", "node", "operator", "recorder"
_START_TIMEOUT_S = 90.0
_STATUS_PERIOD_S = 0.5
_QUEUE = 10
# Two reports of status after the last frame: the counters have come to rest.
_DRAIN_S = 1.5


@dataclass(frozen=True)
class Playlist:
    """A bag that holds nothing but the frames to play, `raw` or compressed, on cameras' topics.

    They are played with new stamps, each when its time in the bag says, ns from the start.
    `cameras` are the names of the cameras on the node.
    """

    bag: Path
    raw: bool
    cameras: tuple[str, ...] = (EVERY_CAMERA,)


@dataclass(frozen=True)
class SessionPlan:
    """What to run.

    `raw_size_px` (W, H) makes the camera publish raw rgb8 of that size and the recorder hear only
    masks, labels and status, as a benchmark needs; None plays the drive's own JPEG frames and
    scores the masks. `rate_hz` 0 is the rate of the drive; `bag` is where to record;
    `node_parameters` are set on the node on top of those of every session; `companions` are more
    processes by name, each a module with its arguments, that run as long as the session. A
    `playlist` takes the place of the drive: its frames are played once, and masks are recorded
    without being scored.
    """

    drive: Path
    seconds: float
    script: tuple[Step, ...]
    package: str
    rate_hz: float = 0.0
    raw_size_px: tuple[int, int] | None = None
    bag: Path | None = None
    node_parameters: Mapping[str, str | float] = field(default_factory=dict)
    companions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    playlist: Playlist | None = None

    @property
    def raw(self) -> bool:
        """Whether the camera publishes raw images."""
        if self.playlist is not None:
            return self.playlist.raw
        return self.raw_size_px is not None

    @property
    def cameras(self) -> tuple[str, ...]:
        """The names of the cameras on the node."""
        return self.playlist.cameras if self.playlist is not None else (EVERY_CAMERA,)


@dataclass
class SessionResult:
    """What came of it. Times are seconds, ns since the epoch, or ms where the name says so.

    `sent_stamps_ns` are those that a playlist was played with, by topic.
    """

    sent: int = 0
    sent_stamps_ns: dict[str, list[int]] = field(default_factory=dict)
    stream_start_ns: int = 0
    node_spawn_ns: int = 0
    node_active_ns: int = 0
    node_rss_mb: list[float] = field(default_factory=list)
    node_peak_rss_mb: float = 0.0
    queries: list[dict[str, Any]] = field(default_factory=list)
    adapter_choices: list[dict[str, Any]] = field(default_factory=list)
    ticks: list[dict[str, Any]] = field(default_factory=list)
    recording: dict[str, Any] = field(default_factory=dict)
    exit_codes: dict[str, int] = field(default_factory=dict)

    @property
    def final_status(self) -> dict[str, Any]:
        """The node's last status, empty if there was none."""
        statuses = self.recording.get("statuses") or [{}]
        return dict(statuses[-1])


def run_session(
    plan: SessionPlan, work: Path, on_event: Callable[[str, Event], None]
) -> SessionResult:
    """Run the processes of `plan` and return what they reported.

    `work` is an existing folder for logs and hand-overs. `on_event` is called for every event as
    it comes. Raises `ProcessError` where a process dies, refuses or hangs; none is left running.
    """
    result = SessionResult()
    script, recording, go = work / "script.json", work / "recording.json", work / "go"
    write_file(script, dump_script(plan.script).encode())
    with private_graph() as environment, Processes(environment, work) as processes:
        processes.start(RECORDER, "ovseg_ros.nodes.demo.recorder", *_recorder(plan, recording))
        result.node_spawn_ns = time.time_ns()
        processes.start(NODE, "ovseg_ros.nodes.main", *_node(plan))
        for name, words in plan.companions.items():
            processes.start(name, *words)
        start_sign = ["--go", str(go)]
        processes.start(
            OPERATOR, "ovseg_ros.nodes.demo.operator", "--script", str(script), *start_sign
        )
        processes.start(CAMERA, *_camera(plan), *start_sign)
        _follow(processes, plan, go, result, on_event)
        for name in (RECORDER, OPERATOR, NODE):
            result.exit_codes[name] = processes.stop(name)
            _raise_late_errors(processes)
    result.recording = json.loads(recording.read_text(encoding="utf-8"))
    return result


def _follow(
    processes: Processes,
    plan: SessionPlan,
    go: Path,
    result: SessionResult,
    on_event: Callable[[str, Event], None],
) -> None:
    """Take events until the camera is done, the script too, and the counters have settled.

    The camera and the script start with the file `go`, when the node is active and the recorder
    hears it: until then a mask could be lost that nobody counts.
    """
    give_up = time.monotonic() + _START_TIMEOUT_S + plan.seconds
    waiting, rest = {CAMERA, OPERATOR}, None
    before_go = {(RECORDER, EventKind.READY), (OPERATOR, EventKind.ACTIVE)}
    while rest is None or time.monotonic() < rest:
        taken = processes.next_event(timeout_s=0.2)
        if taken is not None:
            _note(processes, result, *taken)
            on_event(*taken)
            before_go.discard((taken[0], taken[1].kind))
            if not before_go:
                go.touch()
            if taken[1].kind is EventKind.DONE:
                waiting.discard(taken[0])
                if taken[0] == CAMERA:
                    result.exit_codes[CAMERA] = processes.release(CAMERA)
        if not waiting and rest is None:
            rest = time.monotonic() + _DRAIN_S
        if time.monotonic() > give_up:
            raise ProcessError(
                f"the {' and the '.join(sorted(waiting))} did not finish within "
                f"{_START_TIMEOUT_S + plan.seconds:g} s; the machine may be too busy"
            )


def _note(processes: Processes, result: SessionResult, name: str, event: Event) -> None:
    if event.kind is EventKind.QUERY:
        result.queries.append(event.fields)
    elif event.kind is EventKind.ADAPTERS:
        result.adapter_choices.append(event.fields)
    elif event.kind is EventKind.ACTIVE:
        result.node_active_ns = time.time_ns()
    elif event.kind is EventKind.READY and name == CAMERA:
        result.stream_start_ns = event.fields["start_ns"]
    elif event.kind is EventKind.DONE and name == CAMERA:
        result.sent = event.fields["sent"]
        result.sent_stamps_ns = event.fields.get("stamps_ns", {})
    elif event.kind is EventKind.TICK:
        result.ticks.append(event.fields)
        status = process_status(processes.pid(NODE))
        result.node_rss_mb.append(status.rss_mb)
        result.node_peak_rss_mb = status.peak_rss_mb


def _raise_late_errors(processes: Processes) -> None:
    """A process that cannot write its results says so while it stops."""
    while processes.next_event(timeout_s=0.05) is not None:
        continue


def _recorder(plan: SessionPlan, result: Path) -> list[str]:
    arguments = ["--result", str(result)]
    if plan.playlist is not None:
        named = [name for name in plan.cameras if name]
        arguments += ["--confidence", *(word for name in named for word in ("--camera", name))]
    elif plan.raw_size_px is None:
        arguments += ["--drive", str(plan.drive)]
    if plan.bag is not None:
        arguments += ["--bag", str(plan.bag)]
    return arguments


def _node(plan: SessionPlan) -> list[str]:
    # A queue of one in the middleware would lose messages that nobody counts when a process has
    # to wait for its turn on the processor; the node itself still takes only the newest frame.
    parameters: dict[str, str | float] = {}
    for camera in plan.cameras:
        images = topics.images(camera, plan.raw)
        parameters[f"qos_overrides.{images}.subscription.depth"] = _QUEUE
        parameters[f"qos_overrides.{topics.masks(camera)}.publisher.depth"] = _QUEUE
    if plan.cameras != (EVERY_CAMERA,):
        # In quotes, as YAML has words like "off" that mean something else.
        parameters["cameras"] = str(list(plan.cameras))
    parameters |= {
        "model.package": plan.package,
        "input.transport": "raw" if plan.raw else "compressed",
        "query.labels": "''",
        "status.period_s": _STATUS_PERIOD_S,
        **plan.node_parameters,
    }
    return ["--ros-args", *topics.NODE_REMAPS, *parameter_arguments(parameters)]


def _camera(plan: SessionPlan) -> list[str]:
    """Return the module of the camera and its arguments."""
    if plan.playlist is not None:
        return ["ovseg_ros.nodes.demo.player", "--playlist", str(plan.playlist.bag)]
    module = "ovseg_ros.nodes.demo.camera"
    arguments = ["--drive", str(plan.drive), "--seconds", str(plan.seconds)]
    arguments += ["--rate-hz", str(plan.rate_hz)]
    if plan.raw_size_px is not None:
        width_px, height_px = plan.raw_size_px
        return [module, *arguments, "--raw", f"{width_px}x{height_px}", "--subscribers", "1"]
    return [module, *arguments, "--subscribers", "2"]
