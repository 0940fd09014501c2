"""An interrupt ends the block even where Python drops or wraps the exception that it raised."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Each in a process of its own: signals to one that runs other tests reach their libraries too.
PROGRAM = """
import os, signal, sys, time, weakref
from ovseg_ros.interrupts import interruptible

class Doomed:
    def __init__(self, work=lambda: None):
        self.work = work
    def __del__(self):
        self.work()

class Named:
    def __set_name__(self, owner, name):
        interrupt()

def interrupt():
    os.kill(os.getpid(), signal.{sign})

def fail():
    raise OSError("in a destructor")

def state():
    heard = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    timer = signal.getitimer(signal.ITIMER_REAL)
    return [signal.getsignal(each) for each in heard], timer, sys.unraisablehook

signal.signal(signal.SIGINT, signal.{before})
before = state()
try:
    with interruptible():
        {work}
        print("went on")
except KeyboardInterrupt:
    print("interrupted")
except ValueError as error:
    print(error)
assert state() == before
"""
WAIT = "time.sleep(60)"
CALLBACK = f"""thing = Doomed()
        watch = weakref.ref(thing, lambda _: interrupt())
        del thing; {WAIT}"""


def outcome(work: str, sign: str = "SIGINT", before: str = "default_int_handler") -> str:
    program = PROGRAM.format(sign=sign, before=before, work=work)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip() + done.stderr


@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    "work",
    [
        pytest.param("interrupt()", id="anywhere"),
        pytest.param(f"Doomed(interrupt); {WAIT}", id="destructor"),
        pytest.param(f"Doomed(interrupt); Doomed(interrupt); {WAIT}", id="destructors"),
        # As the import system has at its locks.
        pytest.param(CALLBACK, id="callback"),
        pytest.param('type("Owner", (), {"named": Named()})', id="class"),
    ],
)
def test_it_ends_the_block(work: str, sign: str) -> None:
    assert outcome(work, sign) == "interrupted"


def test_other_errors_are_as_they_were() -> None:
    assert outcome('raise ValueError("no number")') == "no number"


def test_what_else_is_dropped_is_reported() -> None:
    shown = outcome("Doomed(fail)")
    assert shown.startswith("went on") and "OSError: in a destructor" in shown


def test_a_job_that_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    assert outcome("interrupt()", before="SIG_IGN") == "went on"
