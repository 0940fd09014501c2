"""Quality of service of every topic, in one place; each may be overridden by parameters.

A subscriber that asks for more than a publisher offers receives nothing at all, so every such pair
is warned about, once.
"""

from __future__ import annotations

from collections.abc import Callable

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_policy_name_from_kind,
)
from rclpy.qos_overriding_options import QoSOverridingOptions


def image_input() -> QoSProfile:
    """Best effort, keep the last five, as sensor data in ROS is: it matches every camera.

    The mailbox still takes only the newest frame. A queue of one would lose those that arrive while
    this process waits for a processor, and nobody would count them.
    """
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT
    )


def image_output() -> QoSProfile:
    """Reliable, keep the last one: serves reliable and best-effort subscribers alike."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE
    )


def latched() -> QoSProfile:
    """Reliable and transient local: whoever subscribes late still gets the last message."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )


def reliable() -> QoSProfile:
    """Reliable, keep the last ten: queries, status and diagnostics."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE
    )


def overridable() -> QoSOverridingOptions:
    """Let `qos_overrides.<topic>.{history,depth,reliability}` parameters change a profile."""
    return QoSOverridingOptions.with_default_policies()


def subscription_events(logger: RcutilsLogger, topic: str) -> SubscriptionEventCallbacks:
    """Warn once when a publisher of `topic` offers less than this node asks for."""
    return SubscriptionEventCallbacks(incompatible_qos=_warn_once(logger, topic, "a publisher"))


def publisher_events(logger: RcutilsLogger, topic: str) -> PublisherEventCallbacks:
    """Warn once when a subscriber of `topic` asks for more than this node offers."""
    return PublisherEventCallbacks(incompatible_qos=_warn_once(logger, topic, "a subscriber"))


def _warn_once(logger: RcutilsLogger, topic: str, peer: str) -> Callable[..., None]:
    warned = False

    def warn(event: object) -> None:
        nonlocal warned
        if not warned:
            warned = True
            policy = qos_policy_name_from_kind(getattr(event, "last_policy_kind", 0))
            logger.warning(
                f"{peer} of {topic} has an incompatible QoS ({policy}), so nothing passes between "
                f"the two; change its {policy}, or ours with the parameters "
                f"'qos_overrides.{topic}.*'"
            )

    return warn
