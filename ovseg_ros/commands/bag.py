"""Bags: what is in one, and bags with ground truth from labelled folders."""

from __future__ import annotations

import argparse
from pathlib import Path

from ovseg_ros.commands.options import rate_hz

NAME = "bag"
HELP = "what is in a bag; a bag with ground truth from a labelled folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be done."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    info = actions.add_parser("info", help="topics, types and lengths of a bag")
    info.add_argument("bag", type=Path, metavar="BAG", help="a bag folder, .mcap or .db3")
    info.set_defaults(act=_info)
    write = actions.add_parser("from-images", help="write a bag from a labelled folder")
    _add_write_arguments(write)
    write.set_defaults(act=_from_images)


def _add_write_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="images/, labels/, classes.json, items.json"
    )
    parser.add_argument("bag", type=Path, metavar="BAG", help="the new bag folder")
    parser.add_argument(
        "--rate", type=rate_hz, default=15.0, metavar="HZ", help="frames a second (default: 15)"
    )
    parser.add_argument("--storage", choices=("mcap", "sqlite3"), default="mcap")
    parser.add_argument(
        "--image",
        choices=("raw", "compressed"),
        default="compressed",
        help="rgb8 and mono8 images, or JPEG and PNG (default: %(default)s)",
    )
    parser.add_argument("--split", default="", help="only the images of this split")
    parser.add_argument("--domain", default="", help="only the images of this domain")
    parser.add_argument("--sequence", default="", help="only the images of this sequence")
    parser.add_argument(
        "--camera-info",
        type=Path,
        metavar="YAML",
        help="calibration as camera_calibration writes it, for /camera/camera_info",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it."""
    return int(arguments.act(arguments))


def _info(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ovseg_ros.bags.reader import BagReader

    with BagReader(arguments.bag) as reader:
        table = Table("topic", "type", "messages")
        for topic in reader.topics:
            table.add_row(Text(topic.name), Text(topic.kind), str(topic.messages))
        seconds = (reader.end_ns - reader.start_ns) / 1e9
        Console().print(table)
        Console().print(f"{sum(t.messages for t in reader.topics)} messages in {seconds:.3f} s")
    return 0


def _from_images(arguments: argparse.Namespace) -> int:
    from ovseg_ros.bags.camera_info import read_camera_info
    from ovseg_ros.bags.writer import Storage
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.evaluation.dataset import load_labelled_folder
    from ovseg_ros.evaluation.folder_to_bag import BagPlan, ImageForm, write_folder_bag

    data = load_labelled_folder(
        arguments.folder, arguments.split, arguments.domain, arguments.sequence
    )
    camera = read_camera_info(arguments.camera_info) if arguments.camera_info else None
    plan = BagPlan(arguments.rate, Storage(arguments.storage), ImageForm(arguments.image), camera)
    with progress_bar("writing", len(data.items)) as advance:
        write_folder_bag(data, arguments.bag, plan, advance)
    print(f"{arguments.bag}: {len(data.items)} frames at {arguments.rate:g} Hz")
    return 0
