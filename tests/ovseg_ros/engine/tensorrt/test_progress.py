"""What is shown of a build's phases, and how it is stopped."""

from __future__ import annotations

from threading import Event

from ovseg_ros.engine.tensorrt.progress import BuildProgress, Phases


def test_the_outermost_phase_counts_and_the_next_that_has_steps_is_named() -> None:
    shown: list[BuildProgress] = []
    phases = Phases(shown.append, Event())
    phases.start("all", None, 6)
    phases.start("part", "all", 1)
    phases.start("costs", "part", 10)
    phases.start("kernels", "costs", 99)
    phases.step("kernels", 40)
    phases.step("costs", 2)
    assert shown[-1] == BuildProgress(0, 6, "costs", 3, 10)
    for name in ("kernels", "costs", "part"):
        phases.finish(name)
    phases.step("all", 0)
    assert shown[-1] == BuildProgress(1, 6, "all", 1, 6)
    phases.finish("all")
    phases.finish("unknown")
    assert shown[-1].done == 1


def test_a_step_asks_whether_to_go_on() -> None:
    cancelled = Event()
    phases = Phases(lambda progress: None, cancelled)
    phases.start("all", None, 2)
    assert phases.step("all", 0) is True
    cancelled.set()
    assert phases.step("all", 1) is False
