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
from ovseg_ros.frame_input import batch_of_one
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
    frames = batch_of_one(DLPackFrame(image, PINNED), ON_HOST)
    assert isinstance(frames, np.ndarray) and frames.shape == (1, 60, 80, 3)
    assert np.shares_memory(frames, image)


class OnGpu(DLPackFrame):
    """A tensor whose library adds an axis as numpy does."""

    def __getitem__(self, key: object) -> OnGpu:
        return OnGpu(self.array[key])


def test_a_frame_on_the_gpu_stays_there() -> None:
    frames = batch_of_one(OnGpu(picture()), ON_GPU)
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
        batch_of_one(image, ON_HOST)
