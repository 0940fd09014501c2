"""Measure on this machine, against the bare ONNX Runtime call, and write the numbers down."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovseg_ros.commands.options import add_package_option

if TYPE_CHECKING:
    from ovseg_ros.bench.results import BenchResult

NAME = "bench"
HELP = "measure latency against labels, the node, and changes of query"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb, one sub-verb per benchmark."""
    kinds = parser.add_subparsers(dest="kind", metavar="WHAT", required=True)
    labels = kinds.add_parser("labels", help="latency against the number of labels")
    labels.add_argument("--calls", type=_positive, default=40, help="per number of labels")
    node = kinds.add_parser("node", help="camera, node and recorder at 15 Hz")
    node.add_argument("--seconds", type=_positive, default=60, help="length of the stream")
    query = kinds.add_parser("query", help="from a new query to the first mask under it")
    query.add_argument("--changes", type=_positive, default=100, help="how many changes of query")
    for kind, measure in ((labels, _labels), (node, _node), (query, _query)):
        add_package_option(kind)
        kind.add_argument("--bag", type=Path, metavar="PATH", help="frames of another drive")
        kind.add_argument(
            "--out",
            type=Path,
            default=Path("docs") / "benchmarks",
            metavar="DIR",
            help="default: %(default)s",
        )
        kind.set_defaults(measure=measure)


def run(arguments: argparse.Namespace) -> int:
    """Run one benchmark; 1 where a claim is not met."""
    from ovseg_ros.bench.results import write_result
    from ovseg_ros.packages import ModelPackage

    card = ModelPackage.load(arguments.package).card
    result: BenchResult = arguments.measure(arguments)
    command = shlex.join(["ovseg", *sys.argv[1:]])
    page = write_result(result, arguments.out, command, card.name)
    print(page.read_text(encoding="utf-8"))
    missed = [claim for claim in result.claims if not claim.met]
    for claim in missed:
        print(f"ovseg bench: {claim.what}: {claim.wanted}; found {claim.found}", file=sys.stderr)
    return 1 if missed else 0


def _labels(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.labels import LABEL_COUNTS, bench_labels
    from ovseg_ros.bench.material import scaled_frames
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.evaluation.drive import open_drive
    from ovseg_ros.segmenter import Segmenter

    frames = scaled_frames(open_drive(_drive(arguments)))
    total = len(LABEL_COUNTS) * arguments.calls
    with (
        Segmenter.open(arguments.package) as segmenter,
        progress_bar("timing", total) as advance,
    ):
        return bench_labels(segmenter, frames, arguments.calls, advance)


def _node(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.node import bench_node

    return _on_the_graph(bench_node, arguments, arguments.seconds)


def _query(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.query import bench_query

    return _on_the_graph(bench_query, arguments, arguments.changes)


def _on_the_graph(measure: Any, arguments: argparse.Namespace, amount: int) -> BenchResult:
    import tempfile

    from rich.console import Console

    from ovseg_ros.demo.live import LiveView

    with (
        tempfile.TemporaryDirectory(prefix="ovseg_bench_") as work,
        LiveView(Console(stderr=True)) as view,
    ):
        result: BenchResult = measure(
            _drive(arguments), arguments.package, amount, Path(work), view.show
        )
    return result


def _drive(arguments: argparse.Namespace) -> Path:
    from ovseg_ros.evaluation.drive import default_bag

    return arguments.bag or default_bag()


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value
