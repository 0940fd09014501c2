"""Buckets: which one holds a query, and the sentence for one that none holds."""

from __future__ import annotations

import pytest

from ovseg_ros.engine.profile import Bucket, EngineProfile
from ovseg_ros.errors import BackendError

PROFILE = EngineProfile((640, 480), (8, 32), (4, 16))


@pytest.mark.parametrize(
    ("labels", "rank", "bucket"),
    [
        (1, 0, Bucket(8, 4)),
        (8, 4, Bucket(8, 4)),
        (9, 5, Bucket(32, 16)),
        (32, 16, Bucket(32, 16)),
    ],
)
def test_the_smallest_bucket_that_holds_both_is_taken(
    labels: int, rank: int, bucket: Bucket
) -> None:
    assert PROFILE.bucket_of(labels, rank) == bucket
    assert bucket in PROFILE.buckets


@pytest.mark.parametrize(
    ("labels", "rank", "message"),
    [
        (33, 1, "labels 33 .* at most 32: .*ovseg build --labels 8,32,33"),
        (1, 17, "rank 17 .* at most 16: .*ovseg build --rank 4,16,17"),
    ],
)
def test_what_no_bucket_holds_is_refused_with_the_bucket_to_build(
    labels: int, rank: int, message: str
) -> None:
    with pytest.raises(BackendError, match=message):
        PROFILE.bucket_of(labels, rank)


@pytest.mark.parametrize(
    ("camera", "labels", "ranks", "message"),
    [
        ((0, 480), (8,), (4,), "camera of 0x480"),
        ((640, 480), (), (4,), "buckets of labels"),
        ((640, 480), (32, 8), (4,), "buckets of labels 32,8"),
        ((640, 480), (8,), (0,), "buckets of ranks 0"),
    ],
)
def test_shapes_that_are_none_are_refused(
    camera: tuple[int, int], labels: tuple[int, ...], ranks: tuple[int, ...], message: str
) -> None:
    with pytest.raises(BackendError, match=message):
        EngineProfile(camera, labels, ranks)
