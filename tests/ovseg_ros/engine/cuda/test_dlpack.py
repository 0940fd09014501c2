"""Frames of other libraries: what is read where it lies, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from dlpack_frames import ON_GPU, ON_OTHER, PINNED, DLPackFrame

from ovseg_ros.engine.cuda.dlpack import GpuFrames, read_frames
from ovseg_ros.errors import FrameError

STREAM = 4711
needs_cuda_core = pytest.mark.cuda_core


def frame(*shape: int) -> np.ndarray:
    shape = shape or (1, 4, 5, 3)
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


def test_an_array_is_read_where_it_lies() -> None:
    image = frame()
    assert read_frames(image, 0, STREAM) is image


def test_pinned_memory_of_others_is_read_where_it_lies() -> None:
    image = frame()
    found = read_frames(DLPackFrame(image, PINNED), 0, STREAM)
    assert isinstance(found, np.ndarray) and np.shares_memory(found, image)


@pytest.mark.torch
def test_a_tensor_on_the_host_is_read_where_it_lies() -> None:
    import torch

    tensor = torch.from_numpy(frame())
    found = read_frames(tensor, 0, STREAM)
    assert isinstance(found, np.ndarray) and found.ctypes.data == tensor.data_ptr()


@needs_cuda_core
@pytest.mark.parametrize("without_strides", [False, True])
@pytest.mark.parametrize("shape", [(1, 4, 5, 3), (2, 1, 1, 3)])
def test_a_frame_on_the_gpu_stays_there_and_our_stream_waits_for_it(
    shape: tuple[int, ...], without_strides: bool
) -> None:
    sent = DLPackFrame(frame(*shape), without_strides=without_strides)
    found = read_frames(sent, 0, STREAM)
    assert isinstance(found, GpuFrames)
    assert (found.address, found.shape) == (sent.array.ctypes.data, shape)
    assert sent.streams == [STREAM], "the producer was not told which stream reads"


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        pytest.param(frame(4, 5, 3), r"uint8 of shape \(4, 5, 3\); uint8 \[B, H, W, 3\]", id="3d"),
        pytest.param(frame(1, 4, 5, 4), r"shape \(1, 4, 5, 4\)", id="four channels"),
        pytest.param(frame().astype(np.float32), "are float32", id="floats"),
        pytest.param(np.zeros((1, 0, 5, 3), np.uint8), r"shape \(1, 0, 5, 3\)", id="empty"),
        pytest.param([[1, 2]], "a list; a numpy array", id="a list"),
        pytest.param(DLPackFrame(frame(), ON_GPU, 1), "lies on cuda:1, .* cuda:0", id="other GPU"),
        pytest.param(
            DLPackFrame(frame(), ON_OTHER), "device 0 of DLPack's kind 8", id="no GPU of NVIDIA"
        ),
        pytest.param(
            DLPackFrame(frame().astype(np.float32)),
            "float32",
            id="floats on the GPU",
            marks=needs_cuda_core,
        ),
        pytest.param(
            DLPackFrame(frame(1, 4, 10, 3)[:, :, ::2]),
            r"strides \(120, 30, 6, 1\); one without gaps",
            id="gaps on the GPU",
            marks=needs_cuda_core,
        ),
    ],
)
def test_other_frames_are_refused(frames: object, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        read_frames(frames, 0, STREAM)


def test_a_tensor_that_cannot_be_handed_over_is_refused() -> None:
    class Locked(DLPackFrame):
        def __dlpack__(self, **_: object) -> object:
            raise BufferError("it requires a gradient")

    with pytest.raises(FrameError, match="Locked, cannot be read by DLPack: it requires"):
        read_frames(Locked(frame(), PINNED), 0, STREAM)
