"""`Robot`: what the page may ask of the node; `nodes/console/robot_link.py` does it over ROS."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What the node said: whether it did what was asked, and a sentence."""

    success: bool
    message: str


class Robot(Protocol):
    """Asks the node; every answer comes in time of its own, or never."""

    def set_labels(self, query: str) -> Future[Answer]:
        """Ask for the labels of `query`, in the query grammar."""

    def set_adapter(
        self, mode: str, names: Sequence[str], weights: Sequence[float]
    ) -> Future[Answer]:
        """Choose how domain adapters are mixed; see srv/SetAdapter.srv."""

    def enable(self, on: bool) -> Future[Answer]:
        """Let the node segment, or have it ignore its camera."""
