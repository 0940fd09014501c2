"""Playing the frames of a plan to the live node, and what came back of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.camera_names import MAX_CAMERAS
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import Event
from ovseg_ros.demo.script import Door, Step
from ovseg_ros.demo.session import SessionPlan, SessionResult, run_session
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.frame_row import FrameFate
from ovseg_ros.evaluation.run.configuration import Configuration
from ovseg_ros.evaluation.run.evaluator import Job
from ovseg_ros.evaluation.run.plan import EvalPlan
from ovseg_ros.evaluation.run.playlist import (
    is_raw,
    names_on_node,
    own_rates_hz,
    write_playlist,
)
from ovseg_ros.query import format_query, parse_query

_DROPS = (FrameFate.REPLACED, FrameFate.STALE, FrameFate.SUPERSEDED, FrameFate.REJECTED)
# A frame that no counter of the node speaks of for so long never reached it.
_PATIENCE_NS = 2 * 10**9


@dataclass(frozen=True)
class LiveOptions:
    """How to play: `rate_hz` is that of each camera, 0 the rate it was recorded at; the node drops
    frames older than `max_age_ms`, 0 is no limit.
    """

    rate_hz: float = 0.0
    max_age_ms: float = 0.0


@dataclass(frozen=True)
class PlayedCamera:
    """What became of the frames of one camera, which is called `name` on the node.

    `stamps_ns` are those that its frames were played with, in their order, and `published_ns` says
    when the mask of a stamp was published. `fates` are of the stamps without a mask.
    """

    name: str
    rate_hz: float
    stamps_ns: tuple[int, ...]
    published_ns: Mapping[int, int]
    fates: Mapping[int, FrameFate]


@dataclass(frozen=True)
class LiveRecording:
    """What a session left.

    `bag` holds masks and confidence; `cameras` are by their names in the footage, as two of them
    may have frames with the same stamp. `label_ids` are the ids of the published labels in order;
    `statuses` are those of the node.
    """

    bag: Path
    cameras: Mapping[str, PlayedCamera]
    label_ids: tuple[int, ...]
    statuses: tuple[Mapping[str, Any], ...]

    def adapters_at(self, time_ns: int) -> tuple[tuple[str, float], ...]:
        """Return the adapters in force at a time, as the node reported them."""
        known = [status for status in self.statuses if status["time_ns"] <= time_ns]
        if not known:
            return ()
        names, weights = known[-1]["adapter_names"], known[-1]["adapter_weights"]
        return tuple(zip(names, weights, strict=True))


def record_live(
    plan: EvalPlan, options: LiveOptions, work: Path, on_event: Callable[[str, Event], None]
) -> LiveRecording:
    """Play the frames of `plan` to a node of the first job's configuration.

    `work` is an empty folder for the session. Raises `OvsegError` where the plan cannot be played,
    and `ProcessError` where a process dies; none is left running.
    """
    query, parameters = playable(plan, options)
    (footage,) = plan.footages
    rates = own_rates_hz(footage)
    if options.rate_hz:
        rates = dict.fromkeys(rates, options.rate_hz)
    playlist, seconds = write_playlist(work / "playlist", footage, rates)
    session = run_session(
        SessionPlan(
            drive=footage.source.path,
            seconds=seconds,
            script=(Step(0.0, Door.SERVICE, query),),
            package=plan.jobs[0].configuration.package,
            bag=work / "heard",
            node_parameters=parameters,
            playlist=playlist,
        ),
        work,
        on_event,
    )
    recording = session.recording
    if not recording["label_maps"]:
        said = "; ".join(str(query["message"]) for query in session.queries)
        raise OvsegError(f"the node took no query: {said or 'it gave no reason'}")
    labels = recording["label_maps"][-1]["labels"]
    names = names_on_node(footage)
    return LiveRecording(
        bag=work / "heard",
        cameras={
            camera: _played(session, names[camera], rate_hz, playlist.raw)
            for camera, rate_hz in rates.items()
        },
        label_ids=tuple(label["id"] for label in labels if not label["negative"]),
        statuses=tuple(recording["statuses"]),
    )


def _played(session: SessionResult, name: str, rate_hz: float, raw: bool) -> PlayedCamera:
    recording = session.recording
    stamps = session.sent_stamps_ns.get(topics.images(name, raw), [])
    masks = [row for row in recording["masks"] if row["camera"] == name]
    published = {row["stamp_ns"]: row["published_ns"] for row in masks}
    missing = [stamp for stamp in stamps if stamp not in published]
    fates = fates_of(missing, statuses_of(name, recording["statuses"]))
    return PlayedCamera(name, rate_hz, tuple(stamps), published, fates)


def playable(plan: EvalPlan, options: LiveOptions) -> tuple[str, dict[str, str | float]]:
    """Return the query and the parameters for the node; raises `OvsegError` like `record_live`.

    The cameras of one footage can be played, as many as a node takes, all raw or all compressed.
    """
    job = plan.jobs[0]
    if len(plan.footages) > 1:
        raise OvsegError(
            f"--live plays one recording at a time, not {len(plan.footages)}; evaluate them one "
            "after the other, each with an --out of its own"
        )
    footage = plan.footages[0]
    if len(footage.cameras) > MAX_CAMERAS:
        raise OvsegError(
            f"{len(footage.cameras)} cameras were chosen and a node takes {MAX_CAMERAS}; choose "
            "fewer with --image-topic for --live"
        )
    is_raw(footage)
    return _query_of(job), _parameters(job.configuration, options)


def statuses_of(camera: str, statuses: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries of a camera of the node in `statuses`, each with the time of its status.

    A node that is not configured reports no cameras.
    """
    return [
        {**entry, "time_ns": status["time_ns"]}
        for status in statuses
        for entry in status["cameras"]
        if entry["name"] == camera
    ]


