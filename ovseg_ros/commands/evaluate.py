"""Measure a model package on images with ground truth: mIoU per label name.

A folder holds images/, labels/ (8-bit PNGs of class ids), classes.json with the names, and
items.json where images have a split and a domain. A bag has the topics of the demo's drive.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ovseg_ros.commands.options import (
    add_adapter_options,
    add_engine_options,
    add_package_option,
    engine_of,
)

NAME = "eval"
HELP = "measure mIoU on a folder or a bag with ground truth"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("data", type=Path, metavar="DATA", help="the labelled folder or bag")
    add_package_option(parser)
    add_engine_options(parser)
    add_adapter_options(parser, "none")
    parser.add_argument("--split", default="", help="only the images of this split")
    parser.add_argument("--domain", default="", help="only the images of this domain")
    parser.add_argument(
        "--names",
        type=Path,
        metavar="YAML",
        help="ask for the classes by other names: {class: [names]} or a concepts file with "
        "'unseen' names",
    )
    parser.add_argument(
        "--threshold",
        type=parse_threshold,
        default=0.0,
        metavar="T",
        help="confidence below which a pixel gets no label: 0..1, or 'card' for the default of "
        "the package (default: 0, every pixel gets a label)",
    )
    parser.add_argument("--out", type=Path, metavar="JSON", help="write the report to this file")


def parse_threshold(text: str) -> float | None:
    """Return a threshold in 0..1, or None for 'card'; raises argparse's error for anything else."""
    if text == "card":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"'{text}' is neither a number from 0 to 1 nor 'card'")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print the tables and write the report."""
    from rich.console import Console

    from ovseg_ros.adapted_images import AdaptedImages
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.evaluation.evaluate import evaluate
    from ovseg_ros.evaluation.labelled import open_labelled
    from ovseg_ros.evaluation.renaming import read_alternatives, rounds_of
    from ovseg_ros.evaluation.report import print_scores, print_summary, report_as_json
    from ovseg_ros.output import write_json
    from ovseg_ros.packages import SEGMENTER_NAME
    from ovseg_ros.segmenter import Segmenter

    engine = engine_of(arguments)
    data = open_labelled(arguments.data, arguments.split, arguments.domain)
    names = tuple(data.names.values())
    others = rounds_of(names, read_alternatives(arguments.names)) if arguments.names else ()
    rounds = (names, *others)
    with Segmenter.open(arguments.package, engine=engine, camera_px=arguments.camera) as segmenter:
        adapted = AdaptedImages(segmenter, arguments.adapters, arguments.adapter_dir)
        total = len(data.items) * len(rounds)
        with progress_bar(f"evaluating {data.source}", total) as advance:
            own, *renamed = [
                evaluate(segmenter, data, asked, arguments.threshold, advance, adapted.infer)
                for asked in rounds
            ]
        card = segmenter.package.card
    report = {
        "package": card.name,
        "engine": str(engine),
        "adapters": arguments.adapters,
        "segmenter_sha256": card.files[SEGMENTER_NAME],
        "data": data.source,
        "split": arguments.split or "all",
        "domain": arguments.domain or "all",
        "threshold": "card" if arguments.threshold is None else arguments.threshold,
        "images": len(data.items),
        **report_as_json(own, renamed),
    }
    for scores in (own, *renamed):
        print_scores(scores, Console())
    print_summary(report, Console())
    if arguments.out:
        write_json(arguments.out, report)
    return 0
