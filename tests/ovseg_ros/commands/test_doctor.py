"""`ovseg doctor` on this machine: it always reports, and its exit code is what the report says."""

from __future__ import annotations

import json

from ovseg_ros.cli import main


def test_the_report_ends_with_one_command(capsys) -> None:
    code = main(["doctor"])
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if line.startswith("next:  ")] == shown[-1:]
    assert any(line.startswith("ok       model package    tiny:") for line in shown)
    assert code == 0


def test_a_package_that_is_not_there_is_told_and_json_agrees(tmp_path, capsys) -> None:
    assert main(["doctor", "--json", "--package", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["healthy"] is True
    (told,) = [finding for finding in report["findings"] if str(tmp_path) in finding["found"]]
    assert (told["topic"], told["state"]) == ("model package", "warning")
    worries = [f for f in report["findings"] if f["state"] in ("warning", "fault")]
    assert all(finding["remedy"] for finding in worries)
