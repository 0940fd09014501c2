"""The console's hands: services of the segmentation node, asked from the web server's thread."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from typing import Any

from rclpy.executors import Executor
from rclpy.node import Node
from std_srvs.srv import SetBool

from ovseg_ros.console.robot import Answer
from ovseg_ros.srv import SetAdapter, SetLabels


class RobotLink:
    """`console.robot.Robot` over ROS. Everything is done in the executor's thread."""

    def __init__(self, node: Node, executor: Executor, target: str) -> None:
        """Ask the node called `target`, whether it is there yet or not."""
        self._executor = executor
        self._labels: Any = node.create_client(SetLabels, f"{target}/set_labels")
        self._adapter: Any = node.create_client(SetAdapter, f"{target}/set_adapter")
        self._enable: Any = node.create_client(SetBool, f"{target}/enable")

    def set_labels(self, query: str) -> Future[Answer]:
        """Ask for the labels of `query`, in the query grammar."""
        return self._ask(self._labels, SetLabels.Request(query=query))

    def set_adapter(
        self, mode: str, names: Sequence[str], weights: Sequence[float]
    ) -> Future[Answer]:
        """Choose how domain adapters are mixed."""
        request = SetAdapter.Request(mode=mode, names=list(names), weights=list(weights))
        return self._ask(self._adapter, request)

    def enable(self, on: bool) -> Future[Answer]:
        """Let the node segment, or have it ignore its camera."""
        return self._ask(self._enable, SetBool.Request(data=on))

    def _ask(self, client: Any, request: Any) -> Future[Answer]:
        answer: Future[Answer] = Future()

        def ask() -> None:
            if not client.service_is_ready():
                sentence = f"{client.srv_name} is not there; is the node running and configured?"
                _settle(answer, lambda: Answer(False, sentence))
                return
            pending = client.call_async(request)
            pending.add_done_callback(lambda done: _settle(answer, lambda: _read(done)))
            answer.add_done_callback(lambda _: self._forget(client, pending))

        self._executor.create_task(ask)
        return answer

    def _forget(self, client: Any, pending: Any) -> None:
        """Let go of a call that was given up; rclpy would keep it for ever."""
        if not pending.done():
            self._executor.create_task(lambda: client.remove_pending_request(pending))


def _read(done: Any) -> Answer:
    response = done.result()
    return Answer(bool(response.success), str(response.message))


def _settle(answer: Future[Answer], result: Callable[[], Answer]) -> None:
    # Who asked may have given up in this very moment.
    with contextlib.suppress(InvalidStateError):
        answer.set_result(result())
