"""From messages of the node to JSON, for those who show or keep them."""

from __future__ import annotations

import array
import math
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from ovseg_ros.msg import CameraStatus, LabelMap, SegmentationStatus

_LEVELS = {
    DiagnosticStatus.OK: "ok",
    DiagnosticStatus.WARN: "warn",
    DiagnosticStatus.ERROR: "error",
    DiagnosticStatus.STALE: "stale",
}


def status_as_json(message: SegmentationStatus | CameraStatus) -> dict[str, Any]:
    """Return every field but headers; NaN, which JSON does not know, becomes None."""
    names = [name for name in message.get_fields_and_field_types() if name != "header"]
    return {name: _as_json(getattr(message, name)) for name in names}


def labels_as_json(message: LabelMap) -> dict[str, Any]:
    """Return {"revision", "labels"}; a colour is [r, g, b] of 0..255."""
    labels = [
        {
            "id": spec.id,
            "name": spec.name,
            "synonyms": list(spec.synonyms),
            "threshold": round(spec.threshold, 4),
            "negative": spec.negative,
            "color": rgb_of(color),
            "trained": bool(trained),
        }
        for spec, color, trained in zip(
            message.labels, message.colors, message.trained, strict=True
        )
    ]
    return {"revision": message.revision, "labels": labels}


def diagnostic_as_json(status: DiagnosticStatus) -> dict[str, Any]:
    """Return {"name", "level", "message", "values"}; the level is ok, warn, error or stale."""
    return {
        "name": status.name,
        "level": _LEVELS.get(status.level, "stale"),
        "message": status.message,
        "values": [[pair.key, pair.value] for pair in status.values],
    }


def rgb_of(color: Any) -> tuple[int, int, int]:
    """Return a `std_msgs/ColorRGBA` as 0..255 for red, green and blue."""
    return round(255 * color.r), round(255 * color.g), round(255 * color.b)


def _as_json(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, list | tuple | array.array):
        return [_as_json(entry) for entry in value]
    if isinstance(value, CameraStatus):
        return status_as_json(value)
    return value
