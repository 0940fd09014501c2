"""How far a build has come, and the way to stop it: TensorRT's progress monitor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import Event, Lock
from typing import Any


@dataclass(frozen=True)
class BuildProgress:
    """`done` of `total` steps of the whole build, and the `step` of `steps` of the `phase` in it.

    Steps take very different times, and a phase does not know how many others follow it.
    """

    done: int
    total: int
    phase: str
    step: int
    steps: int


OnProgress = Callable[[BuildProgress], None]


@dataclass
class _Phase:
    name: str
    parent: str | None
    steps: int
    step: int = 0


@dataclass
class Phases:
    """The phases that a build is in, outermost first; its threads may report at the same time."""

    on_progress: OnProgress
    cancelled: Event
    _open: list[_Phase] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase of `steps` began within the phase `parent`."""
        with self._lock:
            self._open.append(_Phase(name, parent, max(1, steps)))
            self._report()

    def finish(self, name: str) -> None:
        """The innermost phase of this name is over, with what is left of it."""
        with self._lock:
            for phase in reversed(self._open):
                if phase.name == name:
                    self._open.remove(phase)
                    break
            self._report()

    def step(self, name: str, step: int) -> bool:
        """A step of a phase is done; return whether the build is to go on."""
        with self._lock:
            for phase in reversed(self._open):
                if phase.name == name:
                    phase.step = step + 1
                    break
            self._report()
        return not self.cancelled.is_set()

    def _report(self) -> None:
        if not self._open:
            return
        whole, *inner = self._open
        # The outermost one that counts: those inside of it come and go too quickly to be read.
        phase = next((each for each in inner if each.steps > 1), whole)
        now = BuildProgress(whole.step, whole.steps, phase.name, phase.step, phase.steps)
        self.on_progress(now)


def monitor_of(module: Any, phases: Phases) -> Any:
    """Return an IProgressMonitor of `module` that reports to `phases`; keep it until the end."""
    return _monitor_class(module)(phases)


@cache
def _monitor_class(module: Any) -> Any:
    class Monitor(module.IProgressMonitor):  # type: ignore[misc]
        def __init__(self, phases: Phases) -> None:
            module.IProgressMonitor.__init__(self)
            self._phases = phases

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._phases.start(phase_name, parent_phase, num_steps)

        def phase_finish(self, phase_name: str) -> None:
            self._phases.finish(phase_name)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return self._phases.step(phase_name, step)

    return Monitor
