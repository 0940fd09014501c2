"""What of the GPU side can be seen without one: its refusals, its errors, and what it puts back."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.engine import torch_graphs  # noqa: E402
from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision  # noqa: E402
from ovseg_ros.engine.torch_graphs import memory_errors, require_gpu  # noqa: E402
from ovseg_ros.errors import BackendError, GpuMemoryError  # noqa: E402

pytestmark = pytest.mark.torch
DEVICE = torch.device("cuda", 0)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nmore lines"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_lack_of_memory_is_named_and_says_what_to_do(error: RuntimeError) -> None:
    with (
        pytest.raises(GpuMemoryError, match=r"cuda:0 has too little memory.*--device cpu") as found,
        memory_errors(DEVICE),
    ):
        raise error
    assert "more lines" not in str(found.value)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="^device-side assert$"), memory_errors(DEVICE):
        raise RuntimeError("device-side assert")


@pytest.mark.parametrize(
    ("built_for", "answers", "sentence"),
    [
        (None, False, "was built without CUDA; install one that has it; .*--device cpu"),
        ("12.8", False, "no driver or GPU answers torch .*nvidia-smi.*--device cpu"),
        ("12.8", True, r"there is no cuda:2; torch finds cuda:0 \(GPU 0\), cuda:1 \(GPU 1\)"),
    ],
)
def test_a_gpu_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, built_for: str | None, answers: bool, sentence: str
) -> None:
    monkeypatch.setattr(torch.version, "cuda", built_for)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: answers)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"GPU {number}")
    with pytest.raises(BackendError, match=sentence):
        require_gpu(EngineChoice(BackendName.TORCH, Precision.FP16, "cuda:2"))


def test_the_settings_of_others_are_put_back() -> None:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, matmul.allow_fp16_reduced_precision_reduction, cudnn.allow_tf32
    with pytest.raises(ValueError, match="stop"), torch_graphs._exact_products():
        assert not matmul.allow_tf32 and not cudnn.allow_tf32
        assert not matmul.allow_fp16_reduced_precision_reduction
        raise ValueError("stop")
    assert before == (
        matmul.allow_tf32,
        matmul.allow_fp16_reduced_precision_reduction,
        cudnn.allow_tf32,
    )


def test_the_driver_is_read_where_linux_tells_it(tmp_path, monkeypatch) -> None:
    file = tmp_path / "version"
    file.write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n"
        "GCC version:  gcc version 13.3.0 (Ubuntu 13.3.0-6ubuntu2~24.04)\n"
    )
    monkeypatch.setattr(torch_graphs, "_DRIVER_FILE", file)
    assert torch_graphs._driver() == "570.86.15"
