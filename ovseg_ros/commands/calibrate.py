"""Make the int8 form of a model package for OpenVINO, calibrated on frames of your camera.

The int8 model goes into the cache of this user; `ovseg check` then decides whether it may be used.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from ovseg_ros.commands.options import add_package_option, positive

NAME = "calibrate"
HELP = "make the int8 form of a model package on frames of your camera"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_package_option(parser)
    frames = parser.add_mutually_exclusive_group(required=True)
    frames.add_argument("--bag", type=Path, metavar="PATH", help="frames of a bag")
    frames.add_argument("--images", type=Path, metavar="FOLDER", help="images of a folder")
    parser.add_argument(
        "--frames", type=positive, default=64, metavar="N", help="at most (default: %(default)s)"
    )
    parser.add_argument("--labels", help="the query to calibrate under (default: as `ovseg check`)")


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, and name the model and the command that checks it."""
    from ovseg_ros.check.calibration import calibrate
    from ovseg_ros.check.material import DEFAULT_LABELS, material_from_bag, material_from_images
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
    from ovseg_ros.engine.verdicts import check_command
    from ovseg_ros.packages import ModelPackage
    from ovseg_ros.user_folders import user_cache_folder

    package = ModelPackage.load(arguments.package)
    labels = DEFAULT_LABELS if arguments.labels is None else arguments.labels
    if arguments.images:
        material = material_from_images(arguments.images, arguments.frames, labels)
    else:
        material = material_from_bag(arguments.bag, arguments.frames, labels)
    facts = {"material": material.source, "command": shlex.join(["ovseg", *sys.argv[1:]])}
    with progress_bar(f"calibrating on {material.source}", len(material)) as advance:
        model = calibrate(package, material, user_cache_folder(), facts, advance)
    print(f"int8 model: {model.graph_path}")
    choice = EngineChoice(BackendName.OPENVINO, Precision.INT8)
    print(f"it may be used once it has passed  {check_command(package, choice)}")
    return 0
