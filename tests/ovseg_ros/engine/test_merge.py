"""A package with an adapter merged in gives what the adapter beside it gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="onnx is not installed; run `make build-torch`")

from engine_inputs import random_factors, random_images, random_rows  # noqa: E402

from ovseg_ros.adapters.mix import AdapterMix, AdapterMode, LoraFactors  # noqa: E402
from ovseg_ros.engine.base import load_backend  # noqa: E402
from ovseg_ros.engine.choice import REFERENCE, BackendName, EngineChoice, Precision  # noqa: E402
from ovseg_ros.engine.merge import merge_package  # noqa: E402
from ovseg_ros.errors import AdapterError, PackageError  # noqa: E402
from ovseg_ros.packages import ModelPackage  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402

QUERY = "car=0; road=0; tree=0"


def test_merged_is_what_the_factors_do(tiny_package: Path, tmp_path: Path) -> None:
    package = ModelPackage.load(tiny_package)
    factors = random_factors(package, 8)
    merge_package(package, factors, tmp_path / "merged")
    frame = np.random.default_rng(1).integers(0, 255, (96, 128, 3), np.uint8)
    with (
        Segmenter.open(tiny_package, QUERY) as beside,
        Segmenter.open(tmp_path / "merged", QUERY) as merged,
    ):
        base = beside.infer(frame)
        beside.set_adapter(AdapterMix(AdapterMode.PINNED, ("x",), (1.0,), (0.0,), "", factors))
        wanted, found = beside.infer(frame), merged.infer(frame)
    assert np.mean(found.label_mask == wanted.label_mask) > 0.999
    difference = np.abs(found.confidence.astype(int) - wanted.confidence)
    assert difference.mean() < 0.01
    assert np.abs(base.confidence.astype(int) - wanted.confidence).mean() > 1
    assert np.array_equal(found.embedding, wanted.embedding)


@pytest.mark.torch
def test_torch_finds_the_merged_weights(tiny_package: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
    from ovseg_ros.engine.torch import Launch, TorchBackend

    package = ModelPackage.load(tiny_package)
    merge_package(package, random_factors(package, 8), tmp_path / "merged")
    merged = ModelPackage.load(tmp_path / "merged")
    choice = EngineChoice(BackendName.TORCH, Precision.FP32, "cpu")
    with (
        load_backend(merged, REFERENCE, 0, tmp_path) as reference,
        TorchBackend(merged, choice, Launch.EAGER) as candidate,
    ):
        rows, images = random_rows(merged, 5), random_images(1, (96, 128))
        for engine in (reference, candidate):
            engine.set_text(rows)
            engine.set_adapter(None)
        wanted, found = reference.infer(images), candidate.infer(images)
    assert (found.mask == wanted.mask).mean() > 0.998


def test_a_place_that_is_taken_and_other_widths_are_refused(
    tiny_package: Path, tmp_path: Path
) -> None:
    package = ModelPackage.load(tiny_package)
    with pytest.raises(PackageError, match="exists already"):
        merge_package(package, random_factors(package, 8), tmp_path)
    other = LoraFactors(np.zeros((2, 3), np.float32), np.zeros((2, 3), np.float32))
    with pytest.raises(AdapterError, match="widths 3 and 3"):
        merge_package(package, other, tmp_path / "merged")


def test_a_program_without_names_is_refused(tiny_package: Path, tmp_path: Path) -> None:
    import onnx
    import yaml

    from ovseg_ros.packages import seal

    folder = Path(shutil.copytree(tiny_package, tmp_path / "copy"))
    program = onnx.load(folder / "segmenter.onnx")
    for weight in program.graph.initializer:
        weight.name = weight.name.replace("network.embed.weight", "val_7")
    for node in program.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = name.replace("network.embed.weight", "val_7")
    onnx.save(program, folder / "segmenter.onnx")
    seal(folder, yaml.safe_load((folder / "card.yaml").read_text()))
    package = ModelPackage.load(folder)
    with pytest.raises(PackageError, match="weight of the site 'embed' under its name"):
        merge_package(package, random_factors(package, 8), tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
