"""The demo's one-page summary: numbers, queries, charts and pictures in one HTML file."""

from __future__ import annotations

import base64
import html
import io
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ovseg_ros.demo.adapter_section import adapter_section
from ovseg_ros.demo.gallery import Picture
from ovseg_ros.html_table import shown, table
from ovseg_ros.svg_chart import Chart, Series

_TEMPLATE = Path(__file__).with_name("page.html")


def render_page(report: Mapping[str, Any], pictures: Sequence[Picture]) -> str:
    """Return the page for a report; it needs no other file."""
    failures = report["failures"]
    return string.Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        drive=html.escape(report["drive"]),
        package=html.escape(str(report["node"]["package"])),
        backend=html.escape(str(report["node"]["backend"])),
        machine=html.escape(report["machine"]),
        command=html.escape(report["command"]),
        verdict_class="bad" if failures else "good",
        verdict=html.escape("; ".join(failures) or "Delivered: every mask kept every rule."),
        tiles=_tiles(report),
        charts=timeline(report),
        queries=_queries(report["queries"]),
        labels=_labels(report["queries"]),
        domains=_domains(report["queries"]),
        frames="".join(_figure(picture) for picture in pictures),
        adapters=adapter_section(report["adapters"]),
        rules=table(("rule", "broken"), report["rules"].items()),
        counters=_counters(report),
    )


def timeline(report: Mapping[str, Any]) -> str:
    """Return the age and the mIoU by second as two SVG charts, a mark at every change of query."""
    seconds = report["seconds"]
    start_ns = seconds[0]["time_ns"] if seconds else 0
    xs = [(second["time_ns"] - start_ns) / 1e9 for second in seconds]
    marks = tuple(
        (max(0.0, (query["sent_ns"] - start_ns) / 1e9), str(query["revision"]))
        for query in report["queries"]
        if query["accepted"] and query["masks"]
    )
    ages = tuple(
        Series(name, xs, [second[key] for second in seconds])
        for name, key in (("age p50", "age_p50_ms"), ("age p95", "age_p95_ms"))
    )
    charts = [Chart("seconds", "age of a mask when it is received, ms", ages, marks)]
    scores = [second["mean_iou"] for second in seconds]
    if any(score is not None for score in scores):
        charts.append(Chart("seconds", "mIoU of the second", (Series("mIoU", xs, scores),), marks))
    return "".join(chart.to_svg() for chart in charts)


def _tiles(report: Mapping[str, Any]) -> str:
    masks, node = report["masks"], report["node"]
    dropped = sum(
        n for name, n in node["counters"].items() if name not in ("received", "published")
    )
    values = {
        "mIoU": shown(report["mean_iou"], 3),
        "mask rate": f"{masks['rate_hz']:.1f} Hz",
        "age p50": f"{shown(masks['age_p50_ms'], 1)} ms",
        "age p95": f"{shown(masks['age_p95_ms'], 1)} ms",
        "masks": str(masks["received"]),
        "dropped": str(dropped),
        "node memory": f"{node['peak_rss_mb']:.0f} MB",
        "start to active": f"{node['start_to_active_s']:.1f} s",
    }
    return "".join(
        f'<div class="tile">{name}<b>{value}</b></div>' for name, value in values.items()
    )


def _queries(queries: Sequence[Mapping[str, Any]]) -> str:
    head = ("at, s", "by", "query", "revision", "masks", "first mask, ms", "mIoU")
    rows = [
        (
            f"{query['at_s']:.1f}",
            query["door"],
            query["query"],
            query["revision"] if query["accepted"] else f"refused: {query['message']}",
            query["masks"] if query["accepted"] else "",
            shown(query["first_mask_ms"], 0) if query["accepted"] else "",
            shown(query["scores"]["all"]["mean_iou"], 3) if query["scores"] else "",
        )
        for query in queries
    ]
    return table(head, rows)


def _labels(queries: Sequence[Mapping[str, Any]]) -> str:
    """A row per label, a column per query."""
    scored = [query for query in queries if query["scores"]]
    names = dict.fromkeys(name for query in scored for name in query["scores"]["all"]["labels"])
    if not names:
        return "<p>The drive has no ground truth.</p>"
    rows = [
        (name, *(_label_iou(query["scores"]["all"]["labels"], name) for query in scored))
        for name in names
    ]
    means = ("mean", *(shown(query["scores"]["all"]["mean_iou"], 3) for query in scored))
    return table(("label", *(f"query {query['revision']}" for query in scored)), [*rows, means])


def _domains(queries: Sequence[Mapping[str, Any]]) -> str:
    """The mean IoU by domain, a column per query: the drive changes its look while it runs."""
    scored = [query for query in queries if query["scores"]]
    names = dict.fromkeys(name for query in scored for name in query["scores"]["domains"])
    if not names:
        return "<p>The drive has no ground truth.</p>"
    rows = [
        (name, *(_domain_iou(query["scores"]["domains"], name) for query in scored))
        for name in names
    ]
    return table(("domain", *(f"query {query['revision']}" for query in scored)), rows)


def _domain_iou(domains: Mapping[str, Any], name: str) -> str:
    return shown(domains[name]["mean_iou"], 3) if name in domains else ""


def _label_iou(labels: Mapping[str, Any], name: str) -> str:
    return shown(labels[name]["iou"], 3) if name in labels else ""


def _counters(report: Mapping[str, Any]) -> str:
    node = report["node"]
    counts = {"sent": report["camera"]["sent"], "lost in transport": node["lost_in_transport"]}
    return table(("what", "frames"), {**counts, **node["counters"]}.items())


def _figure(picture: Picture) -> str:
    stream = io.BytesIO()
    picture.image.save(stream, format="JPEG", quality=82)
    data = base64.b64encode(stream.getvalue()).decode()
    caption = html.escape(f"query {picture.revision}: {picture.query}")
    return (
        f'<figure><img alt="overlay" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
