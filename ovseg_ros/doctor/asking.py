"""Asking what this interpreter can import, each question in a process of its own.

An import may crash, print, or take memory on a GPU; none of that may happen to the doctor.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from signal import Signals
from typing import Any

_TIMEOUT_S = 60.0
# The path is handed over, so that the child imports what this process would.
_PROGRAM = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from ovseg_ros.doctor.questions import answer
found = answer(sys.argv[2])
print()
print(json.dumps(found))
"""


class Question(Enum):
    """What can be asked; `questions.py` answers."""

    CORE = "core"
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    TORCH = "torch"
    CUDA = "cuda"
    CUDA_PYTHON = "cuda-python"
    TENSORRT = "tensorrt"
    TENSORRT_RTX = "tensorrt_rtx"
    RCLPY = "rclpy"
    INTERFACES = "interfaces"
    VISION_MSGS = "vision_msgs"


@dataclass(frozen=True)
class Answer:
    """The `facts` of a thing that works, the `refusal` of one that does not; neither: not there."""

    facts: Mapping[str, Any] | None = None
    refusal: str = ""


def ask_all(questions: Iterable[Question] = tuple(Question)) -> dict[Question, Answer]:
    """Return the answers, which are found side by side."""
    asked = tuple(questions)
    with ThreadPoolExecutor(max_workers=4) as pool:
        return dict(zip(asked, pool.map(ask, asked), strict=True))


def ask(question: Question) -> Answer:
    """Return the answer to one question; a question that fails is answered by the reason."""
    command = [sys.executable, "-c", _PROGRAM, json.dumps(sys.path), question.value]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        return Answer(refusal=f"no answer within {_TIMEOUT_S:g} s")
    if done.returncode:
        return Answer(refusal=_reason(done.returncode, done.stderr))
    return Answer(json.loads(done.stdout.splitlines()[-1]))


def _reason(code: int, stderr: str) -> str:
    """Return the last line of a traceback, or the signal that ended the process."""
    if code < 0:
        return f"the import crashed with {Signals(-code).name}"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {code}"
