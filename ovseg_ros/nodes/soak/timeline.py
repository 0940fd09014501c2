"""The plan of a soak as one of its processes follows it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from ovseg_ros.bench.soak.faults import Fault, PlannedFault, load_plan


class Timeline:
    """Hands out the faults of some kinds when they are due, from the moment that `go` names.

    What was due before this process started was the business of the one before it.
    """

    def __init__(self, plan: Path, go: Path, kinds: Iterable[Fault]) -> None:
        """Read the plan; `go` holds the start in ns since the epoch, once it exists."""
        self._plan = list(load_plan(plan.read_text(encoding="utf-8"), kinds))
        self._go = go
        self._start_ns: int | None = None
        self._born_ns = time.time_ns()

    def take_due(self) -> PlannedFault | None:
        """Return the next fault that is due, None where there is none yet."""
        if self._start_ns is None and not self._begin():
            return None
        if self._plan and self._when_ns(self._plan[0]) <= time.time_ns():
            return self._plan.pop(0)
        return None

    def _begin(self) -> bool:
        if not self._go.exists():
            return False
        self._start_ns = int(self._go.read_text(encoding="ascii"))
        self._plan = [each for each in self._plan if self._when_ns(each) >= self._born_ns]
        return True

    def _when_ns(self, planned: PlannedFault) -> int:
        assert self._start_ns is not None
        return self._start_ns + int(planned.at_s * 1e9)
