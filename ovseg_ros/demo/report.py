"""The report of a demo: what came out, and whether that is what must come out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ovseg_ros.demo.ledger import Rule
from ovseg_ros.demo.session import SessionResult
from ovseg_ros.percentiles import percentiles

_LOWEST_RATE_SHARE = 0.5
_FATES = ("published", "replaced", "stale", "superseded", "rejected")


def build_report(result: SessionResult, camera_rate_hz: float) -> dict[str, Any]:
    """Return the report as JSON types; `camera_rate_hz` is the rate the camera was asked for."""
    masks, status = result.recording["masks"], result.final_status
    report: dict[str, Any] = {
        "camera": {"rate_hz": camera_rate_hz, "sent": result.sent},
        "node": {
            "package": status.get("package"),
            "backend": status.get("backend"),
            "counters": {name: status.get(name, 0) for name in ("received", *_FATES)},
            "lost_in_transport": result.sent - status.get("received", 0),
            "latency_p50_ms": _median([s["latency_p50_ms"] for s in result.recording["statuses"]]),
            "peak_rss_mb": result.node_peak_rss_mb,
            "start_to_active_s": (result.node_active_ns - result.node_spawn_ns) / 1e9,
        },
        "masks": {
            "received": len(masks),
            "rate_hz": mask_rate_hz(masks),
            **percentiles("age", [(m["received_ns"] - m["stamp_ns"]) / 1e6 for m in masks]),
        },
        "mean_iou": _overall_mean_iou(result),
        "rules": {rule.value: result.recording["broken_rules"].get(rule.value, 0) for rule in Rule},
        "queries": [_query_report(query, result) for query in result.queries],
        "exit_codes": result.exit_codes,
        "seconds": result.ticks,
    }
    report["failures"] = failures(report)
    return report


def failures(report: dict[str, Any]) -> list[str]:
    """Return a sentence for everything that did not come out as it must."""
    found = []
    counters, masks, camera = report["node"]["counters"], report["masks"], report["camera"]
    if not masks["received"]:
        found.append(f"no mask came out, though the camera sent {camera['sent']} frames")
    elif masks["rate_hz"] < _LOWEST_RATE_SHARE * camera["rate_hz"]:
        found.append(
            f"masks came at {masks['rate_hz']:.1f} Hz, less than half of the camera's "
            f"{camera['rate_hz']:.1f} Hz; the machine is too slow or too busy for this package"
        )
    found += [f"rule broken {n} times: {rule}" for rule, n in report["rules"].items() if n]
    accounted = sum(counters[name] for name in _FATES)
    if counters["received"] != accounted:
        found.append(
            f"the node received {counters['received']} frames but accounts for {accounted}"
        )
    if counters["published"] != masks["received"]:
        found.append(f"{counters['published']} masks were published, {masks['received']} arrived")
    for query in report["queries"]:
        if query["accepted"] != query["expected"]:
            verb = "accepted" if query["accepted"] else "refused"
            found.append(f"the query '{query['query'][:60]}' was {verb}: {query['message']}")
    found += [
        f"the {name} process ended with exit code {code}"
        for name, code in report["exit_codes"].items()
        if code
    ]
    return found


def mask_rate_hz(masks: Sequence[dict[str, Any]]) -> float:
    """Return the mean rate of publication, Hz; 0 for fewer than two masks."""
    if len(masks) < 2:
        return 0.0
    span_ns = masks[-1]["published_ns"] - masks[0]["published_ns"]
    return float((len(masks) - 1) * 1e9 / max(1, span_ns))


def _query_report(query: dict[str, Any], result: SessionResult) -> dict[str, Any]:
    """Join a query with what came out under its revision."""
    revision = query["revision"] if query["accepted"] else None
    masks = [mask for mask in result.recording["masks"] if mask["revision"] == revision]
    first_ms = (masks[0]["received_ns"] - query["sent_ns"]) / 1e6 if masks else None
    # Without a running stream there is nothing to measure the change by.
    streaming = query["sent_ns"] > result.stream_start_ns
    return {
        **query,
        "at_s": max(0.0, (query["sent_ns"] - result.stream_start_ns) / 1e9),
        "masks": len(masks),
        "first_mask_ms": first_ms if streaming else None,
        "scores": result.recording["scores"].get(str(revision)),
    }


def _overall_mean_iou(result: SessionResult) -> float | None:
    """Return the mean over the queries of their mean IoU, each weighted with its masks."""
    weighted = [
        (scores["all"]["mean_iou"], sum(m["revision"] == int(r) for m in result.recording["masks"]))
        for r, scores in result.recording["scores"].items()
        if scores["all"]["mean_iou"] is not None
    ]
    total = sum(weight for _, weight in weighted)
    return sum(iou * weight for iou, weight in weighted) / total if total else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None
