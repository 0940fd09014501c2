"""Child processes that are always reaped: on success, on error, on Ctrl-C, and if we are killed."""

from __future__ import annotations

import contextlib
import ctypes
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.closing import Closing
from ovseg_ros.demo.events import Event, EventKind, parse_event
from ovseg_ros.errors import OvsegError

_PR_SET_PDEATHSIG = 1
_LOG_TAIL_LINES = 3
_EXIT_PATIENCE_S = 6.0
_STOP_SIGNALS = {signal.SIGINT, signal.SIGTERM}


class ProcessError(OvsegError):
    """A process of the demo died, or said that it cannot go on."""


@dataclass(frozen=True)
class Child:
    """One running process with the file that holds what it printed."""

    name: str
    process: subprocess.Popen[str]
    log: Path


class Processes(Closing):
    """Starts processes, collects their events and stops them all when the block is left."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        """`environment` is that of every process; `logs` is an existing folder for their output."""
        self._environment = dict(environment)
        self._logs = logs
        self._children: dict[str, Child] = {}
        self._readers: dict[str, threading.Thread] = {}
        self._events: queue.Queue[tuple[str, Event]] = queue.Queue()

    def start(self, name: str, module: str, *arguments: str) -> Child:
        """Start `python -m module arguments` as the process called `name`, maybe once again."""
        log = self._logs / f"{name}.log"
        with log.open("a", encoding="utf-8") as errors, _signals_held():
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                # A Ctrl-C of the terminal is ours to hand on, in order.
                start_new_session=True,
                preexec_fn=_prepare_child,
            )
            child = self._children[name] = Child(name, process, log)
        reader = threading.Thread(target=self._read, args=(child,), daemon=True)
        reader.start()
        self._readers[name] = reader
        return child

    def pid(self, name: str) -> int:
        """Return the process id of a started process."""
        return self._children[name].process.pid

    def next_event(self, timeout_s: float) -> tuple[str, Event] | None:
        """Return (process, event), or None when nothing came within `timeout_s` seconds.

        Raises `ProcessError` for an error event and for a process that died.
        """
        taken = self.take_event(timeout_s)
        if taken is None:
            self._check_alive()
        elif taken[1].kind is EventKind.ERROR:
            message = taken[1].fields.get("message")
            raise ProcessError(f"the {taken[0]} process stopped: {message}")
        return taken

    def take_event(self, timeout_s: float) -> tuple[str, Event] | None:
        """Return (process, event), or None within `timeout_s`, whatever became of the processes."""
        try:
            return self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def ended(self) -> dict[str, str]:
        """Return how processes ended that nobody stopped, in words, by name."""
        return {
            name: _last_words(child)
            for name, child in self._children.items()
            if child.process.poll() is not None
        }

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a deadly signal to a process, wait for it and return its exit code."""
        child = self._children.pop(name)
        child.process.send_signal(number)
        return child.process.wait()

    def stop(self, name: str, timeout_s: float = 20.0) -> int:
        """Interrupt a process, wait for it and return its exit code; it is killed if it hangs."""
        child = self._children.pop(name)
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGINT)
        try:
            return child.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            child.process.kill()
            return child.process.wait()

    def release(self, name: str, timeout_s: float = 20.0) -> int:
        """Wait for a process that ends by itself; the same as `stop` once it takes too long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._children[name].process.wait(timeout_s)
        return self.stop(name)

    def close(self) -> None:
        """Stop whatever still runs, the last started first."""
        for name in reversed(list(self._children)):
            self.stop(name, _EXIT_PATIENCE_S)
        for reader in self._readers.values():
            reader.join(timeout=1.0)

    def _read(self, child: Child) -> None:
        assert child.process.stdout is not None
        with child.log.open("a", encoding="utf-8", buffering=1) as log:
            for line in child.process.stdout:
                event = parse_event(line)
                if event is None:
                    log.write(line)
                else:
                    self._events.put((child.name, event))

    def _check_alive(self) -> None:
        for child in self._children.values():
            code = child.process.poll()
            if code is None:
                continue
            # Its last words may still be on their way.
            self._readers[child.name].join(timeout=1.0)
            if self._events.empty():
                raise ProcessError(f"the {child.name} process {_last_words(child)}")


def parameter_arguments(parameters: Mapping[str, str | float]) -> list[str]:
    """Return the arguments, behind `--ros-args`, that give a node its `parameters`."""
    return [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Hold signals back until a new process is on the list of those to stop."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare_child() -> None:
    """Let signals in, and ask Linux to end the new process if ours is killed."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _last_words(child: Child) -> str:
    """Return how a process ended, and the end of what it printed."""
    code = child.process.returncode
    how = f"died with exit code {code}"
    if code < 0:
        how = f"was killed by {signal.Signals(-code).name}"
    return f"{how}; last words: {_tail(child.log)}"


def _tail(log: Path) -> str:
    lines = [
        line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
    ]
    return " / ".join([line for line in lines if line][-_LOG_TAIL_LINES:]) or "nothing"
