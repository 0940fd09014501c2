"""`Footage`: a bag or a folder as an evaluation sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.footage.frame import FootageFrame
from ovseg_ros.evaluation.footage.label_map import LabelMap
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.vocabulary import NOT_EVALUATED_ID


@dataclass(frozen=True)
class Source:
    """Where footage lies and what the ids of its ground truth mean; light enough to be sent.

    `names` maps an id to the label it stands for; pixels of `ignored` ids are not evaluated.
    """

    path: Path
    name: str
    names: Mapping[int, str] = field(default_factory=dict)
    ignored: frozenset[int] = frozenset({NOT_EVALUATED_ID})

    def unnamed_ids(self, ids: UInt8Array) -> list[int]:
        """Return those ids in `ids` uint8 [H, W] that have no name and are not ignored."""
        found = np.flatnonzero(np.bincount(ids.ravel(), minlength=256)).tolist()
        return [i for i in found if i not in self.names and i not in self.ignored]

    def renamed(self, labels: LabelMap) -> Source:
        """Return the same source with its ids named as `labels` says."""
        names, ignored = labels.applied(self.names)
        return replace(self, names=names, ignored=self.ignored | ignored)


@dataclass(frozen=True)
class Footage:
    """All frames of a source, camera by camera, each in order of time.

    `notes` are sentences on what was odd, such as a clock that jumped.
    """

    source: Source
    frames: tuple[FootageFrame, ...]
    notes: tuple[str, ...] = ()

    @property
    def cameras(self) -> tuple[str, ...]:
        """The cameras that there are frames of, in order."""
        return tuple(dict.fromkeys(frame.camera for frame in self.frames))

    @property
    def labelled(self) -> int:
        """How many frames have ground truth."""
        return sum(frame.truth is not None for frame in self.frames)


@dataclass(frozen=True)
class Selection:
    """Which frames of some footage to take; what is left out says nothing.

    `start_s` and `end_s` are seconds from the first frame of all cameras; of what is left, every
    `every`-th frame of a camera is taken.
    """

    domain: str = ""
    start_s: float | None = None
    end_s: float | None = None
    every: int = 1
    only_labelled: bool = False

    def words(self) -> str:
        """Return it in words, empty where every frame is taken."""
        parts = [f"domain {self.domain}"] if self.domain else []
        parts += [f"from {self.start_s:g} s"] if self.start_s is not None else []
        parts += [f"to {self.end_s:g} s"] if self.end_s is not None else []
        parts += [f"every {self.every}. frame"] if self.every > 1 else []
        parts += ["only frames with ground truth"] if self.only_labelled else []
        return ", ".join(parts)

    def of(self, footage: Footage) -> Footage:
        """Return the chosen frames; raises `OvsegError` where none is left."""
        frames = footage.frames
        if self.start_s is not None or self.end_s is not None:
            frames = self._in_time(footage)
        if self.domain:
            frames = tuple(frame for frame in frames if frame.domain == self.domain)
        if self.only_labelled:
            frames = tuple(frame for frame in frames if frame.truth is not None)
        counts: dict[str, int] = {}
        taken = []
        for frame in frames:
            place = counts[frame.camera] = counts.get(frame.camera, -1) + 1
            if place % self.every == 0:
                taken.append(frame)
        if not taken:
            raise OvsegError(self._nothing_left(footage))
        return replace(footage, frames=tuple(taken))

    def _in_time(self, footage: Footage) -> tuple[FootageFrame, ...]:
        stamps = [frame.stamp_ns for frame in footage.frames if frame.stamp_ns]
        if not stamps:
            raise OvsegError(f"{footage.source.path} has no times; leave out --start and --end")
        first_ns = min(stamps)
        low = first_ns + round((self.start_s or 0.0) * 1e9)
        high = None if self.end_s is None else first_ns + round(self.end_s * 1e9)
        return tuple(
            frame
            for frame in footage.frames
            if frame.stamp_ns >= low and (high is None or frame.stamp_ns < high)
        )

    def _nothing_left(self, footage: Footage) -> str:
        domains = ", ".join(sorted({frame.domain for frame in footage.frames}))
        stamps = [frame.stamp_ns for frame in footage.frames]
        seconds = (max(stamps) - min(stamps)) / 1e9 if stamps else 0.0
        return (
            f"the selection leaves no frame of {footage.source.path}; it has "
            f"{len(footage.frames)} frames in {seconds:.1f} s, {footage.labelled} with ground "
            f"truth, domains: {domains or 'none'}"
        )
