"""Machines that are not this one: file trees, environments and answers, for the doctor's tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovseg_ros.doctor.asking import Answer, Question
from ovseg_ros.doctor.surroundings import Surroundings

JETPACK_6 = "# R36 (release), REVISION: 4.3, GCID: 1, BOARD: generic, EABI: aarch64, DATE: today\n"
KERNEL_MODULE = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n"
    "GCC version:  gcc version 13.3.0\n"
)
NOT_THERE = Answer()
ORIN = {"name": "Orin", "capability": [8, 7], "free_bytes": 20 << 30, "total_bytes": 30 << 30}
GEFORCE = {
    "name": "NVIDIA GeForce RTX 4090",
    "capability": [8, 9],
    "free_bytes": 20 << 30,
    "total_bytes": 24 << 30,
}


def broken(refusal: str) -> Answer:
    """Return the answer of a thing whose import failed with the line `refusal`."""
    return Answer(refusal=refusal)


def driver(*devices: Mapping[str, Any], cuda: tuple[int, int] = (12, 8)) -> Answer:
    """Return the answer of a CUDA driver with these devices."""
    return Answer({"cuda": list(cuda), "devices": list(devices)})


def library(version: str, cuda: int | None = None, *capabilities: tuple[int, int]) -> Answer:
    """Return the answer of a library of TensorRT."""
    return Answer({"version": version, "cuda": cuda, "capabilities": list(capabilities)})


def answers(**changes: Answer) -> dict[Question, Answer]:
    """Return the answers of a bare processor with ONNX Runtime, and `changes` by question."""
    found = dict.fromkeys(Question, NOT_THERE)
    found[Question.CORE] = Answer({"missing": []})
    found[Question.ONNXRUNTIME] = Answer({"version": "1.20.1", "works": True})
    found[Question.CUDA_PYTHON] = Answer({"cuda-core": None, "cuda-bindings": None})
    return found | {Question[name.upper()]: answer for name, answer in changes.items()}


def machine(folder: Path, files: Mapping[str, str] | None = None, **changes: Any) -> Surroundings:
    """Return surroundings whose root is in `folder` and holds `files`, text by path."""
    root = folder / "root"
    (root / "dev/shm").mkdir(parents=True, exist_ok=True)
    for name, text in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    fields = {
        "cache": folder / "cache",
        "root": root,
        "environment": {},
        "prefix": folder / "venv",
        "python": (3, 12),
        "architecture": "x86_64",
    }
    return Surroundings(**(fields | changes))
