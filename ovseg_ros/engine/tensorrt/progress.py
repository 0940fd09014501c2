"""How far a build has come, and the way to stop it: TensorRT's progress monitor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import Event, Lock
from typing import Any


@dataclass(frozen=True)
class BuildProgress:
    """`fraction` of all in 0..1; the innermost `phase`, and the `step` of `steps` it is at."""

    fraction: float
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
    _furthest: float = 0.0

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
        fraction, share = 0.0, 1.0
        for phase in self._open:
            fraction += share * min(phase.step, phase.steps) / phase.steps
            share /= phase.steps
        # A phase that is over gives its share back until its parent counts the step.
        self._furthest = max(self._furthest, min(fraction, 1.0))
        if self._open:
            last = self._open[-1]
            self.on_progress(BuildProgress(self._furthest, last.name, last.step, last.steps))


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
