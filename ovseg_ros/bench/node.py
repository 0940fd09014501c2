"""The node at camera rate: camera, node and recorder in three processes, nothing lost uncounted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ovseg_ros.bench.bare_call import BareCall
from ovseg_ros.bench.material import SIZE_PX, median_and_p95, scaled_frames
from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.demo.events import Event
from ovseg_ros.demo.report import build_report
from ovseg_ros.demo.run import nouns_by_frequency
from ovseg_ros.demo.script import Door, Step
from ovseg_ros.demo.session import SessionPlan, SessionResult, run_session
from ovseg_ros.evaluation.drive import open_drive
from ovseg_ros.packages import ModelPackage
from ovseg_ros.percentiles import percentiles
from ovseg_ros.svg_chart import Chart, Series
from ovseg_ros.text.bank import TextBank

RATE_HZ = 15.0
LABELS = 8
_BARE_CALLS = 100
_OLDEST_PERIODS = 2.0
_FACTOR, _ALLOWANCE_MS = 1.5, 5.0


def bench_node(
    drive_path: Path,
    package: str,
    seconds: float,
    work: Path,
    on_event: Callable[[str, Event], None],
) -> BenchResult:
    """Stream raw 640x480 frames at 15 Hz through the node for `seconds`, and check every mask.

    The bare ONNX Runtime call on the same frames is timed before and after, in this process.
    """
    drive = open_drive(drive_path)
    labels = nouns_by_frequency(drive)[:LABELS]
    frames = scaled_frames(drive)
    loaded = ModelPackage.load(package)
    bare = BareCall(loaded, TextBank.load(loaded), labels)
    before_ms = bare.times_ms(frames, _BARE_CALLS)
    plan = SessionPlan(
        drive_path,
        seconds,
        (Step(0.0, Door.SERVICE, "; ".join(labels)),),
        package,
        rate_hz=RATE_HZ,
        raw_size_px=SIZE_PX,
        # Half a period less than the two periods promised, for the way to the subscriber.
        node_parameters={"input.max_age_ms": 1.5e3 / RATE_HZ},
    )
    result = run_session(plan, work, on_event)
    after_ms = bare.times_ms(frames, _BARE_CALLS)
    numbers = _numbers(result, before_ms, after_ms)
    return BenchResult(
        name="node",
        title=f"The node at {RATE_HZ:g} Hz, 640x480, N={LABELS}, for {seconds:g} s",
        data={"labels": labels, "seconds": seconds, **numbers},
        body=_body(numbers),
        charts={"node.svg": _age_chart(result)},
        claims=_claims(numbers),
    )


def _numbers(
    result: SessionResult, before_ms: list[float], after_ms: list[float]
) -> dict[str, Any]:
    report = build_report(result, RATE_HZ)
    masks, statuses = result.recording["masks"], result.recording["statuses"]
    published = [(mask["published_ns"] - mask["stamp_ns"]) / 1e6 for mask in masks]
    bare_p50, bare_p95 = median_and_p95(before_ms + after_ms)
    inference = [s["inference_p50_ms"] for s in statuses if s["inference_p50_ms"] is not None]
    return {
        "bare_p50_ms": bare_p50,
        "bare_p95_ms": bare_p95,
        "bare_before_p50_ms": median_and_p95(before_ms)[0],
        "bare_after_p50_ms": median_and_p95(after_ms)[0],
        "latency_p50_ms": report["node"]["latency_p50_ms"],
        "inference_p50_ms": median_and_p95(inference)[0] if inference else None,
        **percentiles("age_published", published),
        **percentiles("age_received", [(m["received_ns"] - m["stamp_ns"]) / 1e6 for m in masks]),
        "sent": result.sent,
        **report["node"]["counters"],
        "lost_in_transport": report["node"]["lost_in_transport"],
        "masks_received": len(masks),
        "mask_rate_hz": report["masks"]["rate_hz"],
        "rss_first_mb": result.node_rss_mb[0],
        "rss_last_mb": result.node_rss_mb[-1],
        "rss_peak_mb": result.node_peak_rss_mb,
        "spawn_to_active_s": report["node"]["start_to_active_s"],
        "spawn_to_first_mask_s": (masks[0]["published_ns"] - result.node_spawn_ns) / 1e9
        if masks
        else None,
        "failures": report["failures"],
    }


def _claims(n: dict[str, Any]) -> tuple[Claim, ...]:
    oldest_ms = _OLDEST_PERIODS * 1e3 / RATE_HZ
    limit_ms = _FACTOR * n["bare_p50_ms"] + _ALLOWANCE_MS
    dropped = n["replaced"] + n["stale"] + n["superseded"] + n["rejected"]
    return (
        Claim(
            "oldest mask when published",
            f"at most two periods, {oldest_ms:.1f} ms",
            f"{n['age_published_max_ms']:.1f} ms",
            n["age_published_max_ms"] <= oldest_ms,
        ),
        Claim(
            "every frame accounted for",
            "sent = published + counted drops",
            f"{n['sent']} = {n['published']} + {dropped}, {n['lost_in_transport']} lost on the way",
            n["sent"] == n["published"] + dropped,
        ),
        Claim(
            "every mask arrives",
            f"{n['published']} published",
            f"{n['masks_received']} received",
            n["published"] == n["masks_received"],
        ),
        Claim(
            "arrival to publication, p50",
            f"at most 1.5 x bare call + 5 ms = {limit_ms:.1f} ms",
            f"{n['latency_p50_ms']:.1f} ms",
            n["latency_p50_ms"] <= limit_ms,
        ),
        Claim(
            "rules of the demo",
            "none broken",
            "; ".join(n["failures"]) or "none",
            not n["failures"],
        ),
    )


def _body(n: dict[str, Any]) -> str:
    rows = [
        (
            "bare ONNX Runtime call p50 (before, after), ms",
            f"{n['bare_p50_ms']:.1f} ({n['bare_before_p50_ms']:.1f}, {n['bare_after_p50_ms']:.1f})",
        ),
        ("inference in the node p50, ms", f"{n['inference_p50_ms']:.1f}"),
        ("arrival to publication p50, ms", f"{n['latency_p50_ms']:.1f}"),
        *(
            (
                f"age when {when} p50 / p95 / p99 / max, ms",
                " / ".join(
                    f"{n[f'age_{when}_{key}_ms']:.1f}" for key in ("p50", "p95", "p99", "max")
                ),
            )
            for when in ("published", "received")
        ),
        ("mask rate, Hz", f"{n['mask_rate_hz']:.2f}"),
        ("sent / received / published", f"{n['sent']} / {n['received']} / {n['published']}"),
        (
            "replaced / stale / superseded / rejected",
            f"{n['replaced']} / {n['stale']} / {n['superseded']} / {n['rejected']}",
        ),
        (
            "node RSS first / last / peak, MB",
            f"{n['rss_first_mb']:.0f} / {n['rss_last_mb']:.0f} / {n['rss_peak_mb']:.0f}",
        ),
        ("start of the process to active, s", f"{n['spawn_to_active_s']:.2f}"),
        ("start of the process to first mask, s", f"{n['spawn_to_first_mask_s']:.2f}"),
    ]
    return (
        "Camera (raw rgb8), node and recorder are processes of their own; a fourth one, the "
        "operator, configures and activates the node and then idles. The node drops frames that "
        "are older than one and a half periods (`input.max_age_ms`). The bare call "
        "is `onnxruntime.InferenceSession.run` with default options on the same frames and "
        "labels, alone on the machine, before and after the stream.\n\n"
        + table(("number", "value"), rows)
    )


def _age_chart(result: SessionResult) -> str:
    seconds = result.ticks
    start_ns = seconds[0]["time_ns"]
    xs = [(second["time_ns"] - start_ns) / 1e9 for second in seconds]
    series = tuple(
        Series(name, xs, [second[key] for second in seconds])
        for name, key in (("p50", "age_p50_ms"), ("p95", "age_p95_ms"))
    )
    return Chart("seconds", "age of a mask when it is received, ms", series).to_svg()
