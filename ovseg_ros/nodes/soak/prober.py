"""Asks the node for its state once a second, to see that it answers and how fast."""

from __future__ import annotations

import time
from typing import Any

from lifecycle_msgs.srv import GetState
from rclpy.node import Node

from ovseg_ros.demo import topics

_PERIOD_S = 1.0
# To a node that was killed, some questions get lost.
_FORGET_S = 20.0


class Prober:
    """Asks whether or not earlier questions were answered: a deadlock would swallow them all."""

    def __init__(self, node: Node) -> None:
        """Start asking."""
        self._client: Any = node.create_client(GetState, topics.GET_STATE)
        self._asked: dict[Any, float] = {}
        self._answers_ms: list[float] = []
        self.state = ""
        self.answered_s = 0.0
        node.create_timer(_PERIOD_S, self._ask)

    def take_answers_ms(self) -> list[float]:
        """Return how long the answers took that came since the last call."""
        answers, self._answers_ms = self._answers_ms, []
        return answers

    def _ask(self) -> None:
        now_s = time.monotonic()
        for future in [f for f, asked_s in self._asked.items() if now_s - asked_s > _FORGET_S]:
            self._client.remove_pending_request(future)
            del self._asked[future]
        if self._client.service_is_ready():
            future = self._client.call_async(GetState.Request())
            self._asked[future] = now_s
            future.add_done_callback(self._on_answer)

    def _on_answer(self, future: Any) -> None:
        asked_s = self._asked.pop(future, None)
        if asked_s is None or future.result() is None:
            return
        self.answered_s = time.monotonic()
        self._answers_ms.append(1e3 * (self.answered_s - asked_s))
        self.state = future.result().current_state.label
