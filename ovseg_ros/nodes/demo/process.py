"""How every process of the demo runs: until it is told to stop, and then to a clean end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from ovseg_ros.demo.events import EventKind, emit
from ovseg_ros.errors import OvsegError
from ovseg_ros.nodes.stop_signals import StopRequest

_SPIN_S = 0.05


@contextmanager
def ros_node(name: str) -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    """Yield a node and its executor, and take both down in order.

    An `OvsegError` becomes an error event and exit code 2.
    """
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node = Node(name)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        yield node, executor
    except OvsegError as error:
        emit(EventKind.ERROR, message=str(error))
        raise SystemExit(2) from None
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()


def wait_for_go(executor: SingleThreadedExecutor, go: Path, stop: StopRequest) -> None:
    """Serve callbacks until the file `go` exists: the sign that every process is in its place."""
    spin_while(executor, lambda: not go.exists() and not stop)


def spin_while(executor: SingleThreadedExecutor, condition: Callable[[], bool]) -> None:
    """Serve callbacks for as long as `condition` holds."""
    while condition():
        executor.spin_once(timeout_sec=_SPIN_S)
