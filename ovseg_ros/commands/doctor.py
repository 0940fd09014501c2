"""Look at the machine, the libraries, ROS, packages and engines, and say what to do next.

Nothing is installed, built or changed. Exit code 0: segmenting works here, at least on the
processor; 1: it does not, and the report says why.
"""

from __future__ import annotations

import argparse

NAME = "doctor"
HELP = "look at driver, CUDA, TensorRT, ROS, packages and engines, and say the next command"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument(
        "--package",
        action="append",
        metavar="P",
        help="look at this model package too, beside those installed; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Examine, and print the report; 1 where a fault keeps the main job from running."""
    from ovseg_ros.doctor.asking import ask_all
    from ovseg_ros.doctor.report import as_json, as_text
    from ovseg_ros.doctor.run import examine
    from ovseg_ros.doctor.surroundings import Surroundings
    from ovseg_ros.user_folders import user_cache_folder

    examination = examine(Surroundings(user_cache_folder()), ask_all(), arguments.package or ())
    print(as_json(examination) if arguments.json else as_text(examination))
    return 0 if examination.healthy else 1
