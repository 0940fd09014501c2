"""Reference outputs on disk: what was recorded of each stage, and how far a tensor is from it."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from ovseg_ros.errors import OvsegError

LIMIT = 1e-4


@dataclass(frozen=True)
class Row:
    """One line of the parity table: relative L2 distance of a stage, or why there is none."""

    case: str
    stage: str
    distance: float | None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the stage is within the limit, or is not comparable at all."""
        return self.distance is None or self.distance <= LIMIT


class Reference:
    """The arrays of one recorded run."""

    def __init__(self, path: Path) -> None:
        """Open the .npz file at `path`; raises `OvsegError` where it cannot be read."""
        self.path = path
        try:
            with np.load(path, allow_pickle=False) as arrays:
                self.arrays = {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise OvsegError(f"{path} cannot be read as .npz: {error}; restore the file") from None

    @property
    def stages(self) -> list[str]:
        """The stages of which values were recorded, in the order of the file."""
        return [n.removesuffix("__sub") for n in self.arrays if n.endswith("__sub")]

    def distance(self, stage: str, found: Tensor) -> float:
        """Return |found - recorded| / |recorded| (L2) over the recorded positions.

        Raises `OvsegError` where the shape is another.
        """
        wanted = tuple(int(side) for side in self.arrays[f"{stage}__shape"])
        if tuple(found.shape) != wanted:
            raise OvsegError(
                f"{self.path.name}, {stage}: shape {tuple(found.shape)} was computed, "
                f"{wanted} was recorded"
            )
        recorded = self.arrays[f"{stage}__sub"].astype(np.float64)
        values = found.detach().numpy().ravel().astype(np.float64)
        values = values[recorded_positions(values.size, recorded.size)]
        return relative_l2(values, recorded)


def relative_l2(found: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64]) -> float:
    """Return the L2 norm of the difference over that of `wanted`; NaN counts as infinite."""
    distance = float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))
    return distance if np.isfinite(distance) else float("inf")


def recorded_positions(size: int, count: int) -> npt.NDArray[np.int64]:
    """Return the `count` flat positions, of `size`, whose values were recorded: a seeded draw."""
    if size <= count:
        return np.arange(size)
    return np.sort(np.random.Generator(np.random.PCG64(size)).choice(size, count, replace=False))
