"""Model packages: whole, damaged, and not there."""

from __future__ import annotations

import shutil

from ovseg_ros.doctor.examination import State
from ovseg_ros.doctor.packages import examine_packages


def test_the_default_package_is_always_looked_at() -> None:
    packages = examine_packages([])
    (finding,) = packages.findings
    assert finding.state is State.OK and finding.found.startswith("tiny: ")
    assert [package.card.name for package in packages.usable] == ["tiny"]


def test_a_damaged_package_of_ones_own_is_a_warning(tiny_package, tmp_path) -> None:
    copy = tmp_path / "mine"
    shutil.copytree(tiny_package, copy)
    (copy / "text.onnx").write_bytes(b"x")
    packages = examine_packages([copy])
    assert [f.state for f in packages.findings] == [State.OK, State.WARNING]
    assert "was altered" in packages.findings[1].found
    assert packages.findings[1].remedy == f"ovseg inspect {copy}"
    assert len(packages.usable) == 1


def test_a_damaged_default_package_is_a_fault(monkeypatch, tiny_package, tmp_path) -> None:
    root = tmp_path / "prefix" / "share" / "ovseg_ros" / "engines"
    shutil.copytree(tiny_package, root / "tiny")
    (root / "tiny" / "segmenter.onnx").unlink()
    monkeypatch.setattr("ovseg_ros.packages.package_roots", lambda: (root,))
    monkeypatch.setattr("ovseg_ros.doctor.packages.package_roots", lambda: (root,))
    (finding,) = examine_packages([]).findings
    assert finding.state is State.FAULT
    assert finding.remedy == "pip install --force-reinstall --no-deps ovseg_ros"
