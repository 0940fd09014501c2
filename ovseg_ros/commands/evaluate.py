"""Measure a model package on frames with ground truth: mIoU per label name and more.

DATA is a rosbag2 (a folder, .mcap or .db3), a labelled folder (images/, labels/ with 8-bit PNGs of
class ids, classes.json with the names, items.json where images have a split and a domain), or a
folder of images. With --out FOLDER the result is a report to open in a browser, tables, and a bag
of masks; with --out FILE.json it is the scores alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ovseg_ros.commands.evaluate_options import add_evaluate_options, check_options
from ovseg_ros.commands.options import engine_of

if TYPE_CHECKING:
    from ovseg_ros.evaluation.eval_report import CameraFacts, EvalReport, LiveFacts
    from ovseg_ros.evaluation.footage.label_map import LabelMap
    from ovseg_ros.evaluation.run.chunks import ChunkStore
    from ovseg_ros.evaluation.run.configuration import Configuration
    from ovseg_ros.evaluation.run.live import LiveRun
    from ovseg_ros.evaluation.run.live_session import LiveOptions
    from ovseg_ros.evaluation.run.outcome import Outcome
    from ovseg_ros.evaluation.run.plan import EvalPlan

NAME = "eval"
HELP = "measure masks on bags or folders with ground truth"

add_arguments = add_evaluate_options


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the scores and write the results; 1 where something could not be used."""
    check_options(arguments)
    if arguments.out is not None and arguments.out.suffix != ".json":
        return _report_run(arguments)
    return _score_run(arguments)


def _score_run(arguments: argparse.Namespace) -> int:
    """Print the scores, and write them to a JSON file where one is named."""
    from rich.console import Console

    from ovseg_ros.evaluation.report import print_summary
    from ovseg_ros.evaluation.run.chunks import ChunkStore
    from ovseg_ros.evaluation.run.score_file import score_report
    from ovseg_ros.output import write_json

    plan = _plan_of(arguments)
    with tempfile.TemporaryDirectory(prefix="ovseg_eval_") as work:
        store = ChunkStore(Path(work) / "chunks", plan.fingerprint(), resume=False)
        outcome = _evaluated(arguments, plan, store, keep_masks=False)
    report = score_report(plan, outcome, arguments.split, arguments.domain)
    _print_scores(plan, outcome)
    print_summary(report, Console())
    if arguments.out:
        write_json(arguments.out, report)
    return _faulty(outcome)


def _report_run(arguments: argparse.Namespace) -> int:
    """Write the folder of results."""
    from ovseg_ros.evaluation.frame_table import require_pyarrow
    from ovseg_ros.evaluation.run.chunks import FOLDER_NAME, ChunkStore
    from ovseg_ros.evaluation.run.outcome import merged
    from ovseg_ros.evaluation.run.report_folder import REPORT_NAME, write_results
    from ovseg_ros.output import make_folder, refuse_foreign

    require_pyarrow()
    started = time.time()
    out = arguments.out
    refuse_foreign(out, (REPORT_NAME, FOLDER_NAME))
    plan = _plan_of(arguments)
    if arguments.live:
        _require_playable(arguments, plan)
    make_folder(out)
    store = ChunkStore(out / FOLDER_NAME, plan.fingerprint(), arguments.resume)
    outcome = _evaluated(arguments, plan, store, keep_masks=True)
    written, live = store, None
    facts: dict[str, str] = {}
    if arguments.live:
        found = _played(arguments, plan, store)
        plan, written, live = found.plan, found.store, found.facts
        outcome = merged(written.results(plan.segments))
        facts["node"] = found.counters
    facts |= _run_facts(arguments, started)
    report = write_results(out, plan, outcome, written, arguments.thumbnails, facts, live)
    store.discard()
    _print_scores(plan, outcome)
    if live is not None:
        _print_live(live, facts["node"])
    print(f"mean IoU {_shown(report)} on {plan.frames} frames; {out / 'report.html'}")
    return _faulty(outcome)


def _played(arguments: argparse.Namespace, plan: EvalPlan, direct: ChunkStore) -> LiveRun:
    from rich.console import Console

    from ovseg_ros.demo.live import LiveView
    from ovseg_ros.evaluation.run.chunks import FOLDER_NAME
    from ovseg_ros.evaluation.run.live import run_live

    folder = arguments.out / FOLDER_NAME / "live"
    with LiveView(Console(stderr=True)) as view:
        return run_live(plan, direct, folder, _live_options(arguments), view.show)


