"""Publishes the node's health: `~/status` for programs and `/diagnostics` for people."""

from __future__ import annotations

from collections.abc import Callable

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from ovseg_ros.adapters.retrieval import entropy_bits
from ovseg_ros.msg import SegmentationStatus
from ovseg_ros.nodes import qos
from ovseg_ros.nodes.diagnostics import diagnostics_message
from ovseg_ros.nodes.health import Health, ModelHealth
from ovseg_ros.nodes.parameters import Settings
from ovseg_ros.nodes.statistics import Fate, Snapshot


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
    message = SegmentationStatus(state=health.state)
    _fill_statistics(message, health.snapshot)
    if health.model is not None:
        _fill_model(message, health.model)
    return message


def _fill_statistics(message: SegmentationStatus, snapshot: Snapshot) -> None:
    message.rate_hz = snapshot.rate_hz
    message.age_p50_ms = snapshot.age_ms.p50
    message.age_p95_ms = snapshot.age_ms.p95
    message.age_p99_ms = snapshot.age_ms.p99
    message.latency_p50_ms = snapshot.latency_ms.p50
    message.latency_p95_ms = snapshot.latency_ms.p95
    message.latency_p99_ms = snapshot.latency_ms.p99
    message.inference_p50_ms = snapshot.inference_ms.p50
    message.received = snapshot.received
    message.published = snapshot.fates[Fate.PUBLISHED]
    message.replaced = snapshot.fates[Fate.REPLACED]
    message.stale = snapshot.fates[Fate.STALE]
    message.superseded = snapshot.fates[Fate.SUPERSEDED]
    message.rejected = snapshot.fates[Fate.REJECTED]
    message.last_error = snapshot.last_error


def _fill_model(message: SegmentationStatus, model: ModelHealth) -> None:
    mix = model.adapter_mix
    message.header = model.last_header
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
