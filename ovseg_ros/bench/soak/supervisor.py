"""Keeps the processes of a soak running, kills them as planned, and collects the evidence."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.bench.soak.adapter_files import AdapterFiles
from ovseg_ros.bench.soak.evidence import Evidence, MadeFault, NodeLife
from ovseg_ros.bench.soak.faults import KILLS, Fault, PlannedFault
from ovseg_ros.demo.events import Event, EventKind
from ovseg_ros.demo.processes import ProcessError, Processes
from ovseg_ros.output import write_file
from ovseg_ros.process_status import process_status

NODE, CAMERA, OPERATOR, LISTENER = "node", "camera", "operator", "listener"
VICTIM = dict(zip(KILLS, (NODE, CAMERA, OPERATOR, LISTENER), strict=True))
# A question to a killed node is lost for as long as the middleware believes in it: twenty seconds.
DEADLOCK_S = 40.0
_START_TIMEOUT_S = 90.0
_SAMPLE_S = 1.0
_MOST_INCIDENTS = 20


@dataclass(frozen=True)
class Program:
    """How a process is started: `python -m module arguments`."""

    module: str
    arguments: tuple[str, ...]


class Supervisor:
    """Starts every process again that ends, and notes those that were not meant to."""

    def __init__(
        self,
        processes: Processes,
        programs: Mapping[str, Program],
        adapters: AdapterFiles,
        on_second: Callable[[], None],
    ) -> None:
        """`programs` by name of the process; `on_second` is called about once a second."""
        self.evidence = Evidence()
        self._processes = processes
        self._programs = programs
        self._adapters = adapters
        self._on_second = on_second
        self._sample_s = 0.0
        self._answered_s = time.monotonic()

    def run(self, plan: Sequence[PlannedFault], seconds: float, go: Path) -> None:
        """Start everything, wait for masks, let the faults begin by writing `go`, and see it out.

        Raises `ProcessError` where no mask comes, or processes die again and again.
        """
        for name in self._programs:
            self._start(name)
        self._follow_until(time.monotonic() + _START_TIMEOUT_S, lambda: bool(self.evidence.masks))
        if not self.evidence.masks:
            raise ProcessError(
                f"no mask came within {_START_TIMEOUT_S:g} s; the logs say why: "
                + "; ".join(self.evidence.incidents or ["nobody complained"])
            )
        self.evidence.started_ns = time.time_ns()
        write_file(go, str(self.evidence.started_ns).encode())
        start_s = time.monotonic()
        for planned in plan:
            self._follow_until(start_s + planned.at_s)
            self._make(planned)
        self._follow_until(start_s + seconds)
        self.evidence.ended_ns = time.time_ns()

    def _start(self, name: str) -> None:
        program = self._programs[name]
        if name == NODE:
            self.evidence.lives.append(NodeLife(time.time_ns()))
        if name in (NODE, OPERATOR):
            self._answered_s = time.monotonic()
        self._processes.start(name, program.module, *program.arguments)

    def _make(self, planned: PlannedFault) -> None:
        if planned.fault is Fault.FILES:
            self._adapters.change(random.Random(planned.seed))
            self.evidence.counts["changes of adapter files"] += 1
            return
        victim, now_ns = VICTIM[planned.fault], time.time_ns()
        self._processes.kill(victim)
        self._start(victim)
        self.evidence.faults.append(MadeFault(planned.fault, now_ns, now_ns))

    def _follow_until(self, moment_s: float, done: Callable[[], bool] = lambda: False) -> None:
        """Take events until a moment on the monotonic clock, or until `done`."""
        while (left_s := moment_s - time.monotonic()) > 0 and not done():
            taken = self._processes.take_event(min(0.1, left_s))
            if taken is not None:
                self._note(*taken)
            self._replace_the_dead()
            if time.monotonic() >= self._sample_s:
                self._look()

    def _note(self, name: str, event: Event) -> None:
        evidence, fields = self.evidence, event.fields
        if event.kind is EventKind.ERROR:
            self._blame(f"the {name} gave up: {fields.get('message')}")
        elif event.kind is EventKind.FAULT:
            evidence.faults.append(
                MadeFault(Fault(fields["fault"]), fields["began_ns"], fields["ended_ns"])
            )
        elif event.kind is EventKind.TICK and name == LISTENER:
            evidence.masks.extend((stamp, received) for stamp, received in fields["masks"])
            evidence.broken.update(fields["broken"])
        elif event.kind is EventKind.TICK and name == OPERATOR:
            self._note_answers(fields)

    def _note_answers(self, fields: Mapping[str, Any]) -> None:
        if fields["answers_ms"]:
            self._answered_s = time.monotonic()
        self.evidence.answers_ms.extend(fields["answers_ms"])
        self.evidence.counts.update(fields["counts"])
        for wrong in fields["wrong"]:
            self._blame(f"wrong answer: {wrong}")

    def _look(self) -> None:
        """Sample the node, and take one that no longer answers for dead."""
        self._sample_s = time.monotonic() + _SAMPLE_S
        life = self.evidence.lives[-1]
        life.sampled_ns.append(time.time_ns())
        life.samples.append(process_status(self._processes.pid(NODE)))
        if time.monotonic() - self._answered_s > DEADLOCK_S:
            self._blame(f"the node answered nothing for {DEADLOCK_S:g} s; its log has the threads")
            self._processes.kill(NODE, signal.SIGABRT)
            self._start(NODE)
        self._on_second()

    def _replace_the_dead(self) -> None:
        for name, how in self._processes.ended().items():
            self._blame(f"the {name} {how}")
            self._processes.stop(name)
            self._start(name)

    def _blame(self, what: str) -> None:
        self.evidence.incidents.append(what)
        if len(self.evidence.incidents) >= _MOST_INCIDENTS:
            raise ProcessError(
                f"the soak is given up after {_MOST_INCIDENTS} incidents, the last: {what}"
            )
