"""What adapters cost, and how the mix follows a drive."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scene_adapters import draw_scene, package_with_adapters

from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.selection import AdapterSelector
from ovseg_ros.bench.adapter_drive import STAGE_FRAMES, bench_adapter_drive, follow, stages_of
from ovseg_ros.engine.choice import REFERENCE
from ovseg_ros.errors import OvsegError
from ovseg_ros.packages import ModelPackage, read_card
from ovseg_ros.segmenter import Segmenter

FRAMES = [(scene, draw_scene(scene, number)) for scene in ("noon", "night") for number in range(6)]


@pytest.fixture(scope="module")
def library(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> AdapterLibrary:
    folder = tmp_path_factory.mktemp("package") / "tiny"
    package = package_with_adapters(tiny_package, folder, ("noon", "night"))
    return AdapterLibrary.open(package / "adapters", read_card(package))


def test_every_contender_has_a_ratio_to_merged_weights(tiny_package: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed; run `make build-torch`")
    from ovseg_ros.bench.adapters import bench_adapters

    frame = draw_scene("noon", 0)
    result = bench_adapters(ModelPackage.load(tiny_package), [REFERENCE], [frame], 1, tmp_path)
    rows = result.data["rows"]
    assert [row["what"] for row in rows] == [
        "merged weights",
        "no adapter",
        "one of rank 8",
        "5 fused, rank 40",
    ]
    assert rows[0]["ratio_to_merged"] == 1
    assert len(result.claims) == 1


def test_a_drive_is_followed_through_cuts_and_fades(library: AdapterLibrary) -> None:
    with Segmenter.open(library.folder.parent, "road") as segmenter:
        result = bench_adapter_drive(segmenter, library, FRAMES)
    changes = result.data["changes"]
    assert [(change["to"], change["gradual"]) for change in changes] == [
        ("noon", False),
        ("night", False),
        ("noon", False),
        ("night", True),
    ]
    assert [change["settled"] for change in changes] == ["noon", "night", "noon", "night"]
    assert not any(change["flicker"] for change in changes)


def test_stages_are_played_back_and_forth() -> None:
    stages = stages_of(FRAMES, fade=3)
    assert [len(stage.frames) for stage in stages] == [STAGE_FRAMES] * 2
    assert [stage.fade for stage in stages] == [0, 3]
    assert stages[0].frames[6] is stages[0].frames[4]
    with pytest.raises(OvsegError, match="one domain alone"):
        stages_of(FRAMES[:6], fade=0)


def test_a_mix_that_was_in_force_before_needs_no_time(library: AdapterLibrary) -> None:
    centroid = np.array(library.info("noon").centroid)
    stages = stages_of(FRAMES, fade=0)
    changes = follow(stages, [[centroid] * STAGE_FRAMES] * 2, AdapterSelector(library))
    assert changes[0].seconds is not None
    assert (changes[1].seconds, changes[1].switches) == (None, 0)
