"""The benchmark of points, kept short."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from generated_drive import write_drive

from ovseg_ros.bench.points import MOST_OF_INFERENCE, flat_ground
from ovseg_ros.cli import main
from ovseg_ros.points.depth import DepthEncoding, depth_in_metres
from ovseg_ros.points.pinhole import Pinhole


@pytest.mark.parametrize("encoding", DepthEncoding)
def test_the_made_up_depth_is_flat_ground(encoding: DepthEncoding) -> None:
    camera = Pinhole(64, 48, 60.0, 60.0, 32.0, 24.0)
    depth_m = depth_in_metres(flat_ground(camera, encoding), encoding)
    assert depth_m.shape == (48, 64)
    assert np.isnan(depth_m[:24]).all()
    below_m = (depth_m * camera.rays()[1])[26:]
    assert np.allclose(below_m, 1.0, atol=1e-2)


def test_it_times_both_and_writes_it_down(tiny_package: Path, tmp_path: Path) -> None:
    """Whether the claim holds depends on how busy the machine is."""
    drive, out = write_drive(tmp_path / "drive", frames=4), tmp_path / "out"
    words = ["--calls", "2", "--bag", str(drive), "--out", str(out), "--package", str(tiny_package)]
    code = main(["bench", "points", *words])
    data = json.loads((out / "points.json").read_text())
    assert [row["depth"] for row in data["rows"]] == ["16UC1", "32FC1"]
    assert all(row["cloud_p50_ms"] > 0 and row["infer_p50_ms"] > 0 for row in data["rows"])
    met = max(row["ratio"] for row in data["rows"]) <= MOST_OF_INFERENCE
    assert (code, data["claims"][0]["met"]) == (0 if met else 1, met)
    assert "flat ground" in (out / "points.md").read_text()
