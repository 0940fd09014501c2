"""The shapes that an engine is built for: one camera size, and buckets of labels and LoRA ranks.

Within a bucket shapes are fixed, so an engine can tune its kernels for them and replay a recorded
graph; queries and adapters are padded to the smallest bucket that holds them.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import NamedTuple

from ovseg_ros.errors import BackendError


class Bucket(NamedTuple):
    """How many label rows and LoRA ranks one set of shapes has."""

    labels: int
    rank: int


@dataclass(frozen=True)
class EngineProfile:
    """`camera_px` is (W, H) of every frame; the buckets are ascending. Raises `BackendError`."""

    camera_px: tuple[int, int]
    label_buckets: tuple[int, ...] = (8, 32, 128)
    rank_buckets: tuple[int, ...] = (16, 64)

    def __post_init__(self) -> None:
        """Refuse sizes that are none."""
        if min(self.camera_px) < 1:
            raise BackendError(f"a camera of {self.camera} was given; both sides must be from 1 up")
        for what, buckets in (("labels", self.label_buckets), ("ranks", self.rank_buckets)):
            if not buckets or min(buckets) < 1 or list(buckets) != sorted(set(buckets)):
                raise BackendError(
                    f"buckets of {what} {_listed(buckets)} were given; ascending numbers from 1 up "
                    "were wanted, for example 8,32,128"
                )

    @property
    def camera(self) -> str:
        """The camera's size as users write it, for example '640x480'."""
        return f"{self.camera_px[0]}x{self.camera_px[1]}"

    @property
    def buckets(self) -> tuple[Bucket, ...]:
        """Every pair of buckets; an engine numbers its sets of shapes in this order."""
        pairs = itertools.product(self.label_buckets, self.rank_buckets)
        return tuple(Bucket(labels, rank) for labels, rank in pairs)

    def bucket_of(self, labels: int, rank: int) -> Bucket:
        """Return the smallest bucket that holds `labels` rows and `rank`.

        Raises `BackendError` that names the bucket to build.
        """
        return Bucket(
            _smallest(self.label_buckets, labels, "labels"),
            _smallest(self.rank_buckets, max(rank, 1), "rank"),
        )

    def __str__(self) -> str:
        """Return it in words, for example 'camera 640x480, labels 8,32,128, ranks 16,64'."""
        labels, ranks = _listed(self.label_buckets), _listed(self.rank_buckets)
        return f"camera {self.camera}, labels {labels}, ranks {ranks}"


def camera_from_text(text: str) -> tuple[int, int]:
    """Return (W, H) of a size written like '640x480'; raises `BackendError` for another text."""
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if found is None:
        raise BackendError(
            f"camera size '{text}' was given; width x height like 640x480 was wanted"
        )
    return int(found[1]), int(found[2])


def _smallest(buckets: tuple[int, ...], wanted: int, what: str) -> int:
    for bucket in buckets:
        if wanted <= bucket:
            return bucket
    raise BackendError(
        f"{what} {wanted} was asked for; the engine was built for at most {buckets[-1]}: build one "
        f"with  ovseg build --{what} {_listed((*buckets, wanted))}"
    )


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))
