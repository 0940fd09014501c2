"""Runs the segmentation node as a process of its own, as a robot does."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovseg_ros.closing import Closing

ROOT = Path(__file__).resolve().parent.parent.parent
NODE_NAME = "ovseg"
_numbers = itertools.count(1)


class NodeProcess(Closing):
    """`python -m ovseg_ros.nodes.main` in a namespace of its own; its log goes to a file."""

    def __init__(
        self,
        log: Path,
        parameters: Mapping[str, Any],
        *,
        env: Mapping[str, str] | None = None,
        namespace: str | None = None,
        arguments: tuple[str, ...] = (),
    ) -> None:
        """Start the process; `parameters` become `-p name:=value` and `env` is added to ours."""
        self.namespace = namespace or f"/test_{os.getpid()}_{next(_numbers)}"
        self._log = log
        command = [sys.executable, "-m", "ovseg_ros.nodes.main", "--ros-args"]
        command += ["-r", f"__ns:={self.namespace}", *arguments]
        for name, value in parameters.items():
            command += ["-p", f"{name}:={value}"]
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PYTHONFAULTHANDLER": "1", **(env or {})},
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    @property
    def name(self) -> str:
        """The full name of the node."""
        return f"{self.namespace}/{NODE_NAME}"

    @property
    def log(self) -> str:
        """Everything the process has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self.process.poll() is None

    def wait_for_log(self, text: str, timeout_s: float = 20.0) -> None:
        """Wait until the process has printed `text`."""
        end = time.monotonic() + timeout_s
        while text not in self.log:
            assert self.running, f"the node ended with {self.process.returncode}:\n{self.log}"
            assert time.monotonic() < end, f"'{text}' was not printed:\n{self.log}"
            time.sleep(0.005)

    def stop(self, number: signal.Signals = signal.SIGINT, timeout_s: float = 30.0) -> int:
        """Send a signal and return the exit code; a process that hangs is killed and reported."""
        if self.running:
            self.process.send_signal(number)
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            # It prints where every thread stands.
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f"the node ignored {number.name}:\n{self.log}") from None

    def close(self) -> None:
        """End the process, whatever state it is in."""
        if self.running:
            self.stop()
