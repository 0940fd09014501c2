"""The operator of a soak: changes queries, adapters and states without rest, and sees to it that
the node is active in the end.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import String

from ovseg_ros.bench.material import known_names
from ovseg_ros.bench.soak.faults import OF_THE_OPERATOR, Fault, PlannedFault
from ovseg_ros.bench.soak.queries import draw_query
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.nodes.demo.process import ros_node
from ovseg_ros.nodes.demo.service_calls import ask, transition_request
from ovseg_ros.nodes.soak.prober import Prober
from ovseg_ros.nodes.soak.timeline import Timeline
from ovseg_ros.nodes.stop_signals import StopRequest
from ovseg_ros.packages import ModelPackage
from ovseg_ros.srv import SetAdapter, SetLabels
from ovseg_ros.text.bank import TextBank

# With the strange names below the 254 ids that a node can give away in its life.
_POOL = 120
_PATIENCE_S = 5.0
_TICK_S = 1.0
# A node that configures itself is not to be helped.
_RESCUE_S = 5.0
_CYCLES = {
    Fault.CYCLE: ("deactivate", "activate"),
    Fault.RELOAD: ("deactivate", "cleanup", "configure", "activate"),
}
_WAY_TO_ACTIVE = {"unconfigured": "configure", "inactive": "activate"}


class SoakOperator:
    """Talks to a node that may die at any moment: no answer is an answer, a wrong one is not."""

    def __init__(
        self, node: Node, executor: SingleThreadedExecutor, package: ModelPackage, stop: StopRequest
    ) -> None:
        """Create clients; names and adapters to ask for are those of `package`."""
        self._executor, self._stop = executor, stop
        self._names = known_names(TextBank.load(package), _POOL)
        adapters = (package.folder / "adapters").glob("*.safetensors")
        self._adapters = sorted(path.stem for path in adapters)
        self._states: Any = node.create_client(ChangeState, topics.CHANGE_STATE)
        self._labels: Any = node.create_client(SetLabels, topics.SET_LABELS)
        self._mixes: Any = node.create_client(SetAdapter, topics.SET_ADAPTER)
        self._topic = node.create_publisher(String, topics.QUERY, 10)
        self._prober = Prober(node)
        self._counts: Counter[str] = Counter()
        self._wrong: list[str] = []
        self._idle_since_s = time.monotonic()
        node.create_timer(_TICK_S, self._tell)

    def follow(self, timeline: Timeline) -> None:
        """Act until told to stop."""
        while not self._stop:
            self._executor.spin_once(timeout_sec=0.05)
            planned = timeline.take_due()
            if planned is not None:
                self._make(planned)
            self._rescue()

    def _make(self, planned: PlannedFault) -> None:
        source = random.Random(planned.seed)
        match planned.fault:
            case Fault.QUERY:
                self._change_query(source)
            case Fault.ADAPTER:
                self._choose_adapters(source)
            case cycle:
                self._cycle(cycle)

    def _change_query(self, source: random.Random) -> None:
        query = draw_query(self._names, source)
        if source.random() < 0.5:
            self._counts["queries by topic"] += 1
            self._topic.publish(String(data=query.text))
            return
        reply = self._call(self._labels, SetLabels.Request(query=query.text))
        if reply is None:
            return
        self._counts["queries refused" if query.refused else "queries accepted"] += 1
        if reply.success is query.refused:
            self._wrong.append(f"query {ascii(query.text[:60])}: {ascii(reply.message[:200])}")

    def _choose_adapters(self, source: random.Random) -> None:
        mode = source.choice(("auto", "auto", "none", "pinned", "sideways"))
        request = SetAdapter.Request(mode=mode)
        if mode == "pinned":
            request.names = source.sample(self._adapters, min(2, len(self._adapters)))
            request.weights = [0.5] * len(request.names)
        reply = self._call(self._mixes, request)
        if reply is None:
            return
        self._counts["choices of adapters"] += 1
        # Pinned ones may be gone at the moment; for the others the answer is known.
        if mode != "pinned" and reply.success is (mode == "sideways"):
            self._wrong.append(f"adapter mode {mode}: {ascii(reply.message[:200])}")

    def _cycle(self, fault: Fault) -> None:
        began_ns = time.time_ns()
        for name in _CYCLES[fault]:
            if not self._transition(name):
                break
        self._idle_since_s = time.monotonic()
        emit(EventKind.FAULT, fault=fault.value, began_ns=began_ns, ended_ns=time.time_ns())

    def _transition(self, name: str) -> bool:
        reply = self._call(self._states, transition_request(name))
        self._counts["transitions"] += reply is not None and reply.success
        return reply is not None and bool(reply.success)

    def _rescue(self) -> None:
        """Bring up a node that nobody else does: it failed, or the last operator was killed."""
        step = _WAY_TO_ACTIVE.get(self._prober.state)
        now_s = time.monotonic()
        if step is None or now_s - self._prober.answered_s > _TICK_S:
            self._idle_since_s = now_s
        elif now_s - self._idle_since_s > _RESCUE_S:
            self._counts["rescues"] += self._transition(step)
            self._idle_since_s = time.monotonic() - (_RESCUE_S - _TICK_S)

    def _call(self, client: Any, request: Any) -> Any:
        """Return the answer of a service; None where there was none in time."""
        reply = ask(self._executor, client, request, _PATIENCE_S, lambda: not self._stop)
        if reply is None:
            self._counts["unanswered"] += 1
        return reply

    def _tell(self) -> None:
        counts, self._counts = self._counts, Counter()
        wrong, self._wrong = self._wrong, []
        answers_ms = self._prober.take_answers_ms()
        emit(EventKind.TICK, answers_ms=answers_ms, counts=counts, wrong=wrong)


def main() -> int:
    """Act until stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", required=True, help="name or folder of the model package")
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--go", type=Path, required=True)
    arguments = parser.parse_args()
    stop = StopRequest()
    with ros_node("soak_operator") as (node, executor):
        package = ModelPackage.load(arguments.package)
        operator = SoakOperator(node, executor, package, stop)
        timeline = Timeline(arguments.plan, arguments.go, OF_THE_OPERATOR)
        emit(EventKind.READY)
        operator.follow(timeline)
    return 0


if __name__ == "__main__":
    sys.exit(main())
