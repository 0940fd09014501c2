"""The tables of a library of domains: with all adapters, and with the domain's own left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import harmonic_mean
from typing import Any

from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.svg_heat_map import HeatMap
from ovseg_train.domains.domain import BaseModel, Domain
from ovseg_train.domains.recognition import (
    BASE,
    confusion,
    mean_entropy_bits,
    per_frame,
    per_second,
    right_share,
)
from ovseg_train.domains.scoring import DomainScore, Way

_ALL = (Way.ZERO_SHOT, Way.UNIFORM, Way.UNIFORM_CHANGES, Way.RETRIEVED, Way.OWN)
_OTHERS = (Way.ZERO_SHOT, Way.OTHERS_UNIFORM, Way.OTHERS_RETRIEVED, Way.OWN)
_BETTER_POINTS, _WORSE_POINTS = 3.0, 1.0


def domains_result(
    domains: Sequence[Domain],
    scores: Mapping[str, DomainScore],
    library: AdapterLibrary,
    settings: RetrievalSettings,
    base: BaseModel = BaseModel.EMBEDDED,
) -> BenchResult:
    """Return tables, claims and the confusion picture of `scores` by domain name, under `base`."""
    rows = [
        {**_row(domain, scores[domain.name], library, settings), "saw": domain.saw[base.value]}
        for domain in domains
    ]
    means = {way.name.lower(): _mean(rows, way) for way in Way}
    counted = {domain.title: per_frame(scores[domain.name]) for domain in domains}
    shares = confusion(counted, library.names)
    picture = HeatMap(
        "domain of the frame → adapter", list(counted), [*library.names, BASE], shares
    )
    return BenchResult(
        name="domains",
        title="A library of domains",
        data={
            "settings": {**vars(settings), "distance": settings.distance.value},
            "adapters": {info.name: _about(info) for info in library.infos()},
            "domains": rows,
            "harmonic_means": means,
            "confusion_per_frame": {name: dict(row) for name, row in counted.items()},
        },
        body=_body(rows, means),
        charts={"domains_confusion.svg": picture.to_svg()},
        claims=_claims(rows, means),
    )


def _row(
    domain: Domain, score: DomainScore, library: AdapterLibrary, settings: RetrievalSettings
) -> dict[str, Any]:
    seconds = per_second(score, library, settings)
    return {
        "domain": domain.name,
        "synthetic": domain.synthetic,
        "frames": len(score.embeddings),
        "adapter": _kind(library, domain.name),
        "miou": {way.name.lower(): round(score.miou(way), 4) for way in Way},
        "right_per_frame": round(right_share(per_frame(score), domain.name), 3),
        "right_per_second": round(right_share(seconds, domain.name), 3),
        "base_per_frame": round(right_share(per_frame(score), BASE), 3),
        "seconds": sum(seconds.values()),
        "entropy_bits": round(mean_entropy_bits(score), 3),
    }


def _kind(library: AdapterLibrary, name: str) -> str:
    if name not in library.index:
        return "no adapter"
    return "trained" if library.factors(name).b.any() else "anchor"


def _about(info: Any) -> dict[str, Any]:
    return {
        "spread": info.spread,
        "frames": info.count,
        "synthetic": info.synthetic,
        "metrics": dict(info.metrics),
    }


def _mean(rows: Sequence[Mapping[str, Any]], way: Way) -> float:
    return round(harmonic_mean([row["miou"][way.name.lower()] for row in rows]), 4)


def _claims(rows: Sequence[dict[str, Any]], means: Mapping[str, float]) -> tuple[Claim, ...]:
    # Against the stronger of both: anchors change nothing and so weaken the merge.
    uniform = max(means["uniform"], means["uniform_changes"])
    better = 100 * (means["retrieved"] - uniform)
    claims = [
        Claim(
            "retrieval and fusion against the better uniform merge, all adapters, harmonic means",
            f"at least {_BETTER_POINTS:g} points better",
            f"{better:+.1f} points",
            better >= _BETTER_POINTS,
        )
    ]
    for key, words in (("retrieved", "all adapters"), ("others_retrieved", "own left out")):
        worst = min(rows, key=lambda row: row["miou"][key] - row["miou"]["zero_shot"])
        change = 100 * (worst["miou"][key] - worst["miou"]["zero_shot"])
        claims.append(
            Claim(
                f"retrieval and fusion against the base model on the worst domain, {words}",
                f"at most {_WORSE_POINTS:g} point lower",
                f"{change:+.1f} points, {worst['domain']}",
                change >= -_WORSE_POINTS,
            )
        )
    return tuple(claims)


def _body(rows: Sequence[dict[str, Any]], means: Mapping[str, float]) -> str:
    recognised = table(
        ("domain", "right per frame", "right per second", "base model per frame", "entropy, bits"),
        [
            (
                _title(row),
                f"{row['right_per_frame']:.2f}",
                f"{row['right_per_second']:.2f} of {row['seconds']}",
                f"{row['base_per_frame']:.2f}",
                f"{row['entropy_bits']:.2f}",
            )
            for row in rows
        ],
    )
    return (
        "mIoU, 0 to 1, by ONNX Runtime through the package's own program. Every frame is weighed "
        "for itself with the defaults of `ovseg_ros.adapters`, gate included. Domains marked "
        "synthetic are rendered; nothing measured there says anything about real weather. Where no "
        "factors were better than the base model on frames held out of those to learn from, the "
        "domain has an anchor: an adapter that changes nothing.\n\n"
        "## All adapters\n\n"
        + _scores(rows, means, _ALL)
        + "\n\n## Own adapter left out\n\n"
        + _scores(rows, means, _OTHERS)
        + "\n\n## Which adapter is recognised\n\nBy the largest share of the mix. A second is the "
        "mean embedding of up to 15 successive frames of a sequence; rendered scenes have 4 frames "
        "from different places, sequences of IDD-Lite about as many.\n\n"
        + recognised
        + "\n\n## What the base model has seen\n\n"
        + table(("domain", "frames", "seen"), [(_title(r), r["frames"], r["saw"]) for r in rows])
    )


def _scores(rows: Sequence[dict[str, Any]], means: Mapping[str, float], ways: Sequence[Way]) -> str:
    keys = [way.name.lower() for way in ways]
    cells: list[Sequence[Any]] = [
        (_title(row), *(f"{row['miou'][key]:.3f}" for key in keys)) for row in rows
    ]
    cells.append(("**harmonic mean**", *(f"**{means[key]:.3f}**" for key in keys)))
    return table(("domain", *(way.value for way in ways)), cells)


def _title(row: Mapping[str, Any]) -> str:
    note = "" if row["adapter"] == "trained" else f", {row['adapter']}"
    return f"{row['domain']}{' (synthetic)' if row['synthetic'] else ''}{note}"
