"""The page and the claims of a soak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.bench.soak.evidence import Evidence, NodeLife
from ovseg_ros.bench.soak.faults import Fault
from ovseg_ros.bench.soak.growth import SETTLED_S, SHORTEST_S, Growth, growth_of
from ovseg_ros.bench.soak.recovery import Recovery, longest_silences, recoveries
from ovseg_ros.svg_chart import Chart, Series

LONGEST_SILENCE_S = 2.0
LONGEST_RECOVERY_S = 15.0
SLOWEST_ANSWER_S = 10.0
STEEPEST_MB_H = 50.0
_MORE_FILES, _MORE_THREADS = 8, 4
_CHART_POINTS = 600
_SILENCES = 10


def soak_result(evidence: Evidence, minutes: float, seed: int) -> BenchResult:
    """Judge the evidence of a soak of `minutes` under the faults of `seed`."""
    found = recoveries(evidence.faults, evidence.masks, evidence.ended_ns)
    kinds = _by_kind(found)
    silences = longest_silences(evidence.masks, found, _SILENCES)
    growths = [growth for life in evidence.lives if (growth := growth_of(life))]
    memory = _memory(evidence.lives)
    data = {
        "seed": seed,
        "hours": (evidence.ended_ns - evidence.started_ns) / 3.6e12,
        "masks": len(evidence.masks),
        "faults": kinds,
        "counts": dict(evidence.counts),
        "broken_rules": dict(evidence.broken),
        "incidents": evidence.incidents,
        "longest_silence_s": max((silence.seconds for silence in silences), default=0.0),
        "silences": [
            {"at_s": (each.began_ns - evidence.started_ns) / 1e9, "seconds": each.seconds}
            for each in silences
        ],
        "slowest_recovery_s": max((each.seconds for each in found if each.seconds), default=None),
        "not_recovered": sum(each.seconds is None for each in found),
        "slowest_answer_s": max(evidence.answers_ms, default=0.0) / 1e3,
        "answers": len(evidence.answers_ms),
        "node_processes": len(evidence.lives),
        "node_lives": [asdict(growth) for growth in growths],
        "node_own_mb": memory,
        "segments_left": evidence.leftovers,
    }
    return BenchResult(
        name="soak",
        title=f"The node for {minutes:g} minutes among faults",
        data=data,
        body=_body(data),
        charts={"soak.svg": _memory_chart(memory, evidence.lives)},
        claims=_claims(data, growths),
    )


def _by_kind(found: Sequence[Recovery]) -> dict[str, dict[str, Any]]:
    kinds: dict[str, dict[str, Any]] = {}
    for fault in Fault:
        seconds = [each.seconds for each in found if each.made.fault is fault]
        back = [value for value in seconds if value is not None]
        if seconds:
            kinds[fault.value] = {
                "times": len(seconds),
                "recovered": len(back),
                "p50_s": float(np.median(back)) if back else None,
                "max_s": max(back, default=None),
            }
    return kinds


def _claims(n: dict[str, Any], growths: Sequence[Growth]) -> tuple[Claim, ...]:
    slowest = n["slowest_recovery_s"]
    claims = [
        _none("processes that died, hung or answered wrongly", len(n["incidents"])),
        _none("broken rules of masks", sum(n["broken_rules"].values())),
        _none("faults that no mask came back from", n["not_recovered"]),
        _limit("longest silence without a reason, s", LONGEST_SILENCE_S, n["longest_silence_s"]),
        _limit("slowest recovery, s", LONGEST_RECOVERY_S, 0.0 if slowest is None else slowest),
        _limit("slowest answer of the node, s", SLOWEST_ANSWER_S, n["slowest_answer_s"]),
    ]
    steepest = max((g.slope_mb_h for g in growths if g.slope_mb_h is not None), default=None)
    if steepest is not None:
        claims.append(
            _limit("slope of the node's own memory, MB per hour", STEEPEST_MB_H, steepest)
        )
    for what, most, pairs in (
        ("open files", _MORE_FILES, [growth.files for growth in growths]),
        ("threads", _MORE_THREADS, [growth.threads for growth in growths]),
    ):
        if pairs:
            more = max(last - first for first, last in pairs)
            claims.append(_limit(f"{what} of the node, more at its end", most, more))
    return tuple(claims)


def _none(what: str, found: int) -> Claim:
    return Claim(what, "0", str(found), found == 0)


def _limit(what: str, most: float, found: float) -> Claim:
    return Claim(what, f"at most {most:g}", f"{found:.3g}", found <= most)


def _body(n: dict[str, Any]) -> str:
    faults = [
        (kind, row["times"], row["recovered"], _seconds(row["p50_s"]), _seconds(row["max_s"]))
        for kind, row in n["faults"].items()
    ]
    lives = [
        (
            f"{life['seconds'] / 60:.1f}",
            "{:.0f} / {:.0f}".format(*life["own_mb"]),
            "{:.0f} / {:.0f}".format(*life["shared_mb"]),
            f"{life['peak_rss_mb']:.0f}",
            "too short" if life["slope_mb_h"] is None else f"{life['slope_mb_h']:+.1f}",
            " / ".join(str(value) for value in life["files"]),
            " / ".join(str(value) for value in life["threads"]),
        )
        for life in n["node_lives"]
    ]
    beside = ", ".join(f"{count} {what}" for what, count in sorted(n["counts"].items()))
    return "\n\n".join(
        (
            f"{n['hours']:.2f} hours, {n['masks']} masks, {n['answers']} answers of "
            f"`~/get_state`. Beside the faults: {beside or 'nothing'}. The node ran in "
            f"{n['node_processes']} processes. Segments that killed processes left in shared "
            f"memory when all was over: {n['segments_left']}.",
            "Recovery is the time from the end of the cause (for a kill, the kill itself: the "
            "process is started again at once) to the reception of the first mask of a younger "
            "frame.",
            table(("fault", "times", "recovered", "p50, s", "max, s"), faults),
            "Processes of the node that outlived the first minute, from then on: medians at the "
            "beginning and at the end. Shared is what Fast DDS has mapped of its own segment and "
            "of those of its peers. The slope is a robust line (Theil-Sen) through the node's own "
            f"memory from its minute {SETTLED_S / 60:g} on, over {SHORTEST_S / 60:g} minutes or "
            "more.",
            table(
                ("minutes", "own, MB", "shared, MB", "peak", "slope, MB/h", "files", "threads"),
                lives,
            ),
            "\n".join(f"* {incident}" for incident in n["incidents"]),
        )
    ).rstrip()


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _memory(lives: Sequence[NodeLife]) -> list[tuple[float, float]]:
    """Return (minutes since the first life, memory of its own in MB) over all, thinned out."""
    start_ns = lives[0].born_ns
    points = [
        ((now_ns - start_ns) / 6e10, sample.rss_mb - sample.shared_mb)
        for life in lives
        for now_ns, sample in zip(life.sampled_ns, life.samples, strict=True)
    ]
    return points[:: max(1, len(points) // _CHART_POINTS)]


def _memory_chart(memory: Sequence[tuple[float, float]], lives: Sequence[NodeLife]) -> str:
    births = tuple(((life.born_ns - lives[0].born_ns) / 6e10, "") for life in lives[1:])
    series = (Series("node", [x for x, _ in memory], [y for _, y in memory]),)
    return Chart("minutes", "own memory, MB", series, marks=births).to_svg()
