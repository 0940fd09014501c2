"""Buckets, buffers and recordings, on a network that says what it was given."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.engine.base import RawResult, TextRows  # noqa: E402
from ovseg_ros.engine.padding import PAD_CODE  # noqa: E402
from ovseg_ros.engine.torch_device import Buffer, Program, Work, to_result  # noqa: E402
from ovseg_ros.engine.torch_runs import GraphRunner  # noqa: E402

pytestmark = pytest.mark.torch
WIDTHS, DIM = (5, 3), 4


class StagedDevice:
    """Copies from staging when told to wait, as late as a GPU may, and counts recordings."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        self.recordings = 0
        self._pending: list[tuple[Any, Any]] = []

    def active(self) -> Any:
        return nullcontext()

    def buffer(self, shape: Sequence[int], dtype: Any) -> Buffer:
        device = self

        class LateBuffer(Buffer):
            def write(self, value: Any) -> None:
                self.staging.numpy()[...] = value
                device._pending.append((self.value, self.staging))

        return LateBuffer(
            torch.zeros(tuple(shape), dtype=dtype), torch.zeros(tuple(shape), dtype=dtype)
        )

    def record(self, work: Work) -> Program:
        self.recordings += 1

        def program() -> RawResult:
            self.wait()
            return to_result(work())

        return program

    def wait(self) -> None:
        for value, staging in self._pending:
            value.copy_(staging)
        self._pending.clear()

    def close(self) -> None:
        pass


def told(image, bank, codes, thresholds, a, b):
    """Return, in the place of results, the sums and shapes of the inputs."""
    real = codes != PAD_CODE
    facts = [image.sum(), bank[real].sum(), codes[real].sum(), a.sum(), b.sum()]
    shapes = [*image.shape, len(bank), len(codes), len(thresholds), len(a), len(b), real.sum()]
    return image[..., 0], image[..., 1], torch.tensor([float(v) for v in (*facts, *shapes)])


def rows(count: int, value: float) -> TextRows:
    return TextRows(
        np.full((count, DIM), value, np.float32),
        np.full(count, 2, np.uint8),
        np.zeros(count, np.float32),
    )


def factors(rank: int, value: float) -> tuple[np.ndarray, np.ndarray]:
    a, b = (np.full((rank, width), value, np.float32) for width in WIDTHS)
    return a, b


def image(size: tuple[int, int], value: int) -> np.ndarray:
    return np.full((1, *size, 3), value, np.uint8)


@pytest.fixture
def device() -> StagedDevice:
    return StagedDevice()


@pytest.fixture
def runner(device: StagedDevice) -> GraphRunner:
    return GraphRunner(told, device, label_capacity=254)


@pytest.mark.parametrize(
    ("labels", "rank", "wanted"),
    [
        (1, 1, (8, 16)),
        (8, 16, (8, 16)),
        (9, 17, (32, 64)),
        (128, 64, (128, 64)),
        (129, 65, (254, 65)),
        (254, 200, (254, 200)),
    ],
)
def test_inputs_are_padded_to_the_smallest_bucket(
    runner: GraphRunner, labels: int, rank: int, wanted: tuple[int, int]
) -> None:
    runner.set_text(rows(labels, 0.5))
    runner.set_adapter(factors(rank, 0.25))
    found = runner.infer(image((2, 4), 3)).embedding
    sums = [3 * 24, labels * DIM * 0.5, labels * 2, *(rank * width * 0.25 for width in WIDTHS)]
    shapes = [1, 2, 4, 3, *[wanted[0]] * 3, *[wanted[1]] * 2, labels]
    np.testing.assert_allclose(found, [*sums, *shapes])


def test_a_small_capacity_is_the_last_bucket(device: StagedDevice) -> None:
    runner = GraphRunner(told, device, label_capacity=20)
    runner.set_text(rows(9, 1.0))
    runner.set_adapter(factors(1, 1.0))
    assert runner.infer(image((1, 1), 1)).embedding[9] == 20


def test_what_has_its_bucket_is_recorded_once(runner: GraphRunner, device: StagedDevice) -> None:
    for labels, rank, size in [(3, 1, (2, 2)), (7, 9, (2, 2)), (1, 1, (2, 2))]:
        runner.set_text(rows(labels, 1.0))
        runner.set_adapter(factors(rank, 1.0))
        runner.infer(image(size, 1))
    assert device.recordings == 1
    for labels, rank, size in [(9, 1, (2, 2)), (9, 17, (2, 2)), (9, 17, (2, 3)), (3, 1, (2, 2))]:
        runner.set_text(rows(labels, 1.0))
        runner.set_adapter(factors(rank, 1.0))
        runner.infer(image(size, 1))
    assert device.recordings == 4


def test_queries_may_overtake_frames(runner: GraphRunner) -> None:
    runner.set_adapter(factors(1, 0.0))
    for value in (1.0, 2.0, 3.0):
        runner.set_text(rows(2, value))
    assert runner.infer(image((1, 1), 0)).embedding[1] == 2 * DIM * 3.0


def test_frames_of_ever_new_sizes_do_not_fill_the_memory(
    runner: GraphRunner, device: StagedDevice
) -> None:
    runner.set_text(rows(2, 1.0))
    runner.set_adapter(factors(1, 1.0))
    for width in range(1, 41):
        assert runner.infer(image((1, width), 1)).mask.shape == (1, 1, width)
    assert device.recordings == 40
    assert len(runner._programs) == len(runner._images) == 16
    runner.infer(image((1, 40), 1))
    assert device.recordings == 40
