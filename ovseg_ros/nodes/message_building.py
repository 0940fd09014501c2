"""From results to messages. Image data is handed over as `array.array`, the one form that every
rclpy takes without looking at each byte (docs/conversions.md has the numbers).
"""

from __future__ import annotations

import array
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header

from ovseg_ros.msg import LabelMap
from ovseg_ros.msg import LabelSpec as LabelSpecMsg
from ovseg_ros.nodes.parameters import ConfidenceEncoding
from ovseg_ros.segmentation import MaskArray, UInt8Array
from ovseg_ros.text.bank import TextBank
from ovseg_ros.vocabulary import Label, LabelSpec, Vocabulary

PACKAGE_DEFAULT_THRESHOLD = -1.0
_POINT_FIELDS = {
    "f4": PointField.FLOAT32,
    "u1": PointField.UINT8,
    "u2": PointField.UINT16,
    # The colour, whose bytes PCL and RViz take out of a float.
    "u4": PointField.FLOAT32,
}


def mask_message(header: Header, mask: MaskArray) -> Image:
    """Return `mask` [H, W] as mono8 (uint8) or mono16 (uint16), without padding."""
    return _image(header, "mono8" if mask.dtype == np.uint8 else "mono16", mask, channels=1)


def confidence_message(
    header: Header, confidence: UInt8Array, encoding: ConfidenceEncoding
) -> Image:
    """Return `confidence` uint8 [H, W], 0..255, as mono8 or as 32FC1 in 0..1."""
    if encoding is ConfidenceEncoding.MONO8:
        return _image(header, encoding.value, confidence, channels=1)
    scaled = confidence.astype(np.float32) / np.float32(255)
    return _image(header, encoding.value, scaled, channels=1)


def overlay_message(header: Header, overlay: UInt8Array) -> Image:
    """Return `overlay` uint8 [H, W, 3] as rgb8."""
    return _image(header, "rgb8", overlay, channels=3)


def points_message(header: Header, cloud: npt.NDArray[Any]) -> PointCloud2:
    """Return `cloud` [H, W] of `points.cloud.point_type` as an organised cloud, without padding."""
    layout: Mapping[str, Any] = cloud.dtype.fields or {}
    return PointCloud2(
        header=header,
        height=cloud.shape[0],
        width=cloud.shape[1],
        fields=[
            PointField(name=name, offset=offset, datatype=_POINT_FIELDS[kind.str[1:]], count=1)
            for name, (kind, offset, *_) in layout.items()
        ],
        is_bigendian=sys.byteorder == "big",
        point_step=cloud.itemsize,
        row_step=cloud.itemsize * cloud.shape[1],
        data=_bytes_of(cloud),
        is_dense=bool(np.isfinite(cloud["z"]).all()),
    )


def _bytes_of(values: npt.NDArray[Any]) -> array.array[int]:
    data = array.array("B")
    data.frombytes(np.ascontiguousarray(values).view(np.uint8).data.cast("B"))
    return data


def _image(header: Header, encoding: str, pixels: npt.NDArray[Any], channels: int) -> Image:
    return Image(
        header=header,
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=int(pixels.itemsize > 1 and sys.byteorder == "big"),
        step=pixels.shape[1] * channels * pixels.itemsize,
        data=_bytes_of(pixels),
    )


def label_map_message(
    header: Header, vocabulary: Vocabulary, text_bank: TextBank, default_threshold: float
) -> LabelMap:
    """Return what the ids of `vocabulary` mean, with thresholds filled in."""
    return LabelMap(
        header=header,
        revision=vocabulary.revision,
        labels=[label_message(label, default_threshold) for label in vocabulary.labels],
        colors=[_color_message(label) for label in vocabulary.labels],
        trained=[text_bank.is_trained(label.name) for label in vocabulary.labels],
    )


def label_message(label: Label, default_threshold: float) -> LabelSpecMsg:
    """Return `label` with its id; `default_threshold` stands in for a threshold it has not got."""
    return LabelSpecMsg(
        name=label.name,
        synonyms=list(label.synonyms),
        threshold=default_threshold if label.threshold is None else label.threshold,
        negative=label.negative,
        id=label.id,
    )


def _color_message(label: Label) -> ColorRGBA:
    red, green, blue = (value / 255 for value in label.color)
    return ColorRGBA(r=red, g=green, b=blue, a=1.0)


def spec_from_message(message: LabelSpecMsg) -> LabelSpec:
    """Return the label that `message` asks for; it is validated when the query is set."""
    default = message.threshold == PACKAGE_DEFAULT_THRESHOLD
    return LabelSpec(
        name=message.name,
        synonyms=tuple(message.synonyms),
        threshold=None if default else message.threshold,
        negative=message.negative,
        pinned_id=message.id or None,
    )
