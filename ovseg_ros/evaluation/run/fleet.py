"""Evaluating a plan on a Ray cluster, a task per segment; the sums are those of a direct run."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ovseg_ros.errors import MissingExtraError, OvsegError
from ovseg_ros.evaluation.run.chunks import ChunkStore
from ovseg_ros.evaluation.run.evaluator import Job, SegmentEvaluator
from ovseg_ros.evaluation.run.plan import EvalPlan
from ovseg_ros.evaluation.run.segment import Segment, SegmentResult

LOCAL = "local"
_RETRIES = 5
_CONNECT_TIMEOUT_S = 5.0
_STORE_BYTES = 256 * 1024 * 1024
# Tasks that wait per processor: enough that none is idle, few enough that results do not pile up.
_TASKS_PER_CPU = 2


@dataclass(frozen=True)
class FleetAddress:
    """Where to work: a cluster at `address`, or one of our own with `workers` (0: all cores)."""

    address: str = LOCAL
    workers: int = 0

    @classmethod
    def parse(cls, text: str) -> FleetAddress:
        """Return the address written as 'local', 'local:2' or 'host:port'; raises `OvsegError`."""
        name, _, number = text.partition(":")
        if name != LOCAL:
            return cls(text)
        if number and not (number.isdecimal() and int(number) > 0):
            raise OvsegError(f"--ray {text}: a number of workers was wanted, as in local:4")
        return cls(LOCAL, int(number or 0))


@dataclass(frozen=True)
class _Failure:
    """What a worker says in place of a result."""

    message: str


def run_fleet(
    plan: EvalPlan,
    store: ChunkStore,
    where: FleetAddress,
    keep_masks: bool,
    on_frames: Callable[[int], None],
) -> None:
    """Evaluate what `store` lacks on the workers of a cluster.

    A task whose worker is lost is given to another one. Raises `OvsegError` for what a task
    refuses, and `MissingExtraError` without Ray; what was done until then stays in the store.
    """
    missing = store.missing(plan.segments)
    on_frames(plan.frames - sum(len(segment.frames) for segment in missing))
    if not missing:
        return
    with _cluster(where) as ray:
        task = ray.remote(num_cpus=1, max_retries=_RETRIES)(evaluate_segment)
        jobs = ray.put(plan.jobs)
        waiting = list(missing[::-1])
        most = _TASKS_PER_CPU * max(1, int(ray.cluster_resources().get("CPU", 1)))
        running: dict[Any, Segment] = {}
        while waiting or running:
            while waiting and len(running) < most:
                segment = waiting.pop()
                running[task.remote(jobs, segment, keep_masks, os.getcwd())] = segment
            (done, *_), _ = ray.wait(list(running), num_returns=1)
            segment = running.pop(done)
            store.put(_result(ray, done))
            on_frames(len(segment.frames))


def evaluate_segment(
    jobs: tuple[Job, ...], segment: Segment, keep_masks: bool, folder: str
) -> bytes | _Failure:
    """Evaluate one segment in a worker; return its result as bytes, or why there is none.

    Relative paths begin at `folder`, where the one who asks is.
    """
    with suppress(OSError):
        os.chdir(folder)
    try:
        with SegmentEvaluator(jobs, keep_masks) as evaluator:
            return evaluator.evaluate(segment).to_bytes()
    except OvsegError as error:
        return _Failure(str(error))


def _result(ray: Any, done: Any) -> SegmentResult:
    try:
        found = ray.get(done)
    except ray.exceptions.RayError as error:
        raise OvsegError(
            f"a worker could not evaluate its segment, {_RETRIES} retries included: "
            f"{str(error).strip().splitlines()[-1][:300]}"
        ) from None
    if isinstance(found, _Failure):
        raise OvsegError(found.message)
    return SegmentResult.from_bytes(found)


@contextmanager
def _cluster(where: FleetAddress) -> Iterator[Any]:
    """Yield the module ray, connected; a cluster of our own ends with the block."""
    # Ray reads these while it is imported and started, and has no other switches.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if where.address == LOCAL:
        # One machine is enough, so that Ray listens on the loopback interface alone.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray
    except ImportError:
        raise MissingExtraError("ray", "fleet") from None
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if where.address == LOCAL:
        options |= {
            "include_dashboard": False,
            "num_cpus": where.workers or None,
            "object_store_memory": _STORE_BYTES,
        }
    try:
        _require_listener(where.address)
        ray.init(address=where.address, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise OvsegError(
            f"no Ray cluster at '{where.address}': {str(error).splitlines()[0][:200]}; start one "
            "with `ray start --head`, or use --ray local"
        ) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_listener(address: str) -> None:
    """Raise `OSError` where nobody listens at host:port; Ray itself would try for two minutes."""
    host, sign, port = address.removeprefix("ray://").rpartition(":")
    if sign and port.isdecimal():
        socket.create_connection((host, int(port)), _CONNECT_TIMEOUT_S).close()
