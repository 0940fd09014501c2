"""What a number was measured on: processor, memory, system and versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("ovseg_ros", "onnxruntime", "openvino", "numpy", "rclpy")


def describe_machine() -> dict[str, str | int | float]:
    """Return the processor, its cores, the memory in GB, and the versions that matter."""
    facts: dict[str, str | int | float] = {
        "cpu": processor_name(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }
    for package in _PACKAGES:
        facts[package] = _version(package)
    return facts


def machine_line() -> str:
    """Return the machine in a few words."""
    facts = describe_machine()
    return f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gb']} GB"


def processor_name() -> str:
    """Return the processor as Linux names it, or only its architecture where it does not."""
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(package: str) -> str:
    for name in (package, f"ros-{package}", f"ros-kilted-{package}", f"ros-jazzy-{package}"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "not installed"
