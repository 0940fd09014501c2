"""Results kept on disk, a file per segment, so that a run that was stopped can go on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.run.segment import Segment, SegmentResult
from ovseg_ros.output import make_folder, write_file, write_json

FOLDER_NAME = ".progress"
_PLAN_NAME = "plan.json"


class ChunkStore:
    """The results of the segments of one plan."""

    def __init__(self, folder: Path, fingerprint: str, resume: bool) -> None:
        """Keep results in `folder`; what is there already counts only with `resume`.

        `fingerprint` tells one plan from another. Raises `OvsegError` where `folder` holds results
        of another plan to resume.
        """
        self._folder = folder
        plan = {"fingerprint": fingerprint}
        if folder.is_dir() and resume:
            if _read_plan(folder) != plan:
                raise OvsegError(
                    f"{folder.parent} holds the start of another evaluation: its data, labels, "
                    "package or options were others; leave out --resume to start again"
                )
        elif folder.is_dir():
            shutil.rmtree(folder)
        make_folder(folder)
        write_json(folder / _PLAN_NAME, plan)

    def missing(self, segments: Sequence[Segment]) -> tuple[Segment, ...]:
        """Return the segments that have no result yet."""
        return tuple(s for s in segments if self._read(s.number) is None)

    def put(self, result: SegmentResult) -> None:
        """Keep a result; raises `OutputError`."""
        write_file(self._path(result.number), result.to_bytes())

    def results(self, segments: Sequence[Segment]) -> Iterator[SegmentResult]:
        """Yield the results of `segments`, one at a time, in their order."""
        for segment in segments:
            result = self._read(segment.number)
            assert result is not None, f"segment {segment.number} was never evaluated"
            yield result

    def discard(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.zip"

    def _read(self, number: int) -> SegmentResult | None:
        """Return a result, None where there is none or only a damaged one."""
        try:
            return SegmentResult.from_bytes(self._path(number).read_bytes())
        except (OSError, ValueError, KeyError, TypeError, OvsegError):
            return None


def _read_plan(folder: Path) -> object:
    try:
        return json.loads((folder / _PLAN_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
