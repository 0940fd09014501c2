"""Two cameras in one node against two nodes: the sums, and that the processes run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from generated_drive import write_drive

from ovseg_ros.bench.camera_round import TWO_NODES, RoundResult
from ovseg_ros.bench.cameras import BATCHES, ONE_NODE, Results, claims_of
from ovseg_ros.cli import main


def result(*masks_per_s: float) -> RoundResult:
    return RoundResult(masks_per_s, ({}, {}), cpu_s=3.0, seconds=10.0)


@pytest.mark.parametrize(
    ("one", "two", "met"),
    [
        pytest.param([(14, 14)], [(10, 10)], [True, True, True], id="all met"),
        pytest.param([(10, 10)], [(10, 10)], [False, True, True], id="no faster"),
        pytest.param([(18, 9)], [(10, 10)], [True, False, True], id="one camera starves"),
        pytest.param([(30, 30)], [(10, 10)], [True, True, False], id="not enough frames"),
        pytest.param(
            [(14, 14), (2, 2), (14, 14)],
            [(10, 10), (10, 10), (10, 10)],
            [True, True, True],
            id="the median over rounds",
        ),
    ],
)
def test_claims(
    one: list[tuple[float, float]], two: list[tuple[float, float]], met: list[bool]
) -> None:
    results: Results = {
        ONE_NODE.title: [result(*masks) for masks in one],
        TWO_NODES.title: [result(*masks) for masks in two],
        BATCHES.title: [],
    }
    assert [claim.met for claim in claims_of(results, rate_hz=30.0)] == met


def test_processor_time_is_shared_by_all_masks() -> None:
    assert result(10, 20).cpu_ms_per_mask == pytest.approx(10.0)
    assert result(0, 0).cpu_ms_per_mask == pytest.approx(3000.0), "none at all"


@pytest.mark.ros
@pytest.mark.slow
def test_every_layout_is_run_and_written_down(tiny_package: Path, tmp_path: Path) -> None:
    pytest.importorskip("rclpy")
    drive = write_drive(tmp_path / "drive", frames=20)
    words = ["bench", "cameras", "--seconds", "2", "--rounds", "1", "--bag", str(drive)]
    code = main([*words, "--out", str(tmp_path), "--package", str(tiny_package)])
    data = json.loads((tmp_path / "cameras.json").read_text(encoding="utf-8"))
    assert code == (0 if all(claim["met"] for claim in data["claims"]) else 1)
    assert list(data["rounds"]) == [TWO_NODES.title, ONE_NODE.title, BATCHES.title]
    for rounds in data["rounds"].values():
        assert any(rate > 0 for rate in rounds[0]["masks_per_s"]), "a busy machine starves one"
        assert rounds[0]["cpu_ms_per_mask"] > 0
    assert "one node / two nodes" in (tmp_path / "cameras.md").read_text(encoding="utf-8")
