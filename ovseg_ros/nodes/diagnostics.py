"""`/diagnostics` after REP-107: one status for the inference, one for each camera, and one for its
points while somebody wants them.
"""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from ovseg_ros.adapters.retrieval import entropy_bits
from ovseg_ros.nodes.health import CameraHealth, Health
from ovseg_ros.nodes.point_health import PointHealth
from ovseg_ros.nodes.statistics import Fate

INFERENCE = "ovseg: inference"
INPUT = "ovseg: input"
POINTS = "ovseg: points"
_SINGLE_CAMERA = "image"


def diagnostics_message(header: Header, health: Health) -> DiagnosticArray:
    """Return all statuses; `header` carries the time."""
    inputs = [input_status(camera, health.stall_timeout_s) for camera in health.cameras]
    clouds = [
        points_status(camera.points)
        for camera in health.cameras
        if camera.points is not None and camera.points.wanted
    ]
    return DiagnosticArray(header=header, status=[inference_status(health), *inputs, *clouds])


def inference_status(health: Health) -> DiagnosticStatus:
    """Say whether the node segments, and if not, why not."""
    level, message = _judge_inference(health)
    snapshot, model = health.snapshot, health.model
    values = {
        "state": health.state,
        "rate (Hz)": f"{snapshot.rate_hz:.1f}",
        "age p50 (ms)": f"{snapshot.age_ms.p50:.1f}",
        "age p95 (ms)": f"{snapshot.age_ms.p95:.1f}",
        "latency p50 (ms)": f"{snapshot.latency_ms.p50:.1f}",
        "inference p50 (ms)": f"{snapshot.inference_ms.p50:.1f}",
        **{fate.value: str(count) for fate, count in snapshot.fates.items()},
        "last error": snapshot.last_error,
        "stuck engines": str(health.stuck_engines),
    }
    if model is not None:
        values["package"] = model.package
        values["backend"] = f"{model.backend} on {model.device}"
        values["adapters"] = str(model.adapter_mix)
        values["adapter entropy (bit)"] = f"{entropy_bits(model.adapter_mix.weights):.2f}"
        values["adapter switches"] = str(model.adapter_switches)
        values["revision"] = str(model.vocabulary.revision if model.vocabulary else 0)
        values["guessed labels"] = ", ".join(model.guessed)
    return _status(INFERENCE, level, message, model.device if model else "", values)


def input_status(camera: CameraHealth, stall_timeout_s: float) -> DiagnosticStatus:
    """Say whether images of `camera` arrive and can be used."""
    level, message = _judge_input(camera, stall_timeout_s)
    snapshot = camera.snapshot
    values = {
        "topic": camera.topic,
        "rate (Hz)": f"{snapshot.input_rate_hz:.1f}",
        "received for segmentation": str(snapshot.received),
        "rejected": str(snapshot.fates[Fate.REJECTED]),
        "stamps backwards": str(snapshot.stamps_backwards),
    }
    return _status(f"{INPUT} {camera.name or _SINGLE_CAMERA}", level, message, "", values)


def points_status(points: PointHealth) -> DiagnosticStatus:
    """Say whether clouds are made, and if not, why not."""
    name = f"{POINTS} {points.camera}" if points.camera else POINTS
    values = {"topic": points.topic, **{f.value: str(n) for f, n in points.fates.items()}}
    if points.last_reason:
        return _status(name, DiagnosticStatus.WARN, points.last_reason, "", values)
    message = f"listening on {points.topic}" if points.topic else "the node is not active"
    return _status(name, DiagnosticStatus.OK, message, "", values)


def _judge_inference(health: Health) -> tuple[bytes, str]:
    if health.model is None:
        error = health.snapshot.last_error
        if error:
            return DiagnosticStatus.ERROR, f"{health.state}: {error}"
        return DiagnosticStatus.OK, f"{health.state}: no model is loaded"
    if health.state != "active":
        return DiagnosticStatus.OK, f"{health.state}: a model is loaded"
    if not any(camera.revision for camera in health.cameras):
        return DiagnosticStatus.WARN, "no query yet: publish one on ~/query, such as 'car; person'"
    if not health.enabled:
        return DiagnosticStatus.OK, "paused by ~/enable"
    if not any(camera.wanted for camera in health.cameras):
        return DiagnosticStatus.OK, "idle: nobody subscribes to mask, confidence, overlay or points"
    refused = "; ".join(_refusal(camera) for camera in health.cameras if _is_refused(camera))
    if refused:
        return DiagnosticStatus.WARN, refused
    return DiagnosticStatus.OK, "segmenting"


def _is_refused(camera: CameraHealth) -> bool:
    return camera.snapshot.last_fate is Fate.REJECTED


def _refusal(camera: CameraHealth) -> str:
    whose = f" of {camera.name}" if camera.name else ""
    return f"the last frame{whose} was refused: {camera.snapshot.last_error}"


def _judge_input(camera: CameraHealth, stall_timeout_s: float) -> tuple[bytes, str]:
    silence_s = camera.snapshot.silence_s
    if silence_s is None:
        return DiagnosticStatus.OK, "not subscribed: the node is not active"
    if 0 < stall_timeout_s < silence_s:
        return (
            DiagnosticStatus.WARN,
            f"no image on {camera.topic} for {silence_s:.0f} s; check the camera, the topic name "
            "and that both sides use the same Fast DDS profile",
        )
    return DiagnosticStatus.OK, f"listening on {camera.topic}"


def _status(
    name: str, level: bytes, message: str, hardware_id: str, values: dict[str, str]
) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
