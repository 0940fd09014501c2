"""Make the int8 or fp8 form of a model package, calibrated on frames of your camera.

It goes into the cache of this user; `ovseg check` then decides whether it may be used.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovseg_ros.commands.options import add_package_option, positive

if TYPE_CHECKING:
    from ovseg_ros.check.material import Material
    from ovseg_ros.engine.choice import EngineChoice
    from ovseg_ros.engine.quantised import QuantisedModel
    from ovseg_ros.packages import ModelPackage

NAME = "calibrate"
HELP = "make the int8 or fp8 form of a model package on frames of your camera"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_package_option(parser)
    frames = parser.add_mutually_exclusive_group(required=True)
    frames.add_argument("--bag", type=Path, metavar="PATH", help="frames of a bag")
    frames.add_argument("--images", type=Path, metavar="FOLDER", help="images of a folder")
    parser.add_argument(
        "--frames", type=positive, default=64, metavar="N", help="at most (default: %(default)s)"
    )
    parser.add_argument(
        "--backend",
        choices=("openvino", "tensorrt"),
        default="openvino",
        help="what is to run it (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        choices=("int8", "fp8"),
        default="int8",
        help="fp8 with tensorrt only (default: %(default)s)",
    )
    parser.add_argument("--labels", help="the query to calibrate under (default: as `ovseg check`)")


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, and name the model and the command that comes next."""
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.engine.choice import EngineChoice
    from ovseg_ros.packages import ModelPackage
    from ovseg_ros.user_folders import user_cache_folder

    choice = EngineChoice.of(arguments.backend, arguments.precision)
    package = ModelPackage.load(arguments.package)
    material = _material(arguments)
    facts = {"material": material.source, "command": shlex.join(["ovseg", *sys.argv[1:]])}
    with progress_bar(f"calibrating on {material.source}", len(material)) as advance:
        model = _calibrate(package, choice, material, user_cache_folder(), facts, advance)
    print(f"{choice.precision.value} model: {model.graph_path}")
    print(_next_step(package, choice))
    return 0


def _material(arguments: argparse.Namespace) -> Material:
    from ovseg_ros.check.material import DEFAULT_LABELS, material_from_bag, material_from_images

    labels = DEFAULT_LABELS if arguments.labels is None else arguments.labels
    if arguments.images:
        return material_from_images(arguments.images, arguments.frames, labels)
    return material_from_bag(arguments.bag, arguments.frames, labels)


def _calibrate(
    package: ModelPackage,
    choice: EngineChoice,
    material: Material,
    cache: Path,
    facts: Mapping[str, Any],
    on_frame: Callable[[], None],
) -> QuantisedModel:
    from ovseg_ros.engine.choice import BackendName

    if choice.backend is BackendName.TENSORRT:
        from ovseg_ros.check.calibration_onnx import calibrate_onnx

        return calibrate_onnx(package, choice.precision, material, cache, facts, on_frame)
    from ovseg_ros.check.calibration import calibrate

    return calibrate(package, material, cache, facts, on_frame)


def _next_step(package: ModelPackage, choice: EngineChoice) -> str:
    from ovseg_ros.engine.choice import BackendName
    from ovseg_ros.engine.verdicts import check_command

    if choice.backend is BackendName.TENSORRT:
        build = f"ovseg build --package {shlex.quote(package.reference)}"
        return f"build its engine with  {build} --precision {choice.precision.value}"
    return f"it may be used once it has passed  {check_command(package, choice)}"
