"""Writing the report of an evaluation into its folder."""

from __future__ import annotations

from pathlib import Path

from ovseg_ros.evaluation.eval_report import EvalReport
from ovseg_ros.evaluation.page.render import render_page
from ovseg_ros.evaluation.page.report_json import report_as_json
from ovseg_ros.output import make_folder, write_file, write_json

PAGE_NAME = "report.html"
JSON_NAME = "report.json"


def write_report(folder: Path, report: EvalReport) -> Path:
    """Write `report.html` and `report.json` into `folder`; return the page.

    Raises `OutputError` where that cannot be done.
    """
    make_folder(folder)
    write_json(folder / JSON_NAME, report_as_json(report))
    page = folder / PAGE_NAME
    # A name from a command line may hold bytes that are no text.
    write_file(page, render_page(report).encode(errors="replace"))
    return page
