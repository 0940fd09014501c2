"""Compare an engine with the reference, ONNX Runtime in fp32; one that passes may be used.

The frames are those of --bag, --images or --data; by default of the drive that comes along. The
limits are those of the package's card. Exit code 0: passed, 1: failed.
"""

from __future__ import annotations

import argparse
import shlex
import sys

from ovseg_ros.commands.frames import add_frame_options, material_of
from ovseg_ros.commands.options import (
    add_engine_options,
    add_package_option,
    engine_of,
)
from ovseg_ros.engine.choice import BackendName

NAME = "check"
HELP = "compare an engine with the reference, and let it be used if it passes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_package_option(parser)
    add_engine_options(parser, BackendName.OPENVINO)
    add_frame_options(parser)
    parser.add_argument(
        "--labels", help="the query for frames without ground truth (default: streets and yards)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, print the table and write the verdict; 1 where a limit does not hold."""
    from datetime import datetime, timezone

    from rich.console import Console

    from ovseg_ros.check.material import DEFAULT_LABELS
    from ovseg_ros.check.run import check_engine, print_failures, print_verdict
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.engine.verdicts import verdict_path
    from ovseg_ros.packages import ModelPackage
    from ovseg_ros.user_folders import user_cache_folder

    choice = engine_of(arguments)
    package = ModelPackage.load(arguments.package)
    labels = DEFAULT_LABELS if arguments.labels is None else arguments.labels
    material, cache = material_of(arguments, labels), user_cache_folder()
    command = shlex.join(["ovseg", *sys.argv[1:]])
    with progress_bar(f"checking {choice} on {material.source}", len(material)) as advance:
        verdict = check_engine(
            package,
            choice,
            material,
            cache,
            command,
            datetime.now(timezone.utc),
            advance,
            arguments.camera,
        )
    print_verdict(verdict, Console())
    print(f"verdict: {verdict_path(cache, verdict.identity)}")
    print_failures(verdict, f"ovseg check: {choice} fails on '{package.card.name}'")
    return 1 if verdict.failed else 0
