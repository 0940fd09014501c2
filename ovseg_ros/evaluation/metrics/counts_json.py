"""Counts as JSON, for progress kept on disk and for workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.metrics.boundary import BoundaryCounts
from ovseg_ros.evaluation.metrics.confidence import ConfidenceCounts
from ovseg_ros.evaluation.metrics.counts import Counts
from ovseg_ros.evaluation.metrics.stability import ChangeCounts

FORMAT = 1


def counts_as_json(counts: Counts) -> dict[str, Any]:
    """Return the counts as JSON types, without loss."""
    return {
        "format": FORMAT,
        "names": list(counts.confusion.names),
        "frames": counts.frames,
        "confusion": counts.confusion.counts.tolist(),
        "boundary": {name: value.tolist() for name, value in vars(counts.boundaries).items()},
        "confidence": {name: value.tolist() for name, value in vars(counts.confidence).items()},
        "changes": asdict(counts.changes),
    }


def read_counts(data: Mapping[str, Any]) -> Counts:
    """Return the counts that `counts_as_json` gave; raises `OvsegError` for anything else."""
    try:
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}, {FORMAT} was wanted")
        none = Counts.of_nothing([str(name) for name in data["names"]])
        shape = none.confusion.counts.shape
        none.confusion.counts = _integers(data["confusion"], shape).astype(np.uint64)
        _fill(none.boundaries, data["boundary"])
        _fill(none.confidence, data["confidence"])
        return Counts(
            frames=_integer(data["frames"]),
            confusion=none.confusion,
            boundaries=none.boundaries,
            confidence=none.confidence,
            changes=ChangeCounts(**{k: _integer(value) for k, value in data["changes"].items()}),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise OvsegError(
            f"these are not the counts of a tally ({error}); they were altered or written by "
            "another version: start the evaluation again"
        ) from None


def _fill(counts: BoundaryCounts | ConfidenceCounts, data: Mapping[str, Any]) -> None:
    for name, value in vars(counts).items():
        setattr(counts, name, _integers(data[name], value.shape))


def _integers(values: Sequence[Any], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    found = np.array(values, dtype=object)
    if found.shape != shape:
        raise ValueError(f"counts of shape {found.shape}, {shape} was wanted")
    return np.array([_integer(value) for value in found.flat], np.int64).reshape(shape)


def _integer(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} where a count was wanted")
    return value
