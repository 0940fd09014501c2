"""`Health`: everything that status and diagnostics say about the node, at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from std_msgs.msg import Header

from ovseg_ros.adapters.mix import AdapterMix
from ovseg_ros.nodes.statistics import Snapshot
from ovseg_ros.vocabulary import Vocabulary


@dataclass(frozen=True)
class ModelHealth:
    """The loaded model and what it runs; there is none in the state unconfigured.

    `vocabulary` is None before the first query; `guessed` are the labels the text tower was not
    trained on; `wanted` tells whether anybody subscribes to an image; `last_header` is that of the
    last published frame.
    """

    package: str
    backend: str
    device: str
    confidence_kind: str
    vocabulary: Vocabulary | None
    guessed: tuple[str, ...]
    adapter_mix: AdapterMix
    adapter_switches: int
    wanted: bool
    last_header: Header


@dataclass(frozen=True)
class Health:
    """The node as a whole. `state` is its lifecycle state, `topic` the camera's while active.

    `stall_timeout_s` is the silence of the camera after which it counts as stalled, 0 for never.
    `stuck_engines` were given up, have not come back, and hold their memory.
    """

    state: str
    enabled: bool
    topic: str
    stall_timeout_s: float
    snapshot: Snapshot
    model: ModelHealth | None
    stuck_engines: int = 0
