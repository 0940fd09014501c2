"""Draws docs/points.jpg: labelled points of the demo's drive, with numpy and Pillow alone.

    python docs/draw_points.py

The points are those that `~/points` would have: the same code makes them of the drive's frames,
depth and calibration. It is no picture of a viewer.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ovseg_ros.bags.messages import COMPRESSED_IMAGE
from ovseg_ros.bags.reader import read_messages, stamp_ns_of
from ovseg_ros.evaluation.drive import default_bag
from ovseg_ros.evaluation.topics import CAMERA_INFO_TOPIC, DEPTH_TOPIC, IMAGE_TOPICS
from ovseg_ros.image_files import decode_rgb
from ovseg_ros.points.cloud import labelled_cloud
from ovseg_ros.points.depth import DepthEncoding, depth_in_metres
from ovseg_ros.points.pinhole import pinhole_of
from ovseg_ros.segmenter import Segmenter

IMAGE_TOPIC = IMAGE_TOPICS[COMPRESSED_IMAGE]
QUERY = (
    "road; pavement; grass; building; wall; fence; tree; bush; pole; traffic sign; car; truck; "
    "bus; person; bicycle; traffic cone; trash can; sky"
)
FRAME, FARTHEST_M = 0, 22.0
# Where the view is taken from: behind the camera, to its right and above it, metres and radians.
EYE_M, TURN, TILT = np.array([2.6, -3.0, -2.2]), -0.2, -0.36
SIZE_PX, FOCAL_PX, DOT_PX = (640, 480), 500.0, 2
PANEL_PX, BACKGROUND = 150, (24, 26, 30)


def moments(bag: Path) -> list[dict[str, Any]]:
    """Return frame, depth and calibration of the moments that have all three, in order."""
    found: dict[int, dict[str, Any]] = {}
    for topic, _, message in read_messages(bag, (IMAGE_TOPIC, DEPTH_TOPIC, CAMERA_INFO_TOPIC)):
        found.setdefault(stamp_ns_of(message), {})[topic] = message
    return [found[stamp] for stamp in sorted(found) if len(found[stamp]) == 3]


def draw_cloud(cloud: np.ndarray, colors: np.ndarray) -> Image.Image:
    """Return a view of the points, the nearest on top, in `colors` uint8 [H, W, 3]."""
    known = np.isfinite(cloud["z"]) & (cloud["z"] < FARTHEST_M)
    points = np.stack([cloud[axis][known] for axis in "xyz"], axis=1) - EYE_M
    (c, s), (d, t) = ((np.cos(a), np.sin(a)) for a in (TURN, TILT))
    turn = np.array([[1, 0, 0], [0, d, t], [0, -t, d]]) @ np.array(
        [[c, 0, -s], [0, 1, 0], [s, 0, c]]
    )
    x, y, z = (points @ turn.T).T
    order = np.argsort(-z)
    canvas = np.full((SIZE_PX[1], SIZE_PX[0], 3), BACKGROUND, np.uint8)
    u = np.round(x / z * FOCAL_PX + SIZE_PX[0] / 2).astype(int)[order]
    v = np.round(y / z * FOCAL_PX + SIZE_PX[1] / 2).astype(int)[order]
    shade = colors[known][order]
    ahead = z[order] > 0.2
    for right in range(DOT_PX):
        for down in range(DOT_PX):
            column, row = u + right, v + down
            seen = ahead & (column >= 0) & (column < SIZE_PX[0]) & (row >= 0) & (row < SIZE_PX[1])
            canvas[row[seen], column[seen]] = shade[seen]
    return Image.fromarray(canvas)


def main() -> None:
    """Segment one moment of the drive, make its points and draw them beside the overlay."""
    moment = moments(default_bag())[FRAME]
    image = decode_rgb(moment[IMAGE_TOPIC].data.tobytes())
    png = np.asarray(Image.open(io.BytesIO(moment[DEPTH_TOPIC].data.tobytes())))
    depth_m = depth_in_metres(png.astype("<u2").view(np.uint8), DepthEncoding.MILLIMETRES)
    height_px, width_px = image.shape[:2]
    camera = pinhole_of(moment[CAMERA_INFO_TOPIC], width_px, height_px)
    with Segmenter.open("tiny", QUERY) as segmenter:
        result = segmenter.infer(image)
    mask, confidence = result.label_mask, result.confidence
    cloud = labelled_cloud(depth_m, camera, image, mask, confidence)
    overlay = Image.fromarray(result.overlay(image)).resize(SIZE_PX)
    view = draw_cloud(cloud, result.overlay(image, 0.75))
    canvas = Image.new("RGB", (2 * SIZE_PX[0] + PANEL_PX, SIZE_PX[1]), BACKGROUND)
    canvas.paste(overlay, (0, 0))
    canvas.paste(view, (SIZE_PX[0], 0))
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(13)
    shares = np.bincount(mask.ravel(), minlength=256)
    shown = sorted(result.vocabulary.published, key=lambda label: -shares[label.id])
    for row, label in enumerate(label for label in shown if shares[label.id] > 300):
        left, top = 2 * SIZE_PX[0] + 8, 8 + 20 * row
        pen.rectangle((left, top + 2, left + 12, top + 14), fill=tuple(label.color))
        pen.text((left + 20, top), label.name, fill=(235, 235, 235), font=font)
    canvas.save(Path(__file__).with_name("points.jpg"), quality=85)


if __name__ == "__main__":
    main()
