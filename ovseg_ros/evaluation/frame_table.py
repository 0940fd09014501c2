"""The table of frames as Parquet, for analysis with any tool that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ovseg_ros.evaluation.frame_row import FrameRow


def write_frames(path: Path, frames: Sequence[FrameRow], names: Sequence[str]) -> None:
    """Write one row per frame; `names` are the labels that `FrameScores.ious` are of.

    Raises `OutputError` where the file cannot be written, `MissingExtraError` without pyarrow.
    """
    raise NotImplementedError
