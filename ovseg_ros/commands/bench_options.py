"""The options of benchmarks that have many."""

from __future__ import annotations

import argparse
from pathlib import Path

from ovseg_ros.commands.options import positive


def add_contender_options(parser: argparse.ArgumentParser) -> None:
    """Add the packages, engines, numbers of labels and calls of `ovseg bench packages`."""
    parser.add_argument(
        "--package",
        action="append",
        metavar="P",
        help="name or folder of a model package; may be repeated (default: tiny)",
    )
    _add_engines(parser, "every package runs on every engine (default: onnxruntime)")
    _add_label_counts(parser, "1 8 32")
    parser.add_argument("--calls", type=positive, default=20, help="per contender and N")
    parser.add_argument(
        "--threads", type=positive, default=0, help="CPU threads of each (default: all cores)"
    )


def add_gpu_options(parser: argparse.ArgumentParser) -> None:
    """Add what `ovseg bench gpu` runs, and where."""
    parser.add_argument("--device", default="cuda", metavar="D", help="default: %(default)s")
    _add_engines(
        parser,
        "default: torch:fp32 called frame by frame, torch:fp16, and tensorrt:fp16 where TensorRT "
        "is installed",
    )
    _add_label_counts(parser, "1 8 32 128")
    parser.add_argument("--calls", type=positive, default=200, help="per contender and N")
    parser.add_argument("--camera", default="640x480", metavar="WxH", help="default: %(default)s")


def add_retrieval_options(parser: argparse.ArgumentParser) -> None:
    """Add the sizes of the libraries of `ovseg bench retrieval`."""
    parser.add_argument(
        "--adapters",
        type=positive,
        nargs="+",
        metavar="N",
        help="sizes of the libraries (default: 10 1000 100000)",
    )
    parser.add_argument("--queries", type=positive, default=100, help="per size")


def add_adapter_options(parser: argparse.ArgumentParser) -> None:
    """Add the engines and calls of `ovseg bench adapters`."""
    _add_engines(parser, "default: onnxruntime")
    parser.add_argument("--calls", type=positive, default=60, help="per contender")
    parser.add_argument("--threads", type=positive, default=0, help="default: all cores")


def add_camera_options(parser: argparse.ArgumentParser) -> None:
    """Add the rate and the length of `ovseg bench cameras`."""
    parser.add_argument("--rate-hz", type=positive, default=30, help="of each camera")
    parser.add_argument("--seconds", type=positive, default=15, help="of each round and layout")
    parser.add_argument("--rounds", type=positive, default=3, help="default: %(default)s")


def add_soak_options(parser: argparse.ArgumentParser) -> None:
    """Add the length and the faults of `ovseg bench soak`."""
    parser.add_argument("--minutes", type=positive, default=60, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the faults; default: %(default)s")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="keep what the processes printed")


def _add_engines(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument(
        "--engine",
        action="append",
        metavar="BACKEND[:PRECISION]",
        help=f"may be repeated; {meaning}",
    )


def _add_label_counts(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--labels",
        type=positive,
        nargs="+",
        metavar="N",
        help=f"numbers of labels (default: {default})",
    )
