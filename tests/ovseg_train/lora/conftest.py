"""A package and frames on which training takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("onnx", reason="onnx is not installed; run `make build-torch`")

from lora_material import write_labelled_folder, write_trainable_package  # noqa: E402

from ovseg_ros.packages import ModelPackage  # noqa: E402


@pytest.fixture(scope="session")
def package(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    """The embedded default's network on frames of 96x64 px, with random weights."""
    return write_trainable_package(tmp_path_factory.mktemp("package"), tiny_package)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve labelled frames of dusk and two of day."""
    return write_labelled_folder(tmp_path_factory.mktemp("data") / "made_up")