def _print_live(live: LiveFacts, counters: str) -> None:
    parts: list[tuple[str, LiveFacts | CameraFacts]] = [("live", live)]
    if len(live.cameras) > 1:
        parts += [(f"live {camera.camera}", camera) for camera in live.cameras]
    for name, part in parts:
        print(
            f"{name}: {part.sent} frames sent, {part.compared} masks came back, "
            f"{len(part.different)} of them unlike the direct run's"
            + (f"; {counters}" if part is live else "")
        )


def _require_playable(arguments: argparse.Namespace, plan: EvalPlan) -> None:
    """Raise `OvsegError` for what cannot be played, before the direct run takes its time."""
    from ovseg_ros.demo.graph import require_ros
    from ovseg_ros.evaluation.run.live_session import playable

    require_ros()
    playable(plan, _live_options(arguments))


def _live_options(arguments: argparse.Namespace) -> LiveOptions:
    from ovseg_ros.evaluation.run.live_session import LiveOptions

    return LiveOptions(arguments.rate or 0.0, arguments.max_age)


def _plan_of(arguments: argparse.Namespace) -> EvalPlan:
    from ovseg_ros.evaluation.footage.footage import Selection
    from ovseg_ros.evaluation.footage.label_map import LabelMap, read_label_map
    from ovseg_ros.evaluation.footage.opening import FootageOptions, open_footage
    from ovseg_ros.evaluation.renaming import read_alternatives, rounds_of
    from ovseg_ros.evaluation.run.configuration import parse_against
    from ovseg_ros.evaluation.run.plan import make_plan, names_of

    selection = Selection(
        arguments.domain,
        arguments.start,
        arguments.end,
        arguments.every,
        arguments.only_labelled,
    )
    options = FootageOptions(arguments.image_topic, arguments.truth, arguments.split, selection)
    footages = [open_footage(path, options) for path in arguments.data]
    labels: LabelMap = read_label_map(arguments.label_map) if arguments.label_map else LabelMap()
    configurations = [_configuration_of(arguments)]
    if arguments.against:
        configurations.append(parse_against(arguments.against, configurations[0]))
    asked: tuple[tuple[str, ...], ...] = ()
    if arguments.names:
        asked = rounds_of(names_of(footages), read_alternatives(arguments.names))
    about = options.facts()
    if arguments.label_map:
        about["label map"] = arguments.label_map.name
    return replace(make_plan(footages, labels, configurations, asked), about=about)


def _configuration_of(arguments: argparse.Namespace) -> Configuration:
    from ovseg_ros.evaluation.run.configuration import Configuration

    return Configuration(
        package=arguments.package,
        engine=engine_of(arguments),
        camera_px=arguments.camera,
        adapters=arguments.adapters,
        adapter_dir=arguments.adapter_dir,
        labels=arguments.labels,
        threshold=arguments.threshold,
        threads=arguments.threads,
    )


def _evaluated(
    arguments: argparse.Namespace, plan: EvalPlan, store: ChunkStore, keep_masks: bool
) -> Outcome:
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.evaluation.run.direct import run_direct
    from ovseg_ros.evaluation.run.fleet import FleetAddress, run_fleet
    from ovseg_ros.evaluation.run.outcome import merged

    with progress_bar("evaluating", plan.frames) as advance:

        def on_frames(count: int) -> None:
            for _ in range(count):
                advance()

        if arguments.ray:
            address = FleetAddress.parse(arguments.ray)
            run_fleet(plan, store, address, keep_masks, on_frames)
        else:
            run_direct(plan, store, keep_masks, on_frames)
    return merged(store.results(plan.segments))


def _run_facts(arguments: argparse.Namespace, started: float) -> dict[str, str]:
    """Return when, where and how long: what differs from one run to the next."""
    from ovseg_ros.machine import machine_line

    return {
        "machine": machine_line(),
        "threads": str(arguments.threads or "all"),
        "workers": arguments.ray or "this process",
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(started)),
        "seconds": f"{time.time() - started:.1f}",
    }


def _print_scores(plan: EvalPlan, outcome: Outcome) -> None:
    from rich.console import Console

    from ovseg_ros.evaluation.report import print_scores
    from ovseg_ros.evaluation.run.score_file import scores_of

    for job, found in zip(plan.jobs, outcome.jobs, strict=True):
        print_scores(scores_of(job, found), Console())


def _shown(report: EvalReport) -> str:
    """Return the mean IoU in words, beside that of the other configuration where there is one."""
    means = [part.total.mean_iou for part in (report, report.against) if part is not None]
    words = ["unknown" if mean is None else f"{mean:.3f}" for mean in means]
    return " against ".join(words)


def _faulty(outcome: Outcome) -> int:
    for fault in outcome.faults:
        print(f"ovseg eval: {fault}", file=sys.stderr)
    return 1 if outcome.faults else 0
