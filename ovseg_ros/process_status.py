"""What Linux says about a running process: memory, threads, open files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessStatus:
    """Memory in use and at its peak in MB, threads and open files; all 0 once the process died.

    `shared_mb` is the part of `rss_mb` that lies in memory shared with other processes: with Fast
    DDS its own segment for messages and those of its peers, which fill up while images pass.
    """

    rss_mb: float = 0.0
    shared_mb: float = 0.0
    peak_rss_mb: float = 0.0
    threads: int = 0
    files: int = 0


def process_status(pid: int) -> ProcessStatus:
    """Return the status of the process `pid` of this user, see proc_pid_status(5)."""
    folder = Path("/proc") / str(pid)
    try:
        lines = (folder / "status").read_text(encoding="ascii", errors="replace").splitlines()
        files = len(os.listdir(folder / "fd"))
    except OSError:
        return ProcessStatus()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)

    def megabytes(name: str) -> float:
        # A process that is being reaped has no memory any more.
        return int(fields[name].split()[0]) * 1024 / 1e6 if name in fields else 0.0

    return ProcessStatus(
        rss_mb=megabytes("VmRSS"),
        shared_mb=megabytes("RssShmem"),
        peak_rss_mb=megabytes("VmHWM"),
        threads=int(fields["Threads"]),
        files=files,
    )
