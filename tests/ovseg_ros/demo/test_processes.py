"""Child processes: their events, their deaths, and that none is left."""

import os
import signal
import sys
import time

import pytest

from ovseg_ros.demo.events import EventKind
from ovseg_ros.demo.processes import ProcessError, Processes

PROGRAMS = {
    "talks": "from ovseg_ros.demo.events import *\nimport time\n"
    "print('chatter', flush=True)\nemit(EventKind.READY, answer=42)\ntime.sleep(60)",
    "stubborn": "import signal, time\nfrom ovseg_ros.demo.events import *\n"
    "signal.signal(signal.SIGINT, signal.SIG_IGN)\nemit(EventKind.READY)\ntime.sleep(60)",
    "complains": "from ovseg_ros.demo.events import *\n"
    "emit(EventKind.ERROR, message='disk is full')",
    "crashes": "import sys\nprint('no such camera', file=sys.stderr)\nsys.exit(3)",
    "aborts": "import os\nos.abort()",
}


@pytest.fixture
def processes(tmp_path):
    for name, text in PROGRAMS.items():
        (tmp_path / f"{name}.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with Processes(environment, tmp_path) as started:
        yield started


def wait_for_event(processes):
    """Return the next event; the test's own time limit is generous, for a busy machine."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        event = processes.next_event(timeout_s=0.1)
        if event is not None:
            return event
    raise AssertionError("no event came")


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_events_are_told_apart_from_chatter(processes, tmp_path):
    processes.start("one", "talks")
    name, event = wait_for_event(processes)
    assert (name, event.kind, event.fields) == ("one", EventKind.READY, {"answer": 42})
    processes.stop("one")
    assert (tmp_path / "one.log").read_text().splitlines().count("chatter") == 1


@pytest.mark.parametrize(
    ("program", "message"),
    [
        pytest.param("complains", "the one process stopped: disk is full", id="error-event"),
        pytest.param("crashes", "died with exit code 3; last words: no such camera", id="exit"),
        pytest.param("aborts", "was killed by SIGABRT", id="signal"),
    ],
)
def test_a_process_that_cannot_go_on_ends_the_run_with_its_reason(processes, program, message):
    processes.start("one", program)
    with pytest.raises(ProcessError, match=message):
        wait_for_event(processes)


def test_no_process_is_left_when_the_block_is_left(tmp_path):
    for name, text in PROGRAMS.items():
        (tmp_path / f"{name}.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    with pytest.raises(KeyboardInterrupt), Processes(environment, tmp_path) as processes:
        pids = [processes.start(str(i), "talks").process.pid for i in range(3)]
        wait_for_event(processes)
        raise KeyboardInterrupt
    assert not [pid for pid in pids if is_running(pid)]


def test_a_process_that_ignores_the_interrupt_is_killed(processes):
    pid = processes.start("one", "stubborn").process.pid
    wait_for_event(processes)
    assert processes.stop("one", timeout_s=0.5) == -9
    assert not is_running(pid)


def test_a_process_that_was_killed_is_started_again_and_one_that_ended_is_named(
    processes, tmp_path
):
    processes.start("one", "talks")
    wait_for_event(processes)
    assert processes.ended() == {}
    assert processes.kill("one") == -signal.SIGKILL
    assert processes.ended() == {}, "it was asked for"
    processes.start("one", "talks")
    wait_for_event(processes)
    processes.stop("one")
    assert (tmp_path / "one.log").read_text().splitlines().count("chatter") == 2
    processes.start("two", "crashes").process.wait()
    assert processes.ended() == {"two": "died with exit code 3; last words: no such camera"}
