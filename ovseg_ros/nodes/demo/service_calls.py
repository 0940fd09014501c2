"""Calls of services by the processes of a demo, which serve their own callbacks meanwhile."""

from __future__ import annotations

import time
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.executors import SingleThreadedExecutor

from ovseg_ros.errors import OvsegError
from ovseg_ros.nodes.demo.process import spin_while

_TIMEOUT_S = 60.0
_TRANSITIONS = {
    "configure": Transition.TRANSITION_CONFIGURE,
    "activate": Transition.TRANSITION_ACTIVATE,
    "deactivate": Transition.TRANSITION_DEACTIVATE,
    "cleanup": Transition.TRANSITION_CLEANUP,
}


def call_service(
    executor: SingleThreadedExecutor, client: Any, request: Any, timeout_s: float = _TIMEOUT_S
) -> Any:
    """Return the answer to `request`; raises `OvsegError` where none comes in time."""
    deadline = time.monotonic() + timeout_s
    spin_while(executor, lambda: not client.service_is_ready() and time.monotonic() < deadline)
    future = client.call_async(request)
    spin_while(executor, lambda: not future.done() and time.monotonic() < deadline)
    if not future.done():
        raise OvsegError(
            f"{client.srv_name} did not answer within {timeout_s:g} s; "
            "the log of the node says what it was doing"
        )
    return future.result()


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
    return ChangeState.Request(transition=Transition(id=_TRANSITIONS[name], label=name))
