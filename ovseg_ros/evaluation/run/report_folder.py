"""From the results of all segments to the folder of results that people open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ovseg_ros.evaluation.eval_report import ALL, EvalReport, LiveFacts, Thumbnail
from ovseg_ros.evaluation.footage.frame import FootageFrame
from ovseg_ros.evaluation.footage.reader import FrameReader
from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.frame_table import write_frames
from ovseg_ros.evaluation.metrics.summary import Summary
from ovseg_ros.evaluation.metrics.tally import Tally
from ovseg_ros.evaluation.page.thumbnails import choose_rows, draw_thumbnail
from ovseg_ros.evaluation.page.write import write_report
from ovseg_ros.evaluation.run.chunks import ChunkStore
from ovseg_ros.evaluation.run.evaluator import usable_truth
from ovseg_ros.evaluation.run.label_plan import translated
from ovseg_ros.evaluation.run.masks_bag import write_masks
from ovseg_ros.evaluation.run.outcome import Outcome
from ovseg_ros.evaluation.run.plan import EvalPlan, segmenter_sha256
from ovseg_ros.evaluation.run.segment import EncodedMask, Segment
from ovseg_ros.image_files import decode_ids
from ovseg_ros.output import replacing_entries

REPORT_NAME = "report.json"
_MOST_FAULTS = 20
_Key = tuple[str, str, int]


def write_results(
    folder: Path,
    plan: EvalPlan,
    outcome: Outcome,
    store: ChunkStore,
    thumbnails: int,
    run: Mapping[str, str],
    live: LiveFacts | None = None,
) -> EvalReport:
    """Write page, JSON, tables and masks of a plan into `folder`, and return what was written.

    `run` says when and where it ran; `thumbnails` frames get pictures. Raises `OutputError`, or
    `MissingExtraError` without pyarrow.
    """
    pictures = _thumbnails(plan, outcome, store, thumbnails)
    report = build_report(plan, outcome, run, pictures, live)
    with replacing_entries(folder) as stage:
        write_report(stage, report)
        write_frames(stage / "frames.parquet", report.frames, plan.jobs[0].plan.names)
        if report.against is not None:
            names = plan.jobs[1].plan.names
            write_frames(stage / "frames_against.parquet", report.against.frames, names)
        _write_masks(stage, plan, store)
    return report


def build_report(
    plan: EvalPlan,
    outcome: Outcome,
    run: Mapping[str, str],
    thumbnails: tuple[Thumbnail, ...] = (),
    live: LiveFacts | None = None,
) -> EvalReport:
    """Return the report of the first job, with the second as what it is set against."""
    against = None
    if len(plan.jobs) > 1:
        against = _report_of(plan, outcome, 1, {}, (), (), None, None)
    notes = tuple(note for footage in plan.footages for note in footage.notes)
    notes += outcome.faults[:_MOST_FAULTS]
    if len(outcome.faults) > _MOST_FAULTS:
        notes += (f"{len(outcome.faults) - _MOST_FAULTS} more could not be used",)
    return _report_of(plan, outcome, 0, run, thumbnails, notes, live, against)


def _report_of(
    plan: EvalPlan,
    outcome: Outcome,
    number: int,
    run: Mapping[str, str],
    thumbnails: tuple[Thumbnail, ...],
    notes: tuple[str, ...],
    live: LiveFacts | None,
    against: EvalReport | None,
) -> EvalReport:
    job, found = plan.jobs[number], outcome.jobs[number]
    facts = _facts(plan, number)
    return EvalReport(
        title=_title(plan, number),
        facts=facts,
        summaries=summaries_of(found.tallies),
        frames=found.rows,
        colors=job.plan.colors,
        thumbnails=thumbnails,
        live=live,
        notes=notes,
        run=run,
        against=against,
    )


def _facts(plan: EvalPlan, number: int) -> dict[str, str]:
    """Return what was evaluated and how: the same on every run, wherever it runs."""
    configuration = plan.jobs[number].configuration
    labelled = sum(footage.labelled for footage in plan.footages)
    return {
        "data": plan.source,
        **plan.about,
        "frames": f"{plan.frames}, {labelled} with ground truth",
        **configuration.facts(),
        **({"mode": plan.modes[number]} if plan.modes else {}),
        "segmenter": segmenter_sha256(configuration)[:16],
    }


def _title(plan: EvalPlan, number: int) -> str:
    """Return the data, and the package or what the two configurations differ by."""
    words = [plan.jobs[number].configuration.package]
    if len(plan.jobs) > 1:
        mine, other = _facts(plan, number), _facts(plan, 1 - number)
        differing = [key for key in mine if mine[key] != other[key] and key != "segmenter"]
        words = [f"{key} {mine[key]}" for key in differing] or words
    return f"{plan.source}: {', '.join(words)}"


def summaries_of(tallies: Mapping[str, Tally]) -> dict[str, Summary]:
    """Return the summary of each selection: all, bags, domains, cameras.

    Where there is only one bag, domain or camera, it is all frames once more, and left out.
    """
    by_kind: dict[str, list[str]] = {ALL: [], "bag": [], "domain": [], "camera": []}
    for name in tallies:
        by_kind[name.partition(" ")[0]].append(name)
    return {
        name: tallies[name].summary()
        for kind, names in by_kind.items()
        for name in names
        if kind == ALL or len(names) > 1
    }


def _thumbnails(
    plan: EvalPlan, outcome: Outcome, store: ChunkStore, count: int
) -> tuple[Thumbnail, ...]:
    others = outcome.jobs[1].rows if len(plan.jobs) > 1 else ()
    rows = {row.key: row for row in choose_rows(outcome.jobs[0].rows, count, others)}
    found: list[Thumbnail] = []
    for segment, masks in _chosen_masks(plan, store, set(rows)):
        wanted = [frame for frame in segment.frames if _key(segment, frame.index) in rows]
        found += _drawn(plan, segment, wanted, masks, rows)
    return tuple(found)


def _chosen_masks(
    plan: EvalPlan, store: ChunkStore, keys: set[_Key]
) -> Iterator[tuple[Segment, list[dict[_Key, EncodedMask]]]]:
    """Yield the segments with frames in `keys`, and the masks of those by job."""
    results = store.results(plan.segments)
    for segment, result in zip(plan.segments, results, strict=True):
        masks = [
            {_key(segment, m.index): m for m in job.masks if _key(segment, m.index) in keys}
            for job in result.jobs
        ]
        if masks[0]:
            yield segment, masks


def _key(segment: Segment, index: int) -> _Key:
    """Return the key of the row of a frame."""
    return segment.source_name, segment.camera, index


def _drawn(
    plan: EvalPlan,
    segment: Segment,
    frames: list[FootageFrame],
    masks: list[dict[_Key, EncodedMask]],
    rows: Mapping[_Key, FrameRow],
) -> Iterator[Thumbnail]:
    labels = plan.jobs[0].plan
    with FrameReader(segment.source.path) as reader:
        for content in reader.read(frames):
            key = _key(segment, content.frame.index)
            if content.image is None or key not in masks[0]:
                continue
            truth = usable_truth(segment, content, labels)
            other = None
            if len(masks) > 1:
                other = translated(decode_ids(masks[1][key].png), plan.jobs[1].plan, labels)
            predicted = decode_ids(masks[0][key].png)
            colors = list(labels.colors.values())
            yield draw_thumbnail(rows[key], content.image, predicted, truth, colors, other)


def _write_masks(stage: Path, plan: EvalPlan, store: ChunkStore) -> None:
    """Write a bag of masks, or a folder of bags where there are several sources."""
    names = plan.jobs[0].plan.names
    for number, footage in enumerate(plan.footages, start=1):
        own = [s for s in plan.segments if s.source is footage.source]
        cameras = tuple(dict.fromkeys(segment.camera for segment in own))
        masks = (mask for result in store.results(own) for mask in result.jobs[0].masks)
        path = stage / "masks"
        if len(plan.footages) > 1:
            path = path / f"{number}_{footage.source.name}"
        write_masks(path, masks, names, cameras)
