"""Run the whole system: a camera plays a drive, the node segments it against labels that an
operator changes meanwhile, and a recorder measures what comes out."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from ovseg_ros.commands.options import add_package_option

NAME = "demo"
HELP = "run camera, node, operator and recorder on a drive"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--bag", type=Path, metavar="PATH", help="play this bag (default: the one that comes along)"
    )
    source.add_argument("--images", type=Path, metavar="FOLDER", help="play a folder of images")
    parser.add_argument("--labels", default="", help="the query; needed with --images")
    parser.add_argument(
        "--out", type=Path, default=Path("demo_out"), metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="length of the stream")
    add_package_option(parser)
    parser.add_argument(
        "--adapter-dir", type=Path, metavar="DIR", help="default: adapters in the package"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; 1 where the pipeline did not deliver."""
    from rich.console import Console

    from ovseg_ros.demo.adapter_section import adapter_line
    from ovseg_ros.demo.run import DemoSettings, run_demo
    from ovseg_ros.errors import OvsegError
    from ovseg_ros.evaluation.drive import default_bag

    if arguments.images and not arguments.labels:
        raise OvsegError("--images needs the labels to look for: add --labels 'car; person'")
    settings = DemoSettings(
        drive=arguments.bag or arguments.images or default_bag(),
        out=arguments.out,
        package=arguments.package,
        adapters=arguments.adapter_dir,
        labels=arguments.labels,
        seconds=arguments.seconds,
        command=shlex.join(["ovseg", *sys.argv[1:]]),
    )
    report = run_demo(settings, Console())
    masks, mean_iou = report["masks"], report["mean_iou"]
    for failure in report["failures"]:
        print(f"ovseg demo: {failure}", file=sys.stderr)
    if masks["received"]:
        scored = "" if mean_iou is None else f", mIoU {mean_iou:.3f}"
        print(
            f"{masks['received']} masks at {masks['rate_hz']:.1f} Hz, age p50 "
            f"{masks['age_p50_ms']:.0f} ms, p95 {masks['age_p95_ms']:.0f} ms{scored}"
        )
        print(adapter_line(report["adapters"]))
    print(f"results: {arguments.out / 'index.html'}")
    return 1 if report["failures"] else 0
