"""Calls of services by the processes of a demo, which serve their own callbacks meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from ovseg_ros.errors import OvsegError
from ovseg_ros.nodes.demo.process import spin_while

_TIMEOUT_S = 60.0
# From one question to the next, where the answer may have been thrown away.
_ASK_AGAIN_S = 1.0
_LISTEN_S = 0.02
TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}


def introduce(
    node: Node, executor: SingleThreadedExecutor, target: str, timeout_s: float = _TIMEOUT_S
) -> None:
    """Wait until the lifecycle node `target` can answer all clients that `node` has now.

    A service hears a client as soon as the client knows the service, which may be before the
    service knows the client. It does what it is asked and then throws the answer away: rmw_fastrtps
    waits 100 ms for the client. Discovery is in order, so whoever has an answer to the client made
    last is known with all of its clients. Raises `OvsegError` where no answer comes in time.
    """
    client: Any = node.create_client(GetState, f"{target}/get_state")
    try:
        _await_an_answer(executor, client, timeout_s)
    finally:
        node.destroy_client(client)


def _await_an_answer(executor: SingleThreadedExecutor, client: Any, timeout_s: float) -> None:
    deadline, due = time.monotonic() + timeout_s, 0.0
    asked: list[Any] = []
    while not any(future.done() for future in asked):
        if time.monotonic() > deadline:
            raise OvsegError(f"{client.srv_name} did not answer within {timeout_s:g} s; is it up?")
        if time.monotonic() >= due and client.service_is_ready():
            asked.append(client.call_async(GetState.Request()))
            due = time.monotonic() + _ASK_AGAIN_S
        executor.spin_once(timeout_sec=_LISTEN_S)


def ask(
    executor: SingleThreadedExecutor,
    client: Any,
    request: Any,
    timeout_s: float,
    go_on: Callable[[], bool] = lambda: True,
) -> Any:
    """Return the answer to `request`, None where none comes in time or `go_on` ends it."""
    deadline = time.monotonic() + timeout_s

    def waiting() -> bool:
        return time.monotonic() < deadline and go_on()

    spin_while(executor, lambda: not client.service_is_ready() and waiting())
    future = client.call_async(request)
    spin_while(executor, lambda: not future.done() and waiting())
    if future.done():
        return future.result()
    client.remove_pending_request(future)
    return None


def call_service(
    executor: SingleThreadedExecutor, client: Any, request: Any, timeout_s: float = _TIMEOUT_S
) -> Any:
    """Return the answer to `request`; raises `OvsegError` where none comes in time."""
    reply = ask(executor, client, request, timeout_s)
    if reply is None:
        raise OvsegError(
            f"{client.srv_name} did not answer within {timeout_s:g} s; "
            "the log of the node says what it was doing"
        )
    return reply


def change_state(
    executor: SingleThreadedExecutor, client: Any, transition: str, timeout_s: float = _TIMEOUT_S
) -> None:
    """Take a node through a lifecycle transition; raises `OvsegError` where it is refused.

    `client` is that of its `change_state` service.
    """
    if not call_service(executor, client, transition_request(transition), timeout_s).success:
        raise OvsegError(f"the node refused to {transition}; its log says why")


def transition_request(name: str) -> ChangeState.Request:
    """Return the request for the lifecycle transition called `name`, such as 'configure'."""
    return ChangeState.Request(transition=Transition(id=TRANSITIONS[name], label=name))