def fates_of(
    missing_ns: Sequence[int], statuses: Iterable[Mapping[str, Any]]
) -> dict[int, FrameFate]:
    """Return what became of a camera's frames with the stamps `missing_ns`, by its counters.

    The counters of each status say how many were dropped until then and why. A frame gets the first
    reason that is counted after its stamp and not yet taken by an earlier frame; one that no
    counter speaks of was lost on its way to the node or back.
    """
    fates: dict[int, FrameFate] = {}
    left = sorted(missing_ns)
    counted = dict.fromkeys(_DROPS, 0)
    for status in statuses:
        for fate in _DROPS:
            for _ in range(status[fate.value] - counted[fate]):
                while left and left[0] + _PATIENCE_NS < status["time_ns"]:
                    fates[left.pop(0)] = FrameFate.LOST
                if left and left[0] <= status["time_ns"]:
                    fates[left.pop(0)] = fate
            counted[fate] = status[fate.value]
    return fates | dict.fromkeys(left, FrameFate.LOST)


def _query_of(job: Job) -> str:
    text = format_query(job.plan.specs)
    if parse_query(text).specs != job.plan.specs or job.plan.templates:
        raise OvsegError(
            "these labels cannot be asked for in one line (a name holds ; , | or =, or there are "
            "templates), as --live does; rename them in a --label-map"
        )
    return text


def _parameters(what: Configuration, options: LiveOptions) -> dict[str, str | float]:
    if what.adapters not in ("auto", "none"):
        raise OvsegError(f"--live takes --adapters auto or none, not '{what.adapters}'")
    parameters: dict[str, str | float] = {
        "engine.backend": what.engine.backend.value,
        "engine.precision": what.engine.precision.value,
        "engine.device": what.engine.device,
        "engine.threads": what.threads,
        "adapter.mode": what.adapters,
        "input.max_age_ms": float(options.max_age_ms),
    }
    if what.camera_px:
        parameters["engine.camera"] = "x".join(map(str, what.camera_px))
    if what.adapter_dir:
        parameters["adapter.dir"] = str(what.adapter_dir.absolute())
    return parameters
