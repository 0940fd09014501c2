"""Pictures from the demo's output bag: overlays with the query in force, and an animated GIF."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ovseg_ros.bags.reader import read_messages, stamp_ns_of
from ovseg_ros.demo import topics
from ovseg_ros.image_files import decode_rgb
from ovseg_ros.overlay import lay_over
from ovseg_ros.segmentation import UInt8Array

GIF_LIMIT_BYTES = 4_000_000
_LEGEND_PX, _CAPTION_PX, _ROW_PX = 130, 22, 16
_TEXT_COLOR, _PANEL_COLOR = (235, 235, 235), (24, 26, 30)


@dataclass(frozen=True)
class Picture:
    """One captioned overlay; `label_names` are those seen in it."""

    stamp_ns: int
    revision: int
    query: str
    image: Image.Image


def choose_stamps(masks: Sequence[Mapping[str, Any]], count: int) -> list[int]:
    """Return the stamps of at most `count` masks, spread evenly over the run."""
    if len(masks) <= count:
        return [mask["stamp_ns"] for mask in masks]
    picks = np.linspace(0, len(masks) - 1, count).round().astype(int)
    return [masks[i]["stamp_ns"] for i in picks]


def draw_pictures(bag: Path, recording: Mapping[str, Any], stamps: Sequence[int]) -> list[Picture]:
    """Read the frames and masks of `stamps` back from the bag and draw them, in order of time."""
    wanted = set(stamps)
    images: dict[int, bytes] = {}
    masks: dict[int, UInt8Array] = {}
    for topic, _, message in read_messages(bag, (topics.CAMERA_COMPRESSED, topics.MASK)):
        stamp_ns = stamp_ns_of(message)
        if stamp_ns not in wanted:
            continue
        if topic == topics.MASK:
            masks[stamp_ns] = message.data.reshape(message.height, message.width)
        else:
            images[stamp_ns] = message.data.tobytes()
    revisions = {mask["stamp_ns"]: mask["revision"] for mask in recording["masks"]}
    labels = {entry["revision"]: entry["labels"] for entry in recording["label_maps"]}
    return [
        _picture(stamp, revisions[stamp], decode_rgb(images[stamp]), masks[stamp], labels)
        for stamp in sorted(wanted & set(images) & set(masks))
    ]


def query_text(labels: Sequence[Mapping[str, Any]]) -> str:
    """Return a label map in the query grammar, for a caption."""
    marked = (("!" if label["negative"] else "", label) for label in labels)
    return "; ".join(mark + "|".join([label["name"], *label["synonyms"]]) for mark, label in marked)


def overlay(image: UInt8Array, mask: UInt8Array, labels: Sequence[Mapping[str, Any]]) -> UInt8Array:
    """Return `image` uint8 [H, W, 3] with half of each label's colour laid over it."""
    palette = np.zeros((256, 3), np.uint8)
    for label in labels:
        palette[label["id"]] = label["color"]
    return lay_over(image, mask, palette)


def write_gif(pictures: Sequence[Picture], path: Path, frame_ms: int = 200) -> None:
    """Write an animated GIF of at most `GIF_LIMIT_BYTES`, shrinking it until it fits."""
    for width_px, step in ((480, 1), (400, 1), (400, 2), (320, 2), (240, 3), (160, 4)):
        data = _gif([picture.image for picture in pictures[::step]], width_px, frame_ms * step)
        if len(data) <= GIF_LIMIT_BYTES:
            break
    path.write_bytes(data)


def _picture(
    stamp_ns: int,
    revision: int,
    image: UInt8Array,
    mask: UInt8Array,
    labels_of: Mapping[int, Sequence[Mapping[str, Any]]],
) -> Picture:
    labels = labels_of.get(revision, ())
    text = query_text(labels)
    seen = np.bincount(mask.ravel(), minlength=256)
    shown = sorted((label for label in labels if seen[label["id"]]), key=lambda e: -seen[e["id"]])
    drawn = _with_panel(
        Image.fromarray(overlay(image, mask, labels)),
        [(label["name"], tuple(label["color"])) for label in shown if not label["negative"]],
        f"{revision}: {text}",
    )
    return Picture(stamp_ns, revision, text, drawn)


def _with_panel(
    image: Image.Image, legend: Sequence[tuple[str, tuple[int, ...]]], caption: str
) -> Image.Image:
    """Put the legend to the right of the image and the query under it."""
    canvas = Image.new("RGB", (image.width + _LEGEND_PX, image.height + _CAPTION_PX), _PANEL_COLOR)
    canvas.paste(image, (0, 0))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(12)
    for row, (name, color) in enumerate(legend[: image.height // _ROW_PX]):
        left, top = image.width + 6, 4 + row * _ROW_PX
        draw.rectangle((left, top + 2, left + 10, top + 12), fill=color)
        draw.text((left + 16, top), name[:18], fill=_TEXT_COLOR, font=font)
    limit = canvas.width // 6 - 4
    text = caption if len(caption) <= limit else caption[: limit - 3] + "..."
    draw.text((6, image.height + 4), text, fill=_TEXT_COLOR, font=font)
    return canvas


def _gif(images: Sequence[Image.Image], width_px: int, frame_ms: int) -> bytes:
    frames = [
        image.resize((width_px, round(image.height * width_px / image.width))).quantize(
            96, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        for image in images
    ]
    stream = io.BytesIO()
    frames[0].save(
        stream,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=frame_ms,
        loop=0,
        optimize=True,
    )
    return stream.getvalue()
