"""What an examination finds: one finding per thing looked at, and the one command to run next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How a thing is.

    Only a fault keeps the main job, segmenting on this machine's processor, from running. A
    warning is about something that was installed or built here and will not work, or not well.
    """

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    ABSENT = "absent"


class Topic(Enum):
    """What is looked at, in the order of the report."""

    PYTHON = "Python"
    PLATFORM = "platform"
    MODULES = "modules"
    ONNXRUNTIME = "ONNX Runtime"
    OPENVINO = "OpenVINO"
    TORCH = "torch"
    DRIVER = "NVIDIA driver"
    GPU = "GPU"
    CUDA_PYTHON = "CUDA for Python"
    TENSORRT = "TensorRT"
    TENSORRT_RTX = "TensorRT-RTX"
    PACKAGE = "model package"
    CACHE = "cache folder"
    ENGINE = "engine"
    CHECK = "checks"
    ROS = "ROS 2"
    INTERFACES = "ROS interfaces"
    VISION_MSGS = "vision_msgs"
    SHM_PROFILE = "DDS profile"
    SHM = "shared memory"
    SOCKETS = "socket buffers"


@dataclass(frozen=True)
class Finding:
    """What was `found`, and the `remedy`: one exact command, empty where there is none to run.

    Raises `ValueError` for a warning or a fault without a remedy.
    """

    topic: Topic
    state: State
    found: str
    remedy: str = ""

    def __post_init__(self) -> None:
        """Refuse to worry a user without saying what to do."""
        if self.state in (State.WARNING, State.FAULT) and not self.remedy:
            raise ValueError(f"{self.topic.value}: a {self.state.value} needs a remedy")


@dataclass(frozen=True)
class Examination:
    """All findings, in the order of the report; `start` is the command once nothing is amiss."""

    findings: tuple[Finding, ...]
    start: str

    @property
    def healthy(self) -> bool:
        """Whether the main job can run here."""
        return not any(self.having(State.FAULT))

    @property
    def next_command(self) -> str:
        """The remedy of the first fault, else of the first warning, else the command to start."""
        for state in (State.FAULT, State.WARNING):
            for finding in self.having(state):
                return finding.remedy
        return self.start

    def having(self, state: State) -> Iterator[Finding]:
        """Yield the findings in `state`."""
        return (finding for finding in self.findings if finding.state is state)
