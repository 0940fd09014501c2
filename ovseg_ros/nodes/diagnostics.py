"""`/diagnostics` after REP-107: one status for the inference and one for the camera."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from ovseg_ros.adapters.retrieval import entropy_bits
from ovseg_ros.nodes.health import Health
from ovseg_ros.nodes.statistics import Fate

INFERENCE = "ovseg: inference"
INPUT_IMAGE = "ovseg: input image"


def diagnostics_message(header: Header, health: Health) -> DiagnosticArray:
    """Return both statuses; `header` carries the time."""
    return DiagnosticArray(header=header, status=[inference_status(health), input_status(health)])


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


def input_status(health: Health) -> DiagnosticStatus:
    """Say whether images arrive and can be used."""
    level, message = _judge_input(health)
    snapshot = health.snapshot
    values = {
        "topic": health.topic,
        "rate (Hz)": f"{snapshot.input_rate_hz:.1f}",
        "received for segmentation": str(snapshot.received),
        "rejected": str(snapshot.fates[Fate.REJECTED]),
        "stamps backwards": str(snapshot.stamps_backwards),
    }
    return _status(INPUT_IMAGE, level, message, "", values)


def _judge_inference(health: Health) -> tuple[bytes, str]:
    if health.model is None:
        error = health.snapshot.last_error
        if error:
            return DiagnosticStatus.ERROR, f"{health.state}: {error}"
        return DiagnosticStatus.OK, f"{health.state}: no model is loaded"
    if health.state != "active":
        return DiagnosticStatus.OK, f"{health.state}: a model is loaded"
    if health.model.vocabulary is None:
        return DiagnosticStatus.WARN, "no query yet: publish one on ~/query, such as 'car; person'"
    if not health.enabled:
        return DiagnosticStatus.OK, "paused by ~/enable"
    if not health.model.wanted:
        return DiagnosticStatus.OK, "idle: nobody subscribes to mask, confidence or overlay"
    if health.snapshot.last_fate is Fate.REJECTED:
        return DiagnosticStatus.WARN, f"the last frame was refused: {health.snapshot.last_error}"
    return DiagnosticStatus.OK, "segmenting"


def _judge_input(health: Health) -> tuple[bytes, str]:
    silence_s = health.snapshot.silence_s
    if silence_s is None:
        return DiagnosticStatus.OK, "not subscribed: the node is not active"
    if 0 < health.stall_timeout_s < silence_s:
        return (
            DiagnosticStatus.WARN,
            f"no image on {health.topic} for {silence_s:.0f} s; check the camera, the topic name "
            "and that both sides use the same Fast DDS profile",
        )
    return DiagnosticStatus.OK, f"listening on {health.topic}"


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
