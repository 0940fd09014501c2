"""`ovseg bench soak`: four processes, faults without rest, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from ovseg_ros.bench.results import BenchResult
from ovseg_ros.bench.soak.adapter_files import AdapterFiles
from ovseg_ros.bench.soak.evidence import Evidence
from ovseg_ros.bench.soak.faults import KILLS, Fault, dump_plan, plan_faults
from ovseg_ros.bench.soak.report import soak_result
from ovseg_ros.bench.soak.supervisor import (
    CAMERA,
    LISTENER,
    NODE,
    OPERATOR,
    Program,
    Supervisor,
)
from ovseg_ros.demo import topics
from ovseg_ros.demo.graph import private_graph
from ovseg_ros.demo.processes import Processes, parameter_arguments
from ovseg_ros.output import write_file
from ovseg_ros.packages import ModelPackage
from ovseg_ros.shm_leftovers import find_leftovers, remove_leftovers

RATE_HZ = 15.0
_STATUS_PERIOD_S = 0.5
_OF_THE_SUPERVISOR = {*KILLS, Fault.FILES}


def bench_soak(
    drive: Path,
    package: str,
    minutes: float,
    seed: int,
    work: Path,
    on_second: Callable[[], None],
) -> BenchResult:
    """Run the node for `minutes` among the faults of `seed`, and judge what came of it.

    `work` is an existing folder for logs and hand-overs. Raises `ProcessError` where the processes
    cannot be kept running; none is left in any case.
    """
    seconds = 60 * minutes
    plan_file, go = work / "plan.json", work / "go"
    plan = plan_faults(seconds, seed)
    write_file(plan_file, dump_plan(plan).encode())
    loaded = ModelPackage.load(package)
    adapters = AdapterFiles(loaded.folder, work / "adapters")
    follow = ("--plan", str(plan_file), "--go", str(go))
    programs = {
        LISTENER: Program("ovseg_ros.nodes.soak.listener", ()),
        NODE: Program("ovseg_ros.nodes.main", _node(package, adapters.folder)),
        CAMERA: Program(
            "ovseg_ros.nodes.soak.camera",
            ("--drive", str(drive), "--rate-hz", str(RATE_HZ), *follow),
        ),
        OPERATOR: Program("ovseg_ros.nodes.soak.operator", ("--package", package, *follow)),
    }
    remove_leftovers()
    with (
        private_graph() as environment,
        # A process that is aborted then prints where every thread stands.
        Processes({**environment, "PYTHONFAULTHANDLER": "1"}, work) as processes,
    ):
        supervisor = Supervisor(processes, programs, adapters, on_second)
        mine = [planned for planned in plan if planned.fault in _OF_THE_SUPERVISOR]
        supervisor.run(mine, seconds, go)
        for name in (CAMERA, OPERATOR, LISTENER, NODE):
            _expect_clean_end(supervisor.evidence, name, processes.stop(name))
    supervisor.evidence.leftovers = len(find_leftovers(youngest_s=-math.inf))
    remove_leftovers()
    return soak_result(supervisor.evidence, minutes, seed)


def _expect_clean_end(evidence: Evidence, name: str, code: int) -> None:
    if code:
        evidence.incidents.append(f"the {name} ended with exit code {code} when it was stopped")


def _node(package: str, adapters: Path) -> tuple[str, ...]:
    parameters: dict[str, str | float] = {
        "model.package": package,
        "lifecycle.autostart": "true",
        "adapter.dir": str(adapters),
        "query.labels": "'person; car; road'",
        "status.period_s": _STATUS_PERIOD_S,
    }
    return ("--ros-args", *topics.NODE_REMAPS, *parameter_arguments(parameters))
