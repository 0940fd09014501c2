"""Segment image files: one mono8 PNG of label ids per image, and labels.json (id to name)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ovseg_ros.commands.options import (
    add_adapter_options,
    add_engine_options,
    add_package_option,
    engine_of,
)

NAME = "segment"
HELP = "segment image files into masks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("images", nargs="+", metavar="IMAGES", help="files, folders or patterns")
    parser.add_argument(
        "--labels", required=True, help="the query, for example 'car; person|pedestrian; !sky'"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for masks")
    add_package_option(parser)
    add_engine_options(parser)
    add_adapter_options(parser, "auto")


def run(arguments: argparse.Namespace) -> int:
    """Segment the images; 1 where some of them could not be read."""
    from ovseg_ros.adapted_images import AdaptedImages
    from ovseg_ros.batch import refuse_shared_stems, segment_files
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.image_files import find_images
    from ovseg_ros.segmenter import Segmenter

    engine = engine_of(arguments)
    images = find_images(arguments.images)
    refuse_shared_stems(images)
    with Segmenter.open(arguments.package, engine=engine, camera_px=arguments.camera) as segmenter:
        segmenter.set_query(arguments.labels)
        adapted = AdaptedImages(segmenter, arguments.adapters, arguments.adapter_dir)
        with progress_bar("segmenting", len(images)) as advance:
            result = segment_files(
                segmenter, images, arguments.out, lambda _: advance(), adapted.infer
            )
    print(f"{len(result.masks)} of {len(images)} images segmented into {arguments.out}")
    for failure in result.failures:
        print(f"ovseg segment: {failure}", file=sys.stderr)
    return 1 if result.failures else 0
