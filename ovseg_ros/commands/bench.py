"""Measure on this machine, against a named peer in the same run, and write the numbers down."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ovseg_ros.commands.bench_options import (
    add_adapter_options,
    add_camera_options,
    add_contender_options,
    add_gpu_options,
    add_retrieval_options,
    add_soak_options,
)
from ovseg_ros.commands.options import (
    add_engine_options,
    add_package_option,
    engine_of,
    positive,
)

if TYPE_CHECKING:
    from ovseg_ros.bench.results import BenchResult

NAME = "bench"
HELP = "measure: the node, cameras, queries, the console, packages, GPUs, adapters, a soak"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb, one sub-verb per benchmark."""
    kinds = parser.add_subparsers(dest="kind", metavar="WHAT", required=True)
    labels = kinds.add_parser("labels", help="latency against the number of labels")
    labels.add_argument("--calls", type=positive, default=40, help="per number of labels")
    node = kinds.add_parser("node", help="camera, node and recorder at 15 Hz")
    node.add_argument("--seconds", type=positive, default=60, help="length of the stream")
    query = kinds.add_parser("query", help="from a new query to the first mask under it")
    query.add_argument("--changes", type=positive, default=100, help="how many changes of query")
    console = kinds.add_parser("console", help="the operator's page with 0, 1 and 5 viewers")
    console.add_argument("--seconds", type=positive, default=20, help="that count, per stretch")
    soak = kinds.add_parser("soak", help="the node for long, among faults and killed processes")
    add_soak_options(soak)
    packages = kinds.add_parser("packages", help="packages and engines side by side")
    add_contender_options(packages)
    gpu = kinds.add_parser("gpu", help="engines on one GPU side by side, and the floor under them")
    add_gpu_options(gpu)
    retrieval = kinds.add_parser("retrieval", help="choosing among many synthetic adapters")
    add_retrieval_options(retrieval)
    adapters = kinds.add_parser("adapters", help="adapters against merged weights")
    add_adapter_options(adapters)
    drive = kinds.add_parser("adapter-drive", help="how the mix follows changes of domain")
    drive.add_argument("--adapter-dir", type=Path, metavar="DIR", help="default: the package's")
    drive.add_argument("--threads", type=positive, default=0, help="default: all cores")
    switch = kinds.add_parser("switch", help="what a change of adapters costs the frames around it")
    switch.add_argument("--switches", type=positive, default=150, help="how many changes")
    points = kinds.add_parser("points", help="labelled points beside inference")
    points.add_argument("--calls", type=positive, default=100, help="per encoding of depth")
    cameras = kinds.add_parser("cameras", help="two cameras in one node against two nodes")
    add_camera_options(cameras)
    for kind in (labels, points, cameras):
        add_engine_options(kind)
    for kind, measure in (
        (labels, _labels),
        (node, _node),
        (query, _query),
        (console, _console),
        (soak, _soak),
        (packages, _packages),
        (gpu, _gpu),
        (retrieval, _retrieval),
        (adapters, _adapters),
        (drive, _adapter_drive),
        (switch, _switch),
        (points, _points),
        (cameras, _cameras),
    ):
        if kind is not packages:
            add_package_option(kind)
        if kind is not retrieval:
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

    asked = _asked(arguments)
    names = ", ".join(ModelPackage.load(name).card.name for name in asked)
    result: BenchResult = arguments.measure(arguments)
    command = shlex.join(["ovseg", *sys.argv[1:]])
    page = write_result(result, arguments.out, command, names)
    print(page.read_text(encoding="utf-8"))
    missed = [claim for claim in result.claims if not claim.met]
    for claim in missed:
        print(f"ovseg bench: {claim.what}: {claim.wanted}; found {claim.found}", file=sys.stderr)
    return 1 if missed else 0


def _asked(arguments: argparse.Namespace) -> list[str]:
    """Return the packages asked for; all benchmarks but one take a single one."""
    from ovseg_ros.packages import DEFAULT_PACKAGE

    asked = arguments.package or [DEFAULT_PACKAGE]
    return [asked] if isinstance(asked, str) else asked


