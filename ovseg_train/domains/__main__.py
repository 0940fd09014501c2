"""`ovseg-train domains`: adapters of the domains in `domains.yaml`, and what they are worth."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.bench.adapter_drive import STAGE_FRAMES, bench_adapter_drive, total_frames
from ovseg_ros.bench.results import BenchResult, write_result
from ovseg_ros.commands.options import add_package_option, positive
from ovseg_ros.commands.progress import progress_bar
from ovseg_ros.errors import OvsegError
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmenter import Segmenter
from ovseg_train.domains.continued import continue_training
from ovseg_train.domains.domain import BaseModel, Domain, load_domains, open_domain
from ovseg_train.domains.dusk import DuskDrive
from ovseg_train.domains.gap import GapRun, train_gap_adapters
from ovseg_train.domains.gap_report import Models, measure_gap
from ovseg_train.domains.library import train_library
from ovseg_train.domains.report import domains_result
from ovseg_train.domains.scoring import score_domain
from ovseg_train.tiny.data_roots import find_data

_PAGES = Path("docs") / "benchmarks" / "domains"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, 1 where a claim is not met, 2 where refused."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.threads is not None:
            torch.set_num_threads(arguments.threads)
        code: int = arguments.run(arguments)
    except OvsegError as error:
        print(f"ovseg-train domains: {error}", file=sys.stderr)
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ovseg-train domains", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    train = verbs.add_parser("train", help="one adapter for each domain")
    train.add_argument("--out", type=Path, required=True, help="adapter folder")
    train.add_argument("--frames", type=positive, default=48, help="at most (default: %(default)s)")
    train.add_argument("--seed", type=int, default=0)
    train.set_defaults(run=_train)
    evaluate = verbs.add_parser("evaluate", help="tables of a library on all domains")
    evaluate.add_argument("--library", type=Path, required=True, help="folder of `train`")
    evaluate.add_argument(
        "--base",
        choices=[base.value for base in BaseModel],
        default=BaseModel.EMBEDDED.value,
        help="what --package is (default: %(default)s)",
    )
    evaluate.set_defaults(run=_evaluate)
    drive = verbs.add_parser("drive", help="from one domain to the next, on a simulated clock")
    drive.add_argument("--library", type=Path, required=True, help="folder of `train`")
    drive.set_defaults(run=_drive)
    for verb in (train, evaluate, drive):
        verb.add_argument("--domains", nargs="+", metavar="D", help="(default: all)")
    continued = verbs.add_parser("continue", help="train the embedded model on for some steps")
    continued.add_argument("--checkpoint", type=Path, required=True, help="finished run of `tiny`")
    continued.add_argument("--with-dusk", action="store_true", help="with the 40 dusk frames")
    continued.add_argument("--steps", type=positive, default=300, help="(default: %(default)s)")
    continued.add_argument("--seed", type=int, default=0)
    continued.add_argument("--out", type=Path, required=True, help="folder of the run")
    continued.set_defaults(run=_continue)
    gap = verbs.add_parser("gap", help="how much of the gap to dusk few frames recover")
    gap.add_argument("--frames", type=positive, nargs="+", default=[4, 16, 40], metavar="K")
    gap.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], metavar="S")
    gap.add_argument("--adapters", type=Path, required=True, help="where they are, or come to lie")
    for option in ("--saw", "--control"):
        gap.add_argument(option, type=Path, nargs="*", default=[], help="packages of `continue`")
    gap.set_defaults(run=_gap)
    for verb in (evaluate, drive, gap):
        verb.add_argument("--out", type=Path, default=_PAGES, help="(default: %(default)s)")
    for verb in (train, evaluate, drive, continued, gap):
        add_package_option(verb)
        verb.add_argument("--data", type=Path, nargs="+", required=True, help="hold the data sets")
        verb.add_argument("--threads", type=positive, help="processor threads (default: all cores)")
    return parser


def _train(arguments: argparse.Namespace) -> int:
    package = ModelPackage.load(arguments.package)
    anchored = train_library(
        _domains(arguments),
        arguments.data,
        package,
        arguments.out,
        arguments.frames,
        arguments.seed,
        _say,
    )
    print("\n".join(anchored))
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    package = ModelPackage.load(arguments.package)
    library = AdapterLibrary.open(arguments.library, package.card)
    if len(library.index) < 2:
        raise OvsegError(f"{library.state}; at least two were wanted: `ovseg-train domains train`")
    domains, settings = _domains(arguments), RetrievalSettings()
    parts = {domain.name: open_domain(domain, arguments.data).evaluate for domain in domains}
    total = sum(len(part.items) for part in parts.values())
    with (
        Segmenter.open(package.folder, threads=arguments.threads or 0) as segmenter,
        progress_bar("evaluating", total) as advance,
    ):
        scores = {
            name: score_domain(segmenter, library, name, part, settings, advance)
            for name, part in parts.items()
        }
    result = domains_result(domains, scores, library, settings, BaseModel(arguments.base))
    return _write(result, arguments, package)


def _drive(arguments: argparse.Namespace) -> int:
    package = ModelPackage.load(arguments.package)
    library = AdapterLibrary.open(arguments.library, package.card)
    frames = [
        (domain.title, item.read_image())
        for domain in _domains(arguments)
        for item in open_domain(domain, arguments.data).evaluate.items[:STAGE_FRAMES]
    ]
    stages = len({domain for domain, _ in frames})
    with (
        Segmenter.open(package.folder, "road", threads=arguments.threads or 0) as segmenter,
        progress_bar("following", total_frames(stages)) as advance,
    ):
        result = bench_adapter_drive(segmenter, library, frames, on_frame=advance)
    return _write(result, arguments, package)


def _continue(arguments: argparse.Namespace) -> int:
    folder = continue_training(
        arguments.checkpoint,
        ModelPackage.load(arguments.package),
        arguments.data,
        arguments.out,
        dusk=arguments.with_dusk,
        steps=arguments.steps,
        seed=arguments.seed,
    )
    print(folder)
    return 0


def _gap(arguments: argparse.Namespace) -> int:
    package = ModelPackage.load(arguments.package)
    camvid = find_data(arguments.data, "camvid")
    runs = [GapRun(frames, seed) for frames in arguments.frames for seed in arguments.seeds]
    train_gap_adapters(DuskDrive.of(camvid), package, arguments.adapters, runs, _say)
    models = Models(tuple(arguments.saw), tuple(arguments.control))
    threads = arguments.threads or 0
    result = measure_gap(camvid, package, arguments.adapters, runs, models, threads, _say)
    return _write(result, arguments, package)


def _domains(arguments: argparse.Namespace) -> list[Domain]:
    domains = load_domains()
    known = {domain.name for domain in domains}
    wanted = arguments.domains or known
    if unknown := set(wanted) - known:
        raise OvsegError(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return [domain for domain in domains if domain.name in wanted]


def _write(result: BenchResult, arguments: argparse.Namespace, package: ModelPackage) -> int:
    command = shlex.join(["ovseg-train", *sys.argv[1:]])
    page = write_result(result, arguments.out, command, package.card.name)
    print(page.read_text(encoding="utf-8"))
    return 0 if all(claim.met for claim in result.claims) else 1


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
