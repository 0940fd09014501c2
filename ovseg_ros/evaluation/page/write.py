"""Writing the report of an evaluation into its folder."""

from __future__ import annotations

from pathlib import Path

from ovseg_ros.evaluation.eval_report import EvalReport


def write_report(folder: Path, report: EvalReport) -> Path:
    """Write `report.html` and `report.json` into `folder`; return the page.

    Raises `OutputError` where that cannot be done.
    """
    raise NotImplementedError
