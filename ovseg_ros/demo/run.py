"""`run_demo`: the whole demo, from the settings to the folder of results."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from ovseg_ros.adapters.library import AdapterLibrary, adapter_folder
from ovseg_ros.demo.adapter_timeline import looks_over_time, mixes_over_time
from ovseg_ros.demo.comparison import compare_with_base
from ovseg_ros.demo.gallery import choose_stamps, draw_pictures, write_gif
from ovseg_ros.demo.live import LiveView
from ovseg_ros.demo.page import render_page
from ovseg_ros.demo.report import build_report
from ovseg_ros.demo.script import Step, drive_script, label_script
from ovseg_ros.demo.session import (
    CAMERA,
    NODE,
    OPERATOR,
    RECORDER,
    SessionPlan,
    SessionResult,
    run_session,
)
from ovseg_ros.demo.staging import REPORT_NAME, staged_folder
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.drive import Drive, open_drive
from ovseg_ros.image_files import decode_ids
from ovseg_ros.machine import machine_line
from ovseg_ros.output import write_file, write_json
from ovseg_ros.packages import ModelPackage

_LONGEST_DEFAULT_S = 36.0
_SHORTEST_S = 6.0
_PICTURES, _GIF_FRAMES = 12, 60
# Counting nouns on every frame of a long drive would keep the user waiting.
_COUNTED_FRAMES = 40


@dataclass(frozen=True)
class DemoSettings:
    """What to show: a bag, or images with `labels`; `seconds` None takes a suitable length.

    `adapters` is a folder of adapters, None for that of the package.
    """

    drive: Path
    out: Path
    package: str
    adapters: Path | None = None
    labels: str = ""
    seconds: float | None = None
    command: str = "ovseg demo"


def run_demo(settings: DemoSettings, console: Console) -> dict[str, Any]:
    """Run the demo, write the results to `settings.out` and return the report.

    Raises `OvsegError` where the demo cannot run to its end; then nothing is written and no
    process is left. A run that ends but did not deliver has sentences in the report's `failures`.
    """
    library = _library(settings)
    drive = open_drive(settings.drive)
    seconds = settings.seconds or min(_LONGEST_DEFAULT_S, max(drive.duration_s, 3 * _SHORTEST_S))
    if seconds < _SHORTEST_S:
        raise OvsegError(
            f"{seconds:g} s are too short for the operator's changes of query; "
            f"give --seconds {_SHORTEST_S:g} or more"
        )
    script = _script(settings, drive, seconds)
    with (
        staged_folder(settings.out) as stage,
        tempfile.TemporaryDirectory(prefix="ovseg_demo_") as work,
    ):
        plan = SessionPlan(
            settings.drive,
            seconds,
            script,
            settings.package,
            bag=stage / "bag",
            node_parameters={"adapter.dir": str(library.folder.absolute())},
        )
        with LiveView(console) as view:
            result = run_session(plan, Path(work), view.show)
        report = {
            "command": settings.command,
            "drive": drive.name,
            "machine": machine_line(),
            **build_report(result, drive.rate_hz),
            "adapters": adapter_report(library, result, drive),
        }
        if library.names:
            report["adapters"]["comparison"] = compare_with_base(
                stage / "bag", drive, result.recording, result.queries, settings.package
            )
        _write_results(stage, report, result.recording)
        _keep_logs(Path(work), stage / "logs")
    return report


def adapter_report(library: AdapterLibrary, result: SessionResult, drive: Drive) -> dict[str, Any]:
    """Return what the node did with the adapters of `library`, before any comparison."""
    recording, start_ns = result.recording, result.stream_start_ns
    end_ns = max((mask["received_ns"] for mask in recording["masks"]), default=start_ns)
    return {
        "library": library.state,
        "available": bool(library.names),
        "switches": result.final_status.get("adapter_switches", 0),
        "seconds": (end_ns - start_ns) / 1e9,
        "timeline": mixes_over_time(recording["statuses"], start_ns, end_ns),
        "looks": looks_over_time(recording["masks"], drive, start_ns),
        "comparison": None,
    }


def _library(settings: DemoSettings) -> AdapterLibrary:
    package = ModelPackage.load(settings.package)
    return AdapterLibrary.open(adapter_folder(package, settings.adapters), package.card)


def _script(settings: DemoSettings, drive: Drive, seconds: float) -> tuple[Step, ...]:
    if settings.labels:
        return label_script(settings.labels, seconds)
    nouns = nouns_by_frequency(drive)
    if not nouns:
        raise OvsegError(
            f"{settings.drive} has no ground truth to take labels from; give --labels 'car; person'"
        )
    return drive_script(nouns, seconds)


def nouns_by_frequency(drive: Drive) -> list[str]:
    """Return the nouns that the drive's ground truth shows, the one with most pixels first."""
    pixels: Counter[int] = Counter()
    for frame in drive.frames[:: max(1, len(drive.frames) // _COUNTED_FRAMES)]:
        if frame.truth is not None:
            pixels.update(decode_ids(frame.truth).ravel().tolist())
    return [drive.names[noun_id] for noun_id, _ in pixels.most_common() if noun_id in drive.names]


def _write_results(stage: Path, report: dict[str, Any], recording: dict[str, Any]) -> None:
    masks = recording["masks"]
    pictures = draw_pictures(stage / "bag", recording, choose_stamps(masks, _GIF_FRAMES))
    shown = pictures[:: max(1, len(pictures) // _PICTURES)][:_PICTURES]
    (stage / "overlays").mkdir()
    for number, picture in enumerate(shown):
        picture.image.save(stage / "overlays" / f"{number:02d}.jpg", quality=90)
    if pictures:
        write_gif(pictures, stage / "demo.gif")
    write_file(stage / "index.html", render_page(report, shown).encode())
    write_json(stage / REPORT_NAME, report)


def _keep_logs(work: Path, logs: Path) -> None:
    logs.mkdir()
    for name in (CAMERA, NODE, OPERATOR, RECORDER):
        shutil.copy(work / f"{name}.log", logs)
