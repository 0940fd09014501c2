"""The soak, short: real processes, every kind of fault, nothing lost for good."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.slow]
pytest.importorskip("rclpy")

from ovseg_ros.bench.soak.faults import OUTAGES  # noqa: E402
from ovseg_ros.bench.soak.run import bench_soak  # noqa: E402
from ovseg_ros.evaluation.drive import default_bag  # noqa: E402

# The same with 60 is `make soak`.
MINUTES = 3


def test_the_node_survives_everything_around_it(tmp_path: Path) -> None:
    """How long recoveries take is for `ovseg bench soak`: here the machine may be busy."""
    data = bench_soak(default_bag(), "tiny", MINUTES, 0, tmp_path, lambda: None).data
    logs = (tmp_path / "node.log").read_text(encoding="utf-8", errors="replace")
    assert data["incidents"] == [], logs[-4000:]
    assert data["broken_rules"] == {}
    assert data["not_recovered"] == 0, data["faults"]
    assert set(data["faults"]) == {fault.value for fault in OUTAGES}
    assert "Traceback" not in logs
