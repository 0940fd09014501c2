"""`python -m ovseg_ros.nodes.main`: runs the node until SIGINT or SIGTERM, then takes it down."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ovseg_ros.free_memory import limit_heaps
from ovseg_ros.nodes.stop_signals import StopRequest

EXIT_OK = 0
EXIT_REFUSED = 1
_EXECUTOR_THREADS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node; return 0 after a requested stop, 1 after a refusal or a failure."""
    limit_heaps()
    # Before the imports below, which take long enough for an impatient launch to interrupt them.
    stop = StopRequest()
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(
        args=list(sys.argv if arguments is None else arguments),
        signal_handler_options=SignalHandlerOptions.NO,
    )
    try:
        return _run_node(stop)
    finally:
        rclpy.try_shutdown()


def _run_node(stop: StopRequest) -> int:
    from rclpy.callback_groups import ReentrantCallbackGroup
    from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
    from rclpy.executors import MultiThreadedExecutor
    from rclpy.logging import get_logger

    from ovseg_ros.errors import OvsegError
    from ovseg_ros.nodes.segmentation_node import NODE_NAME, SegmentationNode
    from ovseg_ros.nodes.spinner import Spinner
    from ovseg_ros.shm_leftovers import remove_leftovers

    count, size_bytes = remove_leftovers()
    if count:
        get_logger(NODE_NAME).info(
            f"removed {count} segments, {size_bytes / 1e6:.0f} MB, that killed processes had left "
            "in shared memory"
        )
    try:
        node = SegmentationNode()
    except (OvsegError, InvalidParameterTypeException, InvalidParameterValueException) as error:
        get_logger(NODE_NAME).fatal(f"the node cannot start: {error}")
        return EXIT_REFUSED
    executor = MultiThreadedExecutor(_EXECUTOR_THREADS)
    executor.add_node(node)
    # To wake it is not enough: it would look for work and wait on, until a timer of ours is due.
    leave = node.create_guard_condition(lambda: None, ReentrantCallbackGroup())
    spinner = Spinner(executor, stop)
    spinner.start()
    stop.wait()
    # In this order: no new callbacks, the last ones finish, then the engine and the node go.
    try:
        leave.trigger()
        spinner.join()
        executor.shutdown()
    finally:
        node.close()
        node.destroy_node()
    code = EXIT_REFUSED if spinner.failed else EXIT_OK
    if node.stuck_engines:
        _end_now(code)
    return code


def _end_now(code: int) -> None:
    """End the process without what Python and native libraries do at exit.

    They would wait for the thread that is stuck in an engine, or take away what it is using.
    """
    import rclpy

    rclpy.try_shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
