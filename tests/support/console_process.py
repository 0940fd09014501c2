"""The console as a process of its own, and what else a test of it needs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from ovseg_ros.closing import Closing

ROOT = Path(__file__).resolve().parent.parent.parent


class Program(Closing):
    """A Python module that runs until it is interrupted; what it prints goes to a file."""

    def __init__(self, log: Path, module: str, *arguments: str) -> None:
        """Start it."""
        self._log = log
        stream: IO[bytes]
        with log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", module, *arguments],
                cwd=ROOT,
                env=dict(os.environ),
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Interrupt it and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def close(self) -> None:
        """Interrupt it, if it still runs."""
        self.stop()
