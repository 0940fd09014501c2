"""`Health`: everything that status and diagnostics say about the node, at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field

from std_msgs.msg import Header

from ovseg_ros.adapters.mix import AdapterMix
from ovseg_ros.nodes.frames import stamp_ns
from ovseg_ros.nodes.point_health import PointHealth
from ovseg_ros.nodes.statistics import Snapshot
from ovseg_ros.vocabulary import Vocabulary


@dataclass(frozen=True)
class ModelHealth:
    """The loaded model and what it runs; there is none in the state unconfigured.

    `vocabulary` is that of the node, None before the first query; `guessed` are its labels that the
    text tower was not trained on.
    """

    package: str
    backend: str
    device: str
    confidence_kind: str
    vocabulary: Vocabulary | None
    guessed: tuple[str, ...]
    adapter_mix: AdapterMix
    adapter_switches: int


@dataclass(frozen=True)
class CameraHealth:
    """One camera. `name` is empty for a single one, `topic` while the node is not active.

    `revision` is that of its query, 0 before the first one, and `own_query` tells whether that is
    its own; `wanted` whether anybody subscribes to an image or to points; `last_header` is that of
    the last published frame; `points` is None while there is no model.
    """

    name: str
    snapshot: Snapshot
    topic: str = ""
    revision: int = 0
    own_query: bool = False
    wanted: bool = False
    last_header: Header = field(default_factory=Header)
    points: PointHealth | None = None


@dataclass(frozen=True)
class Health:
    """The node as a whole, `snapshot` that of all cameras; `state` is its lifecycle state.

    `stall_timeout_s` is the silence of a camera after which it counts as stalled, 0 for never.
    `stuck_engines` were given up, have not come back, and hold their memory.
    """

    state: str
    enabled: bool
    stall_timeout_s: float
    snapshot: Snapshot
    cameras: tuple[CameraHealth, ...]
    model: ModelHealth | None
    stuck_engines: int = 0

    @property
    def last_header(self) -> Header:
        """The header of the newest frame that was published; stamp 0 before the first one."""
        return max((camera.last_header for camera in self.cameras), key=stamp_ns, default=Header())
