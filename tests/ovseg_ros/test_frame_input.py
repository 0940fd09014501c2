"""Frames of other libraries reach the engine by DLPack, and those it cannot take are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from dlpack_frames import PINNED, DLPackFrame

from ovseg_ros.engine.base import Capabilities
from ovseg_ros.errors import FrameError
from ovseg_ros.frame_input import batches_of
from ovseg_ros.segmenter import Segmenter

ON_HOST = Capabilities("cpu", "float32", 254)
ON_GPU = Capabilities("cuda:0", "float16", 32, (640, 480), gpu_frames=True)


@pytest.fixture(scope="module")
def segmenter(tiny_package: Path) -> Iterator[Segmenter]:
    with Segmenter.open(tiny_package, labels="car; road") as opened:
        yield opened


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.mark.torch
def test_a_tensor_is_segmented_as_the_array_that_it_shares_memory_with(
    segmenter: Segmenter,
) -> None:
    import torch

    image = picture()
    wanted, found = segmenter.infer(image), segmenter.infer(torch.from_numpy(image))
    assert np.array_equal(wanted.label_mask, found.label_mask)
    assert np.array_equal(wanted.embedding, found.embedding)


def test_memory_that_is_pinned_for_a_gpu_is_the_hosts() -> None:
    image = picture()
    frames = batches_of([DLPackFrame(image, PINNED)], ON_HOST)[0].frames
    assert isinstance(frames, np.ndarray) and frames.shape == (1, 60, 80, 3)
    assert np.shares_memory(frames, image)


class OnGpu(DLPackFrame):
    """A tensor whose library adds an axis as numpy does."""

    def __getitem__(self, key: object) -> OnGpu:
        return OnGpu(self.array[key])


def test_a_frame_on_the_gpu_stays_there() -> None:
    frames = batches_of([OnGpu(picture())], ON_GPU)[0].frames
    assert isinstance(frames, OnGpu) and frames.array.shape == (1, 60, 80, 3)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (OnGpu(picture()), "frame lies on a device of its own, .* use the backend tensorrt"),
        (SimpleNamespace(shape=(4, 4, 3)), "SimpleNamespace; .* knows DLPack was wanted"),
        (DLPackFrame(picture()[0], PINNED), r"\(80, 3\); uint8 \[H, W, 3\] RGB was wanted"),
        (picture().astype(np.float32), "the frame is float32"),
        (np.zeros((0, 4, 3), np.uint8), "4x0 px; sides from 1"),
    ],
)
def test_what_is_no_frame_for_the_engine_is_refused(image: object, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        batches_of([image], ON_HOST)


def test_frames_of_one_size_go_together_as_many_as_the_engine_takes() -> None:
    small, large = picture(), np.zeros((61, 80, 3), np.uint8)
    images = [small, large, small + 1, small + 2, large]
    found = batches_of(images, Capabilities("cpu", "float32", 254, most_frames=2))
    assert [batch.places for batch in found] == [(0, 2), (3,), (1, 4)]
    for batch in found:
        for frame, place in zip(batch.frames, batch.places, strict=True):
            assert np.array_equal(frame, images[place])
    assert [batch.places for batch in batches_of(images[:3], ON_HOST)] == [(0,), (2,), (1,)]


def test_frames_on_the_gpu_go_one_by_one() -> None:
    images = [OnGpu(picture()), picture(), OnGpu(picture())]
    found = batches_of(images, ON_GPU)
    assert sorted(batch.places for batch in found) == [(0,), (1,), (2,)]
