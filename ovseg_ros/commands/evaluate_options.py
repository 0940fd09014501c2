"""The options of `ovseg eval`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ovseg_ros.commands.options import (
    add_adapter_options,
    add_engine_options,
    add_package_option,
    positive,
    rate_hz,
    seconds,
    whole,
)
from ovseg_ros.errors import OvsegError


def add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument(
        "data", type=Path, nargs="+", metavar="DATA", help="bags, labelled folders or images"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="folder for the report, tables and masks, or a file ending in .json for the scores",
    )
    add_package_option(parser)
    add_engine_options(parser)
    add_adapter_options(parser, "none")
    parser.add_argument(
        "--threads",
        type=whole,
        default=1,
        metavar="N",
        help="CPU threads of the engine; 1 gives the same numbers on every run and with any number "
        "of workers, 0 takes all cores (default: %(default)s)",
    )
    parser.add_argument(
        "--ray",
        default="",
        metavar="ADDRESS",
        help="work on a Ray cluster, a task per segment: its host:port, 'local', or 'local:N' for "
        "N workers on this machine",
    )
    _add_selection(parser)
    _add_labels(parser)
    _add_report(parser)
    _add_live(parser)


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("frames")
    group.add_argument(
        "--image-topic",
        action="append",
        default=[],
        metavar="TOPIC",
        help="a camera of the bag; again for more (default: the only one there is)",
    )
    group.add_argument(
        "--truth",
        action="append",
        default=[],
        metavar="T",
        help="ground truth: a mask topic (one per camera), a pattern of PNG files with {stamp_ns}, "
        "{index}, {camera} or, for a folder, {stem}, or a CSV with stamp_ns,file",
    )
    group.add_argument("--split", default="", help="only the images of this split")
    group.add_argument("--domain", default="", help="only the images of this domain")
    group.add_argument("--start", type=seconds, metavar="S", help="from this second on")
    group.add_argument("--end", type=seconds, metavar="S", help="up to this second")
    group.add_argument("--every", type=positive, default=1, metavar="N", help="every N-th frame")
    group.add_argument("--only-labelled", action="store_true", help="only frames with ground truth")


def _add_labels(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("labels")
    group.add_argument(
        "--labels",
        default="",
        metavar="QUERY",
        help="what to ask for, in the query grammar (default: the names of the ground truth)",
    )
    group.add_argument(
        "--label-map",
        type=Path,
        metavar="YAML",
        help="ids, other names, synonyms of the ground truth, and what of it to ignore",
    )
    group.add_argument(
        "--threshold",
        type=threshold,
        default=0.0,
        metavar="T",
        help="confidence below which a pixel gets no label: 0..1, or 'card' for the default of "
        "the package (default: 0, every pixel gets a label)",
    )
    group.add_argument(
        "--names",
        type=Path,
        metavar="YAML",
        help="ask for the classes by other names too: {class: [names]} or a concepts file with "
        "'unseen' names; scores only",
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("report")
    group.add_argument(
        "--against",
        default="",
        metavar="SPEC",
        help="a second configuration on the same frames: what differs, as in "
        "adapters=auto,threshold=0.2",
    )
    group.add_argument(
        "--resume", action="store_true", help="go on with a run that was stopped in this folder"
    )
    group.add_argument(
        "--thumbnails",
        type=whole,
        default=24,
        metavar="K",
        help="frames with pictures, half of them the worst (default: %(default)s)",
    )


def _add_live(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("live")
    group.add_argument(
        "--live",
        action="store_true",
        help="play the frames to the node at rate, and set what came back beside the direct run",
    )
    group.add_argument(
        "--rate",
        type=rate_hz,
        metavar="HZ",
        help="frames a second of each camera (default: as recorded)",
    )
    group.add_argument(
        "--max-age",
        type=whole,
        default=0,
        metavar="MS",
        help="the node drops frames older than this (default: no limit)",
    )


def threshold(text: str) -> float | None:
    """Return a threshold in 0..1, or None for 'card'; raises argparse's error for anything else."""
    from ovseg_ros.evaluation.run.configuration import parse_threshold

    try:
        return parse_threshold(text)
    except OvsegError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def check_options(arguments: argparse.Namespace) -> None:
    """Raise `OvsegError` for options that do not go together."""
    folder = arguments.out is not None and arguments.out.suffix != ".json"
    if not folder and (arguments.against or arguments.resume):
        option = "--against" if arguments.against else "--resume"
        raise OvsegError(f"{option} needs a folder of results; give --out FOLDER")
    if arguments.live and (not folder or arguments.against or arguments.ray):
        raise OvsegError(
            "--live writes a folder and compares with a direct run in this process; give --out "
            "FOLDER, and neither --against nor --ray"
        )
    if not arguments.live and (arguments.rate or arguments.max_age):
        raise OvsegError("--rate and --max-age are for --live; add it or leave them out")
    if arguments.names and (folder or arguments.labels):
        raise OvsegError(
            "--names asks for the names of the ground truth by others, for scores alone; give "
            "--out FILE.json, and no --labels"
        )
