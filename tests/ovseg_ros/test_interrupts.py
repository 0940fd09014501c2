"""An interrupt ends the block even where Python drops or wraps the exception that it raised."""

from __future__ import annotations

import os
import signal
import sys
import time
import weakref
from collections.abc import Callable

import pytest

from ovseg_ros.interrupts import interruptible

SIGNALS = [signal.SIGINT, signal.SIGTERM]
Interrupt = Callable[[], None]


class Doomed:
    def __init__(self, interrupt: Interrupt | None = None) -> None:
        self.interrupt = interrupt

    def __del__(self) -> None:
        if self.interrupt is not None:
            self.interrupt()


def in_a_destructor(interrupt: Interrupt) -> None:
    Doomed(interrupt)
    time.sleep(60)


def in_two_destructors(interrupt: Interrupt) -> None:
    Doomed(interrupt)
    Doomed(interrupt)
    time.sleep(60)


def in_a_callback(interrupt: Interrupt) -> None:
    """As those that the import system has at its locks."""
    thing = Doomed()
    watch = weakref.ref(thing, lambda _: interrupt())
    del thing
    time.sleep(60)
    assert watch() is None


def in_the_making_of_a_class(interrupt: Interrupt) -> None:
    class Named:
        def __set_name__(self, owner: type, name: str) -> None:
            interrupt()

    type("Owner", (), {"named": Named()})


def anywhere(interrupt: Interrupt) -> None:
    interrupt()


WORKS = [anywhere, in_a_destructor, in_two_destructors, in_a_callback, in_the_making_of_a_class]


@pytest.mark.parametrize("sign", SIGNALS)
@pytest.mark.parametrize("work", WORKS)
def test_it_ends_the_block(work: Callable[[Interrupt], None], sign: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)]
    report = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), interruptible():
        work(lambda: os.kill(os.getpid(), sign))
    assert [signal.getsignal(each) for each in (*SIGNALS, signal.SIGALRM)] == before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert sys.unraisablehook is report


def test_other_errors_are_as_they_were() -> None:
    with pytest.raises(ValueError, match="no number"), interruptible():
        raise ValueError("no number")


def test_what_else_is_dropped_is_reported(monkeypatch) -> None:
    reported: list[type] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: reported.append(dropped.exc_type))

    def fail() -> None:
        raise OSError("in a destructor")

    with interruptible():
        Doomed(fail)
    assert reported == [OSError]


def test_a_job_that_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
