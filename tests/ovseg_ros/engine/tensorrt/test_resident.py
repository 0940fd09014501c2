"""Inputs that stay on the GPU: every piece of work sees the value that was set before it."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from host_gpu import HostGpu

from ovseg_ros.engine.tensorrt.resident import Resident, TensorSpec
from ovseg_ros.errors import GpuMemoryError

SPECS = {"codes": TensorSpec(np.uint8, (5,)), "bank": TensorSpec(np.float32, (5, 3))}


def value(number: int, count: int = 5) -> dict[str, np.ndarray]:
    return {
        "codes": np.full(count, number, np.uint8),
        "bank": np.full((count, 3), number, np.float32),
    }


@pytest.mark.parametrize("count", [1, 5])
def test_work_sees_the_value_set_before_it_and_nobody_waits(count: int) -> None:
    gpu = HostGpu()
    with Resident(gpu, SPECS, "a test") as resident:
        gpu.finish()
        seen = [np.zeros((count, 3), np.float32) for _ in range(4)]
        for number, target in enumerate(seen):
            resident.write(value(number + 1, count))
            gpu.enqueue(
                lambda target=target: ctypes.memmove(
                    target.ctypes.data, resident.addresses["bank"], target.nbytes
                )
            )
            if number == 1:
                assert gpu.pending == 2 * (len(SPECS) + 2), "setting a value waited for another"
        gpu.finish()
    assert [target.flat[-1] for target in seen] == [1, 2, 3, 4]
    assert not gpu.leaks


def test_inputs_begin_where_the_gpu_wants_them_and_are_zero_at_first() -> None:
    gpu = HostGpu()
    with Resident(gpu, SPECS, "a test") as resident:
        gpu.finish()
        assert {address % 256 for address in resident.addresses.values()} == {0}
        assert len(set(resident.addresses.values())) == 2
        for name, spec in SPECS.items():
            block = gpu.block_at(resident.addresses[name], spec.size)
            at = resident.addresses[name] - block.address
            assert not block.array[at : at + spec.size].any()


def test_without_room_nothing_is_kept() -> None:
    gpu = HostGpu(budget=600)
    with pytest.raises(GpuMemoryError, match="a test wants 1 MB"):
        Resident(gpu, SPECS, "a test")
    assert not gpu.leaks
