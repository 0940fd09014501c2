"""`Segment`: a piece of work, and `SegmentResult`: what came of it. Both can be sent and kept."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from ovseg_ros.evaluation.eval_report import (
    ALL,
    camera_selection,
    domain_selection,
    source_selection,
)
from ovseg_ros.evaluation.footage.footage import Footage, Source
from ovseg_ros.evaluation.footage.frame import FootageFrame
from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.metrics.tally import Tally

FRAMES_PER_SEGMENT = 50


@dataclass(frozen=True)
class Segment:
    """Frames of one camera in a row; `before` is the one that the first of them follows.

    `source_name` tells the sources of a plan apart; it is empty where there is only one.
    """

    number: int
    source: Source
    source_name: str
    camera: str
    frames: tuple[FootageFrame, ...]
    before: FootageFrame | None


@dataclass(frozen=True)
class EncodedMask:
    """A mask of a frame: PNG of indices as a tally takes them, and a JPEG overlay where wanted.

    `stamp_ns` and `frame_id` are those of the image.
    """

    camera: str
    index: int
    stamp_ns: int
    frame_id: str
    png: bytes
    overlay: bytes = b""


@dataclass(frozen=True)
class JobResult:
    """What one configuration scored on a segment: tallies by selection, a row and mask per frame.

    `masks` is empty where none were asked for.
    """

    tallies: dict[str, Tally]
    rows: tuple[FrameRow, ...]
    masks: tuple[EncodedMask, ...] = ()


@dataclass(frozen=True)
class SegmentResult:
    """What came of a segment, a result per configuration; `faults` say what could not be used."""

    number: int
    jobs: tuple[JobResult, ...]
    faults: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """Return everything as a ZIP file, without loss."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            jobs = []
            for number, job in enumerate(self.jobs):
                jobs.append(
                    {
                        "tallies": {name: t.as_json() for name, t in job.tallies.items()},
                        "rows": [row.as_json() for row in job.rows],
                        "masks": [_about(mask) for mask in job.masks],
                    }
                )
                for place, mask in enumerate(job.masks):
                    archive.writestr(f"{number}/{place}.png", mask.png)
                    archive.writestr(f"{number}/{place}.jpg", mask.overlay)
            data = {"number": self.number, "faults": self.faults, "jobs": jobs}
            archive.writestr("result.json", json.dumps(data))
        return stream.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> SegmentResult:
        """Return the result that `to_bytes` gave; raises `ValueError` or `KeyError` for others."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                found = json.loads(archive.read("result.json"))
                jobs = tuple(
                    JobResult(
                        {name: Tally.from_json(t) for name, t in job["tallies"].items()},
                        tuple(FrameRow.from_json(row) for row in job["rows"]),
                        tuple(
                            EncodedMask(
                                **about,
                                png=archive.read(f"{number}/{place}.png"),
                                overlay=archive.read(f"{number}/{place}.jpg"),
                            )
                            for place, about in enumerate(job["masks"])
                        ),
                    )
                    for number, job in enumerate(found["jobs"])
                )
                return cls(found["number"], jobs, tuple(found["faults"]))
        except zipfile.BadZipFile as error:
            raise ValueError(str(error)) from None


def cut(footages: Sequence[Footage], frames_each: int = FRAMES_PER_SEGMENT) -> tuple[Segment, ...]:
    """Return the work on all frames of `footages`, at most `frames_each` frames at a time."""
    segments: list[Segment] = []
    for footage, name in zip(footages, source_names(footages), strict=True):
        for camera in footage.cameras:
            frames = tuple(frame for frame in footage.frames if frame.camera == camera)
            for start in range(0, len(frames), frames_each):
                part = frames[start : start + frames_each]
                before = frames[start - 1] if start else None
                if not part[0].follows(before):
                    before = None
                number = len(segments)
                segments.append(Segment(number, footage.source, name, camera, part, before))
    return tuple(segments)


def source_names(footages: Sequence[Footage]) -> tuple[str, ...]:
    """Return what tells the sources of a plan apart: empty for one, else names with no two alike.

    Bags of the same name are told apart by the folders they lie in, or else by number.
    """
    if len(footages) == 1:
        return ("",)
    for names in (
        tuple(footage.source.name for footage in footages),
        tuple("/".join(footage.source.path.absolute().parts[-2:]) for footage in footages),
    ):
        if len(set(names)) == len(names):
            return names
    return tuple(f"{number} {f.source.name}" for number, f in enumerate(footages, start=1))


def selections_of(segment: Segment, frame: FootageFrame) -> Iterator[str]:
    """Yield the names of the selections that a frame counts in."""
    yield ALL
    yield domain_selection(frame.domain)
    yield camera_selection(segment.camera)
    if segment.source_name:
        yield source_selection(segment.source_name)


def _about(mask: EncodedMask) -> dict[str, object]:
    data = asdict(mask)
    del data["png"], data["overlay"]
    return data
