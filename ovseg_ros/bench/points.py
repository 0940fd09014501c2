"""What labelled points cost beside the inference that gives the labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ovseg_ros.bench.material import known_names, median_and_p95
from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.points.cloud import labelled_cloud
from ovseg_ros.points.depth import DepthEncoding, depth_in_metres, fitted
from ovseg_ros.points.pinhole import Pinhole
from ovseg_ros.segmentation import Segmentation, UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import LabelSpec

MOST_OF_INFERENCE = 0.25
_LABELS = 8
_CAMERA_HEIGHT_M = 1.0


def bench_points(
    segmenter: Segmenter,
    frames: Sequence[UInt8Array],
    calls: int,
    on_call: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Time inference and cloud in turn, `calls` times for each encoding of depth.

    `frames` are uint8 [H, W, 3], all of one size; the depth is that of flat ground, made up.
    `on_call` is called after each pair.
    """
    segmenter.set_labels([LabelSpec(name) for name in known_names(segmenter.text_bank, _LABELS)])
    height_px, width_px = frames[0].shape[:2]
    rows = [_time_pair(segmenter, frames, encoding, calls, on_call) for encoding in DepthEncoding]
    worst = max(row["ratio"] for row in rows)
    frame, engine = f"{width_px}x{height_px}", str(segmenter.backend.choice)
    return BenchResult(
        name="points",
        title="Labelled points beside inference",
        data={"engine": engine, "frame": frame, "calls": calls, "rows": rows},
        body=_body(rows, calls, frame, engine),
        charts={},
        claims=(
            Claim(
                "a cloud against an inference, medians",
                f"at most {MOST_OF_INFERENCE}",
                f"{worst:.3f}",
                worst <= MOST_OF_INFERENCE,
            ),
        ),
    )


def _time_pair(
    segmenter: Segmenter,
    frames: Sequence[UInt8Array],
    encoding: DepthEncoding,
    calls: int,
    on_call: Callable[[], None],
) -> dict[str, Any]:
    """Return the times of inference and cloud, ms."""
    height_px, width_px = frames[0].shape[:2]
    camera = Pinhole(width_px, height_px, width_px, width_px, width_px / 2, height_px / 2)
    depth = flat_ground(camera, encoding)
    for image in frames[:3]:
        _cloud(depth, encoding, camera, image, segmenter.infer(image))
    infer_ms, cloud_ms = [], []
    for i in range(calls):
        image = frames[i % len(frames)]
        start_ns = time.perf_counter_ns()
        segmentation = segmenter.infer(image)
        middle_ns = time.perf_counter_ns()
        _cloud(depth, encoding, camera, image, segmentation)
        infer_ms.append((middle_ns - start_ns) / 1e6)
        cloud_ms.append((time.perf_counter_ns() - middle_ns) / 1e6)
        on_call()
    (infer_p50, infer_p95), (cloud_p50, cloud_p95) = map(median_and_p95, (infer_ms, cloud_ms))
    return {
        "depth": encoding.value,
        "infer_p50_ms": infer_p50,
        "infer_p95_ms": infer_p95,
        "cloud_p50_ms": cloud_p50,
        "cloud_p95_ms": cloud_p95,
        "ratio": cloud_p50 / infer_p50,
    }


def flat_ground(camera: Pinhole, encoding: DepthEncoding) -> UInt8Array:
    """Return the bytes of a depth image of flat ground, uint8 [H, W * bytes]; 0 above it."""
    below = camera.rays()[1]
    depth_m = np.where(below > 0, _CAMERA_HEIGHT_M / np.maximum(below, 1e-3), 0)
    depth_m = np.repeat(np.where(depth_m < 60, depth_m, 0), camera.width_px, axis=1)
    if encoding is DepthEncoding.MILLIMETRES:
        return np.round(depth_m * 1000).astype("<u2").view(np.uint8)
    return depth_m.astype("<f4").view(np.uint8)


def _cloud(
    depth: UInt8Array,
    encoding: DepthEncoding,
    camera: Pinhole,
    image: UInt8Array,
    segmentation: Segmentation,
) -> bytes:
    """Do everything the node does for a cloud, up to the bytes of the message."""
    height_px, width_px = segmentation.label_mask.shape
    depth_m = fitted(depth_in_metres(depth, encoding), width_px, height_px)
    mask, confidence = segmentation.label_mask, segmentation.confidence
    return labelled_cloud(depth_m, camera, image, mask, confidence).tobytes()


def _body(rows: Sequence[dict[str, Any]], calls: int, frame: str, engine: str) -> str:
    head = ("depth", "infer p50, ms", "infer p95, ms", "cloud p50, ms", "cloud p95, ms", "ratio")
    cells = [
        (row["depth"], *(f"{row[key]:.2f}" for key in list(row)[1:-1]), f"{row['ratio']:.3f}")
        for row in rows
    ]
    return (
        f"{calls} pairs each on {frame} frames of the demo's drive, inference on {engine} with "
        f"{_LABELS} labels and then the cloud of its result, up to the bytes of the message. The "
        "depth is made up: flat ground. In the node, clouds are made in a thread of their own "
        "after the mask is out.\n\n" + table(head, cells)
    )
