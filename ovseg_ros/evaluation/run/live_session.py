"""Playing the frames of a plan to the live node, and what came back of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.demo.events import Event
from ovseg_ros.demo.script import Door, Step
from ovseg_ros.demo.session import SessionPlan, run_session
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.frame_row import FrameFate
from ovseg_ros.evaluation.run.configuration import Configuration
from ovseg_ros.evaluation.run.evaluator import Job
from ovseg_ros.evaluation.run.plan import EvalPlan
from ovseg_ros.evaluation.run.playlist import own_rate_hz, write_playlist
from ovseg_ros.query import format_query, parse_query

_DROPS = (FrameFate.REPLACED, FrameFate.STALE, FrameFate.SUPERSEDED, FrameFate.REJECTED)
# A frame that no counter of the node speaks of for so long never reached it.
_PATIENCE_NS = 2 * 10**9


@dataclass(frozen=True)
class LiveOptions:
    """How to play: `rate_hz` 0 is the rate of the recording; the node drops frames older than
    `max_age_ms`, 0 is no limit.
    """

    rate_hz: float = 0.0
    max_age_ms: float = 0.0


@dataclass(frozen=True)
class LiveRecording:
    """What a session left.

    `bag` holds masks and confidence; `stamps_ns` are those that the frames were played with, in the
    order of the plan, and `published_ns` says when the mask of a stamp was published. `fates` are
    of the stamps without a mask. `label_ids` are the ids of the published labels in order;
    `statuses` are those of the node.
    """

    bag: Path
    rate_hz: float
    stamps_ns: tuple[int, ...]
    published_ns: Mapping[int, int]
    fates: Mapping[int, FrameFate]
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

    `work` is an empty folder for the session. Raises `OvsegError` where the plan has several
    cameras or sources, and `ProcessError` where a process dies; none is left running.
    """
    job = plan.jobs[0]
    query, parameters = playable(plan, options)
    rate_hz = options.rate_hz or own_rate_hz(plan.footages[0].frames)
    session = run_session(
        SessionPlan(
            drive=plan.footages[0].source.path,
            seconds=plan.frames / rate_hz,
            script=(Step(0.0, Door.SERVICE, query),),
            package=job.configuration.package,
            rate_hz=rate_hz,
            bag=work / "heard",
            node_parameters=parameters,
            playlist=write_playlist(work / "playlist", plan.segments),
        ),
        work,
        on_event,
    )
    recording = session.recording
    if not recording["label_maps"]:
        said = "; ".join(str(query["message"]) for query in session.queries)
        raise OvsegError(f"the node took no query: {said or 'it gave no reason'}")
    published = {row["stamp_ns"]: row["published_ns"] for row in recording["masks"]}
    stamps = session.sent_stamps_ns
    labels = recording["label_maps"][-1]["labels"]
    return LiveRecording(
        bag=work / "heard",
        rate_hz=rate_hz,
        stamps_ns=tuple(stamps),
        published_ns=published,
        fates=fates_of([s for s in stamps if s not in published], recording["statuses"]),
        label_ids=tuple(label["id"] for label in labels if not label["negative"]),
        statuses=tuple(recording["statuses"]),
    )


def playable(plan: EvalPlan, options: LiveOptions) -> tuple[str, dict[str, str | float]]:
    """Return the query and the parameters for the node; raises `OvsegError` like `record_live`."""
    job = plan.jobs[0]
    if len({(segment.source_name, segment.camera) for segment in plan.segments}) > 1:
        raise OvsegError("--live plays one camera of one bag; choose it with --image-topic")
    return _query_of(job), _parameters(job.configuration, options)


def fates_of(
    missing_ns: Sequence[int], statuses: Iterable[Mapping[str, Any]]
) -> dict[int, FrameFate]:
    """Return what became of the frames with the stamps `missing_ns`, by the node's counters.

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
