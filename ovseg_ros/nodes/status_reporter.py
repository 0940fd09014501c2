"""Publishes the node's health: `~/status` for programs and `/diagnostics` for people."""

from __future__ import annotations

import math
from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from ovseg_ros.adapters.retrieval import entropy_bits
from ovseg_ros.msg import CameraStatus, SegmentationStatus
from ovseg_ros.nodes import qos
from ovseg_ros.nodes.diagnostics import diagnostics_message
from ovseg_ros.nodes.health import CameraHealth, Health, ModelHealth
from ovseg_ros.nodes.parameters import Settings
from ovseg_ros.nodes.statistics import Snapshot


class StatusReporter:
    """Reports once a period, in every lifecycle state, and whenever it is told to."""

    def __init__(
        self,
        node: LifecycleNode,
        settings: Callable[[], Settings],
        health: Callable[[], Health],
    ) -> None:
        """Create the publishers and start the timer."""
        self._node = node
        self._settings = settings
        self._health = health
        self._status = node.create_publisher(SegmentationStatus, "~/status", qos.reliable())
        self._diagnostics = node.create_publisher(DiagnosticArray, "/diagnostics", qos.reliable())
        # Steady: simulated time may stand still, and that is when the report is needed.
        node.create_timer(
            settings().status_period_s,
            self.report,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def report(self) -> None:
        """Publish the health of this moment."""
        health = self._health()
        self._status.publish(status_message(health))
        if self._settings().diagnostics_enable:
            header = Header(stamp=self._node.get_clock().now().to_msg())
            self._diagnostics.publish(diagnostics_message(header, health))

    def report_status(self) -> None:
        """Publish the status of this moment, without waiting for the end of the period."""
        self._status.publish(status_message(self._health()))


def status_message(health: Health) -> SegmentationStatus:
    """Return `health` as a message."""
    message = SegmentationStatus(state=health.state, header=health.last_header)
    _fill_statistics(message, health.snapshot)
    if health.model is not None:
        _fill_model(message, health.model)
    message.cameras = [_camera_message(camera) for camera in health.cameras]
    return message


def _camera_message(camera: CameraHealth) -> CameraStatus:
    message = CameraStatus(
        name=camera.name,
        topic=camera.topic,
        header=camera.last_header,
        revision=camera.revision,
        own_query=camera.own_query,
        input_rate_hz=camera.snapshot.input_rate_hz,
    )
    silence_s = camera.snapshot.silence_s
    message.silence_s = math.nan if silence_s is None else silence_s
    _fill_statistics(message, camera.snapshot)
    return message


def _fill_statistics(message: SegmentationStatus | CameraStatus, snapshot: Snapshot) -> None:
    """Fill in the fields that both messages have."""
    message.rate_hz = snapshot.rate_hz
    for name in ("age", "latency"):
        found = getattr(snapshot, f"{name}_ms")
        for percentile in ("p50", "p95", "p99"):
            setattr(message, f"{name}_{percentile}_ms", getattr(found, percentile))
    message.inference_p50_ms = snapshot.inference_ms.p50
    message.received = snapshot.received
    for fate, count in snapshot.fates.items():
        setattr(message, fate.value, count)
    message.last_error = snapshot.last_error


def _fill_model(message: SegmentationStatus, model: ModelHealth) -> None:
    mix = model.adapter_mix
    message.package = model.package
    message.backend = model.backend
    message.confidence_kind = model.confidence_kind
    if model.vocabulary is not None:
        message.revision = model.vocabulary.revision
        message.labels = [label.name for label in model.vocabulary.published]
        message.guessed_labels = list(model.guessed)
    message.adapter_mode = mix.mode.value
    message.adapter_names = list(mix.names)
    message.adapter_weights = list(mix.weights)
    message.adapter_distances = list(mix.distances)
    message.adapter_gate = mix.gate
    message.adapter_entropy_bits = entropy_bits(mix.weights)
    message.adapter_switches = model.adapter_switches
