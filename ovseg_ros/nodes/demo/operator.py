"""The demo's operator: brings the node up, changes the query while it runs, and takes it down."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import String

from ovseg_ros.adapters.pinning import parse_choice
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.demo.script import Door, Step, load_script
from ovseg_ros.msg import LabelMap, LabelSpec
from ovseg_ros.nodes.demo.hearing import LATCHED
from ovseg_ros.nodes.demo.process import ros_node, spin_while, wait_for_go
from ovseg_ros.nodes.demo.service_calls import call_service, change_state, introduce
from ovseg_ros.nodes.stop_signals import StopRequest
from ovseg_ros.query import parse_query
from ovseg_ros.srv import SetAdapter, SetLabels

_ANSWER_TIMEOUT_S = 10.0
_TAKE_DOWN_TIMEOUT_S = 4.0


class Operator:
    """Talks to the segmentation node as a person with a terminal would."""

    def __init__(self, node: Node, executor: SingleThreadedExecutor, stop: StopRequest) -> None:
        """Create clients, the query publisher and the subscription to the label maps.

        Raises `OvsegError` where the node does not answer.
        """
        self._executor, self._stop = executor, stop
        self._states: Any = node.create_client(ChangeState, topics.CHANGE_STATE)
        self._set_labels: Any = node.create_client(SetLabels, topics.SET_LABELS)
        self._set_adapter: Any = node.create_client(SetAdapter, topics.SET_ADAPTER)
        self._query = node.create_publisher(String, topics.QUERY, 10)
        node.create_subscription(LabelMap, topics.LABELS, self._on_labels, LATCHED)
        self._revision = 0
        introduce(node, executor, f"/{topics.NODE}")

    def transition(self, name: str, **timeout_s: float) -> None:
        """Take the node through a lifecycle transition; raises `OvsegError` where it is refused."""
        change_state(self._executor, self._states, name, **timeout_s)

    def perform(self, step: Step) -> None:
        """Make one change of query or of adapters and report how it was answered."""
        sent_ns = time.time_ns()
        if step.door is Door.ADAPTER:
            self._choose(step.query, sent_ns)
            return
        if step.door is Door.SERVICE:
            reply = call_service(self._executor, self._set_labels, _request(step.query))
            accepted, revision, message = reply.success, reply.revision, reply.message
        else:
            accepted, revision, message = self._publish(step.query)
        emit(
            EventKind.QUERY,
            door=step.door.value,
            query=step.query,
            sent_ns=sent_ns,
            answer_ms=(time.time_ns() - sent_ns) / 1e6,
            accepted=accepted,
            expected=not step.refused,
            revision=revision,
            message=message,
        )

    def wait_until(self, monotonic_s: float) -> None:
        """Serve callbacks until a time on the monotonic clock, or until told to stop."""
        spin_while(self._executor, lambda: time.monotonic() < monotonic_s and not self._stop)

    def _publish(self, query: str) -> tuple[bool, int, str]:
        """Publish on the topic; the acknowledgement is the label map of the next revision."""
        deadline, before = time.monotonic() + _ANSWER_TIMEOUT_S, self._revision
        spin_while(
            self._executor,
            lambda: self._query.get_subscription_count() < 1 and time.monotonic() < deadline,
        )
        self._query.publish(String(data=query))
        spin_while(self._executor, lambda: self._revision <= before and time.monotonic() < deadline)
        accepted = self._revision > before
        return accepted, self._revision, "" if accepted else "no label map came in answer"

    def _choose(self, choice: str, sent_ns: int) -> None:
        mode, names, weights = parse_choice(choice)
        request = SetAdapter.Request(mode=mode.value, names=list(names), weights=list(weights))
        reply = call_service(self._executor, self._set_adapter, request)
        emit(
            EventKind.ADAPTERS,
            choice=choice,
            sent_ns=sent_ns,
            answered_ns=time.time_ns(),
            accepted=reply.success,
            message=reply.message,
        )

    def _on_labels(self, message: LabelMap) -> None:
        self._revision = max(self._revision, message.revision)


def _request(query: str) -> SetLabels.Request:
    """Return the typed form of a query, so that the demo uses each field of the interface."""
    return SetLabels.Request(
        labels=[
            LabelSpec(
                name=spec.name,
                synonyms=list(spec.synonyms),
                threshold=-1.0 if spec.threshold is None else float(spec.threshold),
                negative=spec.negative,
            )
            for spec in parse_query(query).specs
        ]
    )


def main() -> int:
    """Bring the node up, follow the script, wait to be stopped, take the node down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", type=Path, required=True, help="JSON of demo.script")
    parser.add_argument("--go", type=Path, required=True, help="start once this file exists")
    arguments = parser.parse_args()
    first, *others = load_script(arguments.script.read_text(encoding="utf-8"))
    stop = StopRequest()
    with ros_node("demo_operator") as (node, executor):
        operator = Operator(node, executor, stop)
        operator.transition("configure")
        operator.perform(first)
        operator.transition("activate")
        emit(EventKind.ACTIVE)
        wait_for_go(executor, arguments.go, stop)
        start = time.monotonic()
        for step in others:
            operator.wait_until(start + step.at_s)
            if not stop:
                operator.perform(step)
        emit(EventKind.DONE)
        spin_while(executor, lambda: not stop)
        operator.transition("deactivate", timeout_s=_TAKE_DOWN_TIMEOUT_S)
        operator.transition("cleanup", timeout_s=_TAKE_DOWN_TIMEOUT_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
