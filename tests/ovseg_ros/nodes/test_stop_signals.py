"""A stop is noticed whichever thread gets the signal, and whoever else asks for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import os, signal, threading, time
from ovseg_ros.nodes.stop_signals import StopRequest

stop = StopRequest()
assert not stop and not stop.wait(0.01)

def main_thread_waits():
    other = threading.Thread(target=ask)
    other.start()
    assert stop.wait() and stop and stop.wait(0.0)
    other.join()

def ask():
    time.sleep(0.2)
    {ask}

{body}
print("stopped")
"""
_OTHER_THREAD = "signal.pthread_kill(threading.get_ident(), signal.{name})"


@pytest.mark.parametrize(
    ("ask", "body"),
    [
        pytest.param(_OTHER_THREAD.format(name="SIGINT"), "main_thread_waits()", id="SIGINT"),
        pytest.param(_OTHER_THREAD.format(name="SIGTERM"), "main_thread_waits()", id="SIGTERM"),
        pytest.param("stop.make()", "main_thread_waits()", id="another thread"),
        pytest.param("os.kill(os.getpid(), signal.SIGTERM)", "ask(); stop.wait()", id="before"),
    ],
)
def test_a_request_ends_the_wait(ask: str, body: str) -> None:
    program = _PROGRAM.format(ask=ask, body=body)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, "stopped\n"), done.stderr