def _labels(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.labels import LABEL_COUNTS, bench_labels
    from ovseg_ros.bench.material import scaled_frames
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.evaluation.drive import open_drive
    from ovseg_ros.segmenter import Segmenter

    engine = engine_of(arguments)
    frames = scaled_frames(open_drive(_drive(arguments)))
    total = len(LABEL_COUNTS) * arguments.calls
    with (
        Segmenter.open(arguments.package, engine=engine, camera_px=arguments.camera) as segmenter,
        progress_bar("timing", total) as advance,
    ):
        return bench_labels(segmenter, frames, arguments.calls, advance)


def _points(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.material import scaled_frames
    from ovseg_ros.bench.points import bench_points
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.evaluation.drive import open_drive
    from ovseg_ros.points.depth import DepthEncoding
    from ovseg_ros.segmenter import Segmenter

    engine = engine_of(arguments)
    frames = scaled_frames(open_drive(_drive(arguments)))
    with (
        Segmenter.open(arguments.package, engine=engine, camera_px=arguments.camera) as segmenter,
        progress_bar("timing", len(DepthEncoding) * arguments.calls) as advance,
    ):
        return bench_points(segmenter, frames, arguments.calls, advance)


def _node(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.node import bench_node

    return _on_the_graph(bench_node, arguments, arguments.seconds)


def _query(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.query import bench_query

    return _on_the_graph(bench_query, arguments, arguments.changes)


def _console(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.console import bench_console

    return _on_the_graph(bench_console, arguments, arguments.seconds)


def _soak(arguments: argparse.Namespace) -> BenchResult:
    import tempfile

    from ovseg_ros.bench.soak.run import bench_soak
    from ovseg_ros.commands.progress import progress_bar

    minutes, drive = arguments.minutes, _drive(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="ovseg_bench_") as work,
        progress_bar("soaking, seconds", 60 * minutes) as advance,
    ):
        try:
            return bench_soak(
                drive, arguments.package, minutes, arguments.seed, Path(work), advance
            )
        finally:
            if arguments.logs:
                _keep_logs(Path(work), arguments.logs)


def _keep_logs(work: Path, folder: Path) -> None:
    from ovseg_ros.output import make_folder, write_file

    make_folder(folder)
    for log in work.glob("*.log"):
        write_file(folder / log.name, log.read_bytes())


def _packages(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.contender import ContenderSpec
    from ovseg_ros.bench.material import scaled_frames
    from ovseg_ros.bench.packages import FRAMES, LABEL_COUNTS, bench_packages
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.engine.choice import EngineChoice
    from ovseg_ros.evaluation.drive import open_drive

    engines = [EngineChoice.parse(text) for text in arguments.engine or ["onnxruntime"]]
    specs = [
        ContenderSpec(package, engine, arguments.threads)
        for package in dict.fromkeys(_asked(arguments))
        for engine in dict.fromkeys(engines)
    ]
    counts = arguments.labels or LABEL_COUNTS
    frames = scaled_frames(open_drive(_drive(arguments)))
    frames = frames[:: max(1, len(frames) // FRAMES)][:FRAMES]
    with progress_bar("timing", len(counts) * arguments.calls) as advance:
        return bench_packages(specs, frames, counts, arguments.calls, advance)


def _gpu(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.bench.gpu import (
        LABEL_COUNTS,
        bench_gpu,
        contender,
        rounds_of,
        usual_contenders,
    )
    from ovseg_ros.bench.material import scaled_frames
    from ovseg_ros.bench.packages import FRAMES
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.engine.choice import EngineChoice
    from ovseg_ros.engine.profile import camera_from_text
    from ovseg_ros.evaluation.drive import open_drive

    device, camera_px = arguments.device, camera_from_text(arguments.camera)
    engines = [EngineChoice.parse(f"{text}@{device}") for text in arguments.engine or ()]
    specs = [
        contender(arguments.package, engine, camera_px) for engine in dict.fromkeys(engines)
    ] or usual_contenders(arguments.package, device, camera_px)
    counts = arguments.labels or LABEL_COUNTS
    frames = scaled_frames(open_drive(_drive(arguments)), camera_px)
    frames = frames[:: max(1, len(frames) // FRAMES)][:FRAMES]
    with progress_bar("timing", len(set(counts)) * rounds_of(arguments.calls)) as advance:
        return bench_gpu(specs, frames, counts, arguments.calls, device, advance)


def _retrieval(arguments: argparse.Namespace) -> BenchResult:
    import tempfile

    from ovseg_ros.bench.retrieval import ADAPTER_COUNTS, bench_retrieval
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.packages import ModelPackage

    counts = arguments.adapters or ADAPTER_COUNTS
    card = ModelPackage.load(arguments.package).card
    with (
        tempfile.TemporaryDirectory(prefix="ovseg_bench_") as work,
        progress_bar("writing adapters", sum(counts)) as advance,
    ):
        return bench_retrieval(card, Path(work), counts, arguments.queries, advance)


def _adapters(arguments: argparse.Namespace) -> BenchResult:
    import tempfile

    from ovseg_ros.bench.adapters import bench_adapters
    from ovseg_ros.bench.material import scaled_frames
    from ovseg_ros.bench.packages import FRAMES
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.engine.choice import EngineChoice
    from ovseg_ros.evaluation.drive import open_drive
    from ovseg_ros.packages import ModelPackage

    engines = [EngineChoice.parse(text) for text in arguments.engine or ["onnxruntime"]]
    package = ModelPackage.load(arguments.package)
    frames = scaled_frames(open_drive(_drive(arguments)))
    frames = frames[:: max(1, len(frames) // FRAMES)][:FRAMES]
    calls, threads = arguments.calls, arguments.threads
    with (
        tempfile.TemporaryDirectory(prefix="ovseg_bench_") as work,
        progress_bar("timing", len(engines) * (calls + 3)) as advance,
    ):
        return bench_adapters(package, engines, frames, calls, Path(work), threads, advance)


def _adapter_drive(arguments: argparse.Namespace) -> BenchResult:
    from itertools import groupby

    from ovseg_ros.adapters.library import AdapterLibrary, adapter_folder
    from ovseg_ros.adapters.retrieval import BaseDomain
    from ovseg_ros.bench.adapter_drive import bench_adapter_drive, total_frames
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.evaluation.drive import open_drive
    from ovseg_ros.image_files import decode_rgb
    from ovseg_ros.packages import ModelPackage
    from ovseg_ros.segmenter import Segmenter

    package = ModelPackage.load(arguments.package)
    folder = adapter_folder(package, arguments.adapter_dir)
    library = AdapterLibrary.open(folder, package.card)
    frames = [(f.domain, decode_rgb(f.image)) for f in open_drive(_drive(arguments)).frames]
    stages = sum(1 for _ in groupby(domain for domain, _ in frames))
    with (
        Segmenter.open(package.folder, "road", threads=arguments.threads) as segmenter,
        progress_bar("following", total_frames(stages)) as advance,
    ):
        base = BaseDomain.of(package.card)
        return bench_adapter_drive(segmenter, library, frames, base, advance)


def _switch(arguments: argparse.Namespace) -> BenchResult:
    from ovseg_ros.adapters.library import AdapterLibrary, adapter_folder
    from ovseg_ros.bench.switch import bench_switch
    from ovseg_ros.packages import ModelPackage

    package = ModelPackage.load(arguments.package)
    library = AdapterLibrary.open(adapter_folder(package, None), package.card)
    adapters = [info.name for info in library.infos() if "anchor" not in info.metrics]

    def measure(drive: Path, name: str, switches: int, work: Path, on_event: Any) -> BenchResult:
        return bench_switch(drive, name, adapters, switches, work, on_event)

    return _on_the_graph(measure, arguments, arguments.switches)


def _cameras(arguments: argparse.Namespace) -> BenchResult:
    import tempfile

    from ovseg_ros.bench.cameras import LAYOUTS, bench_cameras
    from ovseg_ros.commands.progress import progress_bar

    drive, package, engine = _drive(arguments), arguments.package, engine_of(arguments)
    seconds, rounds = arguments.seconds, arguments.rounds
    with (
        tempfile.TemporaryDirectory(prefix="ovseg_bench_") as work,
        progress_bar("rounds", rounds * len(LAYOUTS)) as advance,
    ):
        return bench_cameras(
            drive, package, engine, arguments.rate_hz, seconds, rounds, Path(work), advance
        )


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
