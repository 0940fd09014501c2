"""`EvalReport`: everything that an evaluation found, as the page and the JSON take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.metrics.summary import Summary

ALL = "all"


def domain_selection(domain: str) -> str:
    """Return the name of the selection of all frames of a domain."""
    return f"domain {domain}"


def camera_selection(camera: str) -> str:
    """Return the name of the selection of all frames of a camera."""
    return f"camera {camera}"


def source_selection(source: str) -> str:
    """Return the name of the selection of all frames of a bag, where there are several."""
    return f"bag {source}"


@dataclass(frozen=True)
class Thumbnail:
    """JPEG pictures of one frame: as it came, under its labels, under its ground truth.

    `errors` shows the wrong pixels, `against` the labels of the other configuration; pictures that
    there are not are None.
    """

    row: FrameRow
    image: bytes
    overlay: bytes
    truth: bytes | None = None
    errors: bytes | None = None
    against: bytes | None = None


@dataclass(frozen=True)
class CameraFacts:
    """What the frames of one camera went through in a live run.

    `sent` frames left the camera at `rate_hz`. `compared` masks were set beside those of a direct
    run, and `different` names the frames whose masks were not the same.
    """

    camera: str
    rate_hz: float
    sent: int
    compared: int = 0
    different: tuple[str, ...] = ()


@dataclass(frozen=True)
class LiveFacts:
    """What the frames of all `cameras` went through in a live run."""

    cameras: tuple[CameraFacts, ...]

    @property
    def rate_hz(self) -> float:
        """Frames of all cameras together, a second."""
        return sum(camera.rate_hz for camera in self.cameras)

    @property
    def rates(self) -> str:
        """The rates of the cameras in words, those that are the same once."""
        return ", ".join(dict.fromkeys(f"{camera.rate_hz:g}" for camera in self.cameras)) + " Hz"

    @property
    def sent(self) -> int:
        """How many frames left the cameras."""
        return sum(camera.sent for camera in self.cameras)

    @property
    def compared(self) -> int:
        """How many masks were set beside those of a direct run."""
        return sum(camera.compared for camera in self.cameras)

    @property
    def different(self) -> tuple[str, ...]:
        """The names of the frames whose masks were not those of a direct run."""
        return tuple(name for camera in self.cameras for name in camera.different)


@dataclass(frozen=True)
class EvalReport:
    """An evaluation of one configuration.

    `facts` say what was evaluated and how, and are the same on every run; `run` says when, where
    and how long, and is not. `summaries` are by selection: "all", `domain_selection`,
    `camera_selection` and `source_selection`. `frames` are in order of source, camera and index.
    `colors` are RGB by label. `notes` are sentences on what was odd in the data. `against` is
    another configuration on the same frames.
    """

    title: str
    facts: Mapping[str, str]
    summaries: Mapping[str, Summary]
    frames: tuple[FrameRow, ...]
    colors: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    thumbnails: tuple[Thumbnail, ...] = ()
    live: LiveFacts | None = None
    notes: tuple[str, ...] = ()
    run: Mapping[str, str] = field(default_factory=dict)
    against: EvalReport | None = None

    @property
    def total(self) -> Summary:
        """The summary of all frames."""
        return self.summaries[ALL]
