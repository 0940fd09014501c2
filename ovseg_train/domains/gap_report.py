"""The numbers of the gap to dusk: how much of it is recovered, and what day loses by it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from ovseg_ros.adapters.file import ENDING
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.evaluation.dataset import LabelledFolder, load_labelled_folder
from ovseg_ros.evaluation.evaluate import evaluate
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmenter import Segmenter
from ovseg_train.domains.dusk import DuskDrive
from ovseg_train.domains.gap import GapRun
from ovseg_train.domains.over_time import Followed, follow

_RATE_HZ = 15.0
_DUSK_RATE_HZ = 1.0
_RECOVERED, _LOST_POINTS = 0.5, 0.5
_SELECTION_WORDS = """## Selection by itself

The library holds the dusk adapter alone, with the shipped gate. Day: all frames of the validation
drive 0016E5 at 15 Hz, by themselves, and right after the dusk frames, also at 15 Hz. As these are a
second apart or more, they scatter as no camera's do, and a cut is noticed late. Dusk: the same
frames as one a second.

"""


@dataclass(frozen=True)
class Models:
    """Packages of continued training: some that saw dusk, some that did not; either may be none."""

    saw: tuple[Path, ...]
    control: tuple[Path, ...]


@dataclass(frozen=True)
class Selection:
    """What selection makes of day, of day that dusk comes before, and of dusk."""

    day: Followed
    day_after_dusk: Followed
    dusk: Followed


def measure_gap(
    camvid: Path,
    package: ModelPackage,
    adapters: Path,
    runs: Sequence[GapRun],
    models: Models,
    threads: int = 0,
    say: Callable[[str], None] = lambda text: None,
) -> BenchResult:
    """Measure base, `models` and the `adapters` of `runs`, in that folder, on the same frames.

    Raises `OvsegError` where one of them is missing.
    """
    drive = DuskDrive.of(camvid)
    day = load_labelled_folder(camvid, "val", "day")
    with Segmenter.open(package.folder, threads=threads) as segmenter:
        library = AdapterLibrary.open(adapters, package.card)
        dusk = {"base": _miou(segmenter, drive.measure)}
        for run in runs:
            mix = AdapterMix(
                AdapterMode.PINNED, (run.name,), (1.0,), factors=library.factors(run.name)
            )
            segmenter.set_adapter(mix)
            dusk[run.name] = _miou(segmenter, drive.measure)
            say(f"{run.name}: {dusk[run.name]:.4f}, base {dusk['base']:.4f}")
        followed = {}
        for run in runs:
            followed[run.name] = _follow_alone(segmenter, package, library, run, day, drive.measure)
            say(f"{run.name}: {followed[run.name]}")
    kinds = {"saw": models.saw, "control": models.control}
    continued = {
        kind: {path.parent.name: _of_package(path, drive.measure, day, threads) for path in paths}
        for kind, paths in kinds.items()
    }
    return gap_result(len(drive.measure.items), dusk, continued, followed, runs)


def gap_result(
    frames: int,
    dusk: Mapping[str, float],
    continued: Mapping[str, Mapping[str, tuple[float, float]]],
    followed: Mapping[str, Selection],
    runs: Sequence[GapRun],
) -> BenchResult:
    """Return the page of the gap; mIoU of `dusk` by name, (dusk, day) of `continued` models."""
    saw = mean(score for score, _ in continued["saw"].values()) if continued["saw"] else None
    gap = None if saw is None else saw - dusk["base"]
    rows = [_row(count, dusk, gap, runs) for count in sorted({run.frames for run in runs})]
    lost = {
        "day": [_change(found.day) for found in followed.values()],
        "day right after dusk": [_change(found.day_after_dusk) for found in followed.values()],
    }
    data = {
        "frames_measured": frames,
        "miou_dusk": {name: round(score, 4) for name, score in dusk.items()},
        "continued": {
            kind: {n: {"dusk": round(d, 4), "day": round(y, 4)} for n, (d, y) in found.items()}
            for kind, found in continued.items()
        },
        "by_frames": rows,
        "selection": {name: asdict(found) for name, found in followed.items()},
    }
    return BenchResult(
        name="gap",
        title="The real gap: CamVid from day to dusk",
        data=data,
        body=_body(frames, dusk, continued, rows, followed),
        charts={},
        claims=_claims(rows, lost),
    )


def _row(
    count: int, dusk: Mapping[str, float], gap: float | None, runs: Sequence[GapRun]
) -> dict[str, Any]:
    found = [dusk[run.name] for run in runs if run.frames == count]
    gains = [score - dusk["base"] for score in found]
    row = {"frames": count, "miou": [round(score, 4) for score in found]}
    row["mean"] = round(mean(found), 4)
    row["recovered"] = None if not gap else [round(gain / gap, 3) for gain in gains]
    row["recovered_mean"] = None if not gap else round(mean(gains) / gap, 3)
    return row


def _claims(
    rows: Sequence[Mapping[str, Any]], lost: Mapping[str, Sequence[float]]
) -> tuple[Claim, ...]:
    claims = [
        Claim(
            f"share of the gap recovered from {row['frames']} frames, mean of the seeds",
            f"at least {_RECOVERED:g}",
            f"{row['recovered_mean']:.2f}",
            row["recovered_mean"] >= _RECOVERED,
        )
        for row in rows
        if row["recovered_mean"] is not None
    ]
    for what, points in lost.items():
        claims.append(
            Claim(
                f"{what}, with a dusk adapter in the library, selection automatic",
                f"at most {_LOST_POINTS:g} points lost",
                f"{min(points):+.2f} points (worst of {len(points)} adapters)",
                min(points) >= -_LOST_POINTS,
            )
        )
    return tuple(claims)


def _body(
    frames: int,
    dusk: Mapping[str, float],
    continued: Mapping[str, Mapping[str, tuple[float, float]]],
    rows: Sequence[Mapping[str, Any]],
    followed: Mapping[str, Selection],
) -> str:
    models: list[Sequence[Any]] = [("base model, never saw dusk", f"{dusk['base']:.4f}", "")]
    for kind, words in (("control", "continued without dusk"), ("saw", "continued with dusk")):
        models += [
            (f"{words}, {name}", f"{d:.4f}", f"{y:.4f}") for name, (d, y) in continued[kind].items()
        ]
    adapters = [_adapter_row(row) for row in rows]
    selection = [
        (
            name,
            *_points(found.day),
            *_points(found.day_after_dusk),
            f"{found.dusk.base_miou:.4f}",
            f"{found.dusk.auto_miou:.4f}",
            f"{found.dusk.frames_adapted} of {found.dusk.frames}",
        )
        for name, found in followed.items()
    ]
    head = (
        "adapter",
        "day, base",
        "points by selection",
        "frames adapted",
        "day after dusk, base",
        "points by selection",
        "frames adapted",
        "dusk, base",
        "dusk, auto",
        "frames adapted",
    )
    return (
        f"mIoU over 11 classes, ONNX Runtime, on {frames} frames of the drive 0001TP that "
        "nothing here has learnt from and no default was chosen on. They are of the same drive as "
        "the 40 frames to learn from, at least a second away from each. Adapters learn from some "
        "of these; the seed says which and how training starts.\n\n"
        "The model that saw dusk was **continued** from the base for some hundred steps with all "
        "weights trainable and the 40 dusk frames in two of seven crops; it was not trained from "
        "scratch. The control had the same steps without dusk.\n\n"
        + table(("model", "dusk", "day (val)"), models)
        + "\n\n"
        + table(("frames", "adapter, by seed", "mean", "share of the gap recovered"), adapters)
        + "\n\n"
        + _SELECTION_WORDS
        + table(head, selection)
    )


def _points(day: Followed) -> tuple[str, str, str]:
    return f"{day.base_miou:.4f}", f"{_change(day):+.2f}", f"{day.frames_adapted} of {day.frames}"


def _change(day: Followed) -> float:
    return 100 * (day.auto_miou - day.base_miou)


def _adapter_row(row: Mapping[str, Any]) -> tuple[str, ...]:
    recovered = "unknown"
    if row["recovered"] is not None:
        shares = ", ".join(f"{share:.2f}" for share in row["recovered"])
        recovered = f"{shares} (mean {row['recovered_mean']:.2f})"
    scores = ", ".join(f"{score:.3f}" for score in row["miou"])
    return str(row["frames"]), scores, f"{row['mean']:.3f}", recovered


def _follow_alone(
    segmenter: Segmenter,
    package: ModelPackage,
    library: AdapterLibrary,
    run: GapRun,
    day: LabelledFolder,
    dusk: LabelledFolder,
) -> Selection:
    """Return what selection makes of day and of dusk where this adapter is the only one."""
    with tempfile.TemporaryDirectory(prefix="ovseg_gap_") as work:
        shutil.copy2(library.path(run.name), Path(work) / f"{run.name}{ENDING}")
        alone = AdapterLibrary.open(Path(work), package.card)
        after_dusk = replace(day, items=(*dusk.items, *day.items))
        return Selection(
            day=follow(segmenter, alone, day, _RATE_HZ),
            day_after_dusk=follow(segmenter, alone, after_dusk, _RATE_HZ, len(dusk.items)),
            dusk=follow(segmenter, alone, dusk, _DUSK_RATE_HZ),
        )


def _of_package(
    folder: Path, dusk: LabelledFolder, day: LabelledFolder, threads: int
) -> tuple[float, float]:
    with Segmenter.open(folder, threads=threads) as segmenter:
        return _miou(segmenter, dusk), _miou(segmenter, day)


def _miou(segmenter: Segmenter, data: LabelledFolder) -> float:
    return evaluate(segmenter, data).total.mean_iou() or 0.0
