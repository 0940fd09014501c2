"""From counts to numbers: the measures, each defined once."""

from __future__ import annotations

from ovseg_ros.evaluation.metrics.confidence import expected_calibration_error
from ovseg_ros.evaluation.metrics.counts import Counts
from ovseg_ros.evaluation.metrics.frame_scores import FrameScores
from ovseg_ros.evaluation.metrics.summary import LabelSummary, Summary, mean_of


def summary_of(counts: Counts) -> Summary:
    """Return the numbers of a selection of frames."""
    labels = _labels(counts)
    bins = counts.confidence.bins()
    return Summary(
        frames=counts.frames,
        evaluated_px=counts.confusion.pixels,
        unlabelled_px=counts.unlabelled_px,
        labels=labels,
        mean_iou=mean_of(label.iou for label in labels),
        mean_accuracy=mean_of(label.accuracy for label in labels),
        mean_boundary_iou=mean_of(label.boundary_iou for label in labels),
        pixel_accuracy=counts.pixel_accuracy,
        ece=expected_calibration_error(bins),
        reliability=bins,
        flicker=counts.changes.flicker,
        label_change=counts.changes.label_change,
        confusion=tuple(tuple(row) for row in counts.confusion.counts.tolist()),
    )


def scores_of(counts: Counts) -> FrameScores:
    """Return the numbers of one frame."""
    labels = _labels(counts)
    return FrameScores(
        mean_iou=mean_of(label.iou for label in labels),
        pixel_accuracy=counts.pixel_accuracy,
        boundary_iou=mean_of(label.boundary_iou for label in labels),
        ece=expected_calibration_error(counts.confidence.bins()),
        flicker=counts.changes.flicker,
        label_change=counts.changes.label_change,
        evaluated_px=counts.confusion.pixels,
        unlabelled_px=counts.unlabelled_px,
        ious=tuple(label.iou for label in labels),
    )


def _labels(counts: Counts) -> tuple[LabelSummary, ...]:
    hits = counts.confusion.counts.diagonal()[1:].tolist()
    scores, edges = counts.confusion.scores(), counts.boundaries.ious()
    return tuple(
        LabelSummary(
            name=score.name,
            iou=score.iou,
            accuracy=hit / score.truth_px if score.truth_px else None,
            precision=hit / score.predicted_px if score.predicted_px else None,
            boundary_iou=edge,
            truth_px=score.truth_px,
            predicted_px=score.predicted_px,
        )
        for score, hit, edge in zip(scores, hits, edges, strict=True)
    )
