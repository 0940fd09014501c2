"""The page: one file that needs no other, and in which nothing but this project's script runs."""

from __future__ import annotations

import base64
import hashlib
import html
import string
from pathlib import Path

from ovseg_ros.evaluation.eval_report import EvalReport
from ovseg_ros.evaluation.page import charts, confusions, gallery, live, overview
from ovseg_ros.html_table import table

_FOLDER = Path(__file__).parent
_DEFINITIONS = (
    ("IoU", "right pixels / (pixels of the label in truth or prediction), over all frames"),
    ("accuracy, precision", "right pixels / pixels of the label in the truth, in the prediction"),
    ("boundary IoU", "IoU of the pixels within 2 % of the image diagonal of a contour"),
    ("ECE", "mean gap between confidence and accuracy over 15 bins, weighted with pixels"),
    ("flicker", "of the pixels with the truth of the frame before: those with another label"),
    ("label change", "of all pixels: those with another label than in the frame before"),
)


def render_page(report: EvalReport) -> str:
    """Return the page for a report. Every name in it is taken as text, whatever it holds."""
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    # A browser runs a script of this hash only, so a label that got past escaping stays dead.
    digest = hashlib.sha256(script.encode()).digest()
    sentences = overview.verdict(report)
    return string.Template((_FOLDER / "page.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(report.title),
        style=(_FOLDER / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(digest).decode(),
        verdict="".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences),
        tiles=overview.tiles(report),
        notes=gallery.notes(report.notes),
        selections=overview.selections(report),
        labels=overview.labels(report),
        labels_by_selection=overview.labels_by_selection(report),
        gallery=_gallery(report),
        frame_table=gallery.frame_table(report),
        missing=live.missing_frames(report.frames),
        mistakes=_mistakes(report),
        confusions=_confusions(report),
        reliability=_reliability(report),
        over_frames=_over_frames(report),
        adapters=_adapters(report),
        live=live.live_section(report),
        facts=overview.facts(report),
        run=table(("", ""), report.run.items()),
        definitions=_definitions(),
    )


def _gallery(report: EvalReport) -> str:
    if not report.thumbnails:
        return ""
    orders = {"iou": "worst first", "time": "in time"}
    if report.against:
        orders = {"gain": "largest loss first", **orders}
    options = "".join(f'<option value="{key}">{text}</option>' for key, text in orders.items())
    return (
        f'<div class="controls">{gallery.filters(report.frames)}'
        f'<label>order <select id="order">{options}</select></label>'
        '<label>show <select id="shown"></select></label>'
        '<span id="count" class="quiet"></span></div>'
        f"{gallery.legend(report)}{gallery.gallery(report)}"
    )


def _mistakes(report: EvalReport) -> str:
    if not report.total.evaluated_px:
        return ""
    pairs = confusions.confused_pairs(report)
    return f'<div><h2>Largest mistakes</h2><div class="wide">{pairs}</div></div>'


def _confusions(report: EvalReport) -> str:
    picture = confusions.heat_map(report.total)
    if picture is None:
        return ""
    drawn = f'<div class="chart">{picture.to_svg()}</div>'
    return f"<h3>What is taken for what: share of each truth</h3>{drawn}"


def _reliability(report: EvalReport) -> str:
    chart = charts.reliability(report)
    if chart is None:
        return ""
    return (
        "<h3>Is it as sure as it is right?</h3>"
        '<p class="quiet">Below the straight line it is surer than right.</p>'
        f'<div class="chart">{chart.to_svg()}</div>'
    )


def _over_frames(report: EvalReport) -> str:
    drawn = "".join(
        f'<div class="chart">{chart.to_svg()}</div>' for chart in charts.over_frames(report)
    )
    return f"<h3>Frame by frame</h3>{drawn}" if drawn else ""


def _adapters(report: EvalReport) -> str:
    timeline = charts.adapters_over_time(report)
    if timeline is None:
        return ""
    return f'<h3>Adapters over time</h3><div class="chart">{timeline.to_svg()}</div>'


def _definitions() -> str:
    inside = table(("measure", "what it is"), _DEFINITIONS)
    return f"<details><summary>what the measures mean</summary>{inside}</details>"
