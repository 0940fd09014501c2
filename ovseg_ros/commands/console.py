"""Serve the operator's web page: a live view of camera and masks, the query, adapters and health.

Without --host only this machine can open it; any other address needs a token.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ovseg_ros.console.settings import DEFAULT_PORT, CameraTransport, ConsoleSettings

NAME = "console"
HELP = "the operator's web page: live view, queries, adapters, health"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    usual = ConsoleSettings()
    parser.add_argument(
        "--host",
        default=usual.host,
        metavar="A",
        help="address to listen on; any but this machine's own needs a token "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--port", type=port, default=DEFAULT_PORT, help="0: any free one (default: %(default)s)"
    )
    token = parser.add_mutually_exclusive_group()
    token.add_argument(
        "--token-file", type=Path, metavar="FILE", help="its first line is asked of every browser"
    )
    token.add_argument(
        "--token", default="", metavar="T", help="the same, for all to see who list processes"
    )
    parser.add_argument(
        "--node", default=usual.node, help="name of the segmentation node (default: %(default)s)"
    )
    parser.add_argument(
        "--camera", default="", metavar="NAME", help="which of several cameras of the node"
    )
    parser.add_argument(
        "--image-topic",
        default=usual.image_topic,
        metavar="T",
        help="the camera's raw images; compressed ones are on T/compressed (default: %(default)s)",
    )
    parser.add_argument(
        "--transport",
        default=usual.transport.value,
        choices=[transport.value for transport in CameraTransport],
        help="auto: compressed images only where there are no raw ones (default: %(default)s)",
    )
    parser.add_argument(
        "--rate",
        type=rate,
        default=usual.rate_hz,
        metavar="HZ",
        help="most frames a second that are encoded (default: %(default)g)",
    )
    parser.add_argument(
        "--save", type=Path, metavar="DIR", help="where the page saves moments for training"
    )
    parser.add_argument(
        "--ros-args",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="...",
        help="everything after it is for ROS, as in --ros-args -r __ns:=/robot",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from ovseg_ros.console.address import read_token
    from ovseg_ros.demo.graph import require_ros

    token = read_token(arguments.token, arguments.token_file)
    settings = ConsoleSettings(
        host=arguments.host,
        port=arguments.port,
        token=token,
        node=arguments.node,
        camera=arguments.camera,
        image_topic=arguments.image_topic,
        transport=CameraTransport(arguments.transport),
        rate_hz=arguments.rate,
        save=arguments.save,
        ros_arguments=tuple(arguments.ros_args),
    )
    require_ros()
    from ovseg_ros.nodes.console.main import run_console

    hint = " (it asks for the token)" if token else ""

    def on_ready(url: str) -> None:
        print(f"console of {settings.node}: {url}{hint}; Ctrl-C ends it", flush=True)

    return run_console(settings, on_ready)


def port(text: str) -> int:
    """Return the port in `text`; raises argparse's error unless it is from 0 to 65535."""
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no port; a number from 0 to 65535 was wanted")


def rate(text: str) -> float:
    """Return the rate in `text`, Hz; raises argparse's error unless it is from 0.1 to 120."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 120.0:
        raise argparse.ArgumentTypeError(f"'{text}' is no rate; 0.1 to 120 Hz was wanted")
    return value
