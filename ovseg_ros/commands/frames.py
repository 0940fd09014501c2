"""The options of verbs that compare engines: which frames they are compared on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ovseg_ros.commands.options import positive

if TYPE_CHECKING:
    from ovseg_ros.check.material import Material


def add_frame_options(parser: argparse.ArgumentParser) -> None:
    """Add --bag, --images, --data and --frames; `material_of` reads them."""
    frames = parser.add_mutually_exclusive_group()
    frames.add_argument("--bag", type=Path, metavar="PATH", help="frames of a bag")
    frames.add_argument("--images", type=Path, metavar="FOLDER", help="images of a folder")
    frames.add_argument("--data", type=Path, metavar="FOLDER", help="a labelled folder")
    parser.add_argument(
        "--frames", type=positive, default=32, metavar="N", help="at most (default: %(default)s)"
    )


def material_of(arguments: argparse.Namespace, labels: str) -> Material:
    """Return the frames of the options, those of the drive that comes along where nothing is said.

    Frames without ground truth are asked for `labels`. Raises `OvsegError`.
    """
    from ovseg_ros.check.material import (
        material_from_bag,
        material_from_images,
        material_from_labelled,
    )
    from ovseg_ros.evaluation.drive import default_bag

    if arguments.data:
        return material_from_labelled(arguments.data, arguments.frames)
    if arguments.images:
        return material_from_images(arguments.images, arguments.frames, labels)
    return material_from_bag(arguments.bag or default_bag(), arguments.frames, labels)
