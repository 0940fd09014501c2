"""Runs the console until SIGINT or SIGTERM: a ROS node, an encoder and a web server."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from ovseg_ros.console.address import listen, url_of
from ovseg_ros.console.answering import Answering
from ovseg_ros.console.app import make_app
from ovseg_ros.console.encoder import EncoderThread
from ovseg_ros.console.hub import Hub
from ovseg_ros.console.moments import MomentFolder
from ovseg_ros.console.server import ServerThread
from ovseg_ros.console.settings import ConsoleSettings
from ovseg_ros.nodes.console.ears import Ears
from ovseg_ros.nodes.console.eyes import Eyes
from ovseg_ros.nodes.console.graph_names import GraphNames
from ovseg_ros.nodes.console.robot_link import RobotLink
from ovseg_ros.nodes.spinner import Spinner
from ovseg_ros.nodes.stop_signals import StopRequest

NODE_NAME = "ovseg_console"
EXIT_OK, EXIT_FAILED = 0, 1
# Whoever looks on must not take processor time from the one who segments.
_NICENESS = 10
_WARNING_S = 10.0


def run_console(settings: ConsoleSettings, on_ready: Callable[[str], None]) -> int:
    """Serve the page until asked to stop; `on_ready` is told its address. Return an exit code.

    Raises `OvsegError` where it may not or cannot listen there, and `MissingExtraError`.
    """
    with ExitStack() as stack:
        # First what may be refused: signals and niceness are for the rest of the process.
        names = GraphNames.of(settings)
        listener = stack.enter_context(listen(settings.host, settings.port, settings.token))
        sequence = time.strftime("%Y%m%dT%H%M%S")
        folder = MomentFolder(settings.save, sequence) if settings.save else None
        stop = StopRequest()
        with contextlib.suppress(OSError):
            os.nice(_NICENESS)
        node, executor = stack.enter_context(_console_node(settings))
        hub = Hub()
        Ears(node, names, hub)
        Eyes(node, names, settings.transport, hub)
        robot = RobotLink(node, executor, names.node)
        image_topic = node.resolve_topic_name(names.image)
        target = node.resolve_topic_name(names.node)
        answering = Answering(robot, hub, folder, target, image_topic)
        app = make_app(answering, settings.token, listener.getsockname()[1])
        tell = partial(node.get_logger().warning, throttle_duration_sec=_WARNING_S)
        leave = node.create_guard_condition(lambda: None)
        spinner = Spinner(executor, stop)
        spinner.start()
        try:
            with (
                EncoderThread(hub, settings.rate_hz, tell, stop.make) as encoder,
                ServerThread(app, listener, stop.make) as server,
            ):
                on_ready(url_of(listener))
                stop.wait()
                well = encoder.running and server.running
        finally:
            stop.make()
            leave.trigger()
            spinner.join()
        return EXIT_OK if well and not spinner.failed else EXIT_FAILED


@contextmanager
def _console_node(settings: ConsoleSettings) -> Iterator[tuple[Node, SingleThreadedExecutor]]:
    """Yield a node and its executor, and take both down in order."""
    arguments = ["--ros-args", *settings.ros_arguments] if settings.ros_arguments else []
    rclpy.init(args=[sys.argv[0], *arguments], signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = Node(NODE_NAME)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        try:
            yield node, executor
        finally:
            executor.shutdown()
            node.destroy_node()
    finally:
        rclpy.try_shutdown()
