"""Domain adapters: list, add, remove and verify those of a package, or import published ones.

They are in the folder --adapter-dir, by default `adapters` in the package.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ovseg_ros.commands.options import add_package_option

if TYPE_CHECKING:
    from ovseg_ros.adapters.adapter import AdapterInfo
    from ovseg_ros.adapters.domain import DomainStatistics
    from ovseg_ros.adapters.library import AdapterLibrary
    from ovseg_ros.adapters.shape import DomainShape

NAME = "adapters"
HELP = "list, add, remove, verify and import domain adapters"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb, one sub-verb per action."""
    actions = parser.add_subparsers(dest="action", metavar="WHAT", required=True)
    listing = actions.add_parser("list", help="what there is, and what is refused and why")
    add = actions.add_parser("add", help="check adapter files and copy them in")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a .safetensors file")
    remove = actions.add_parser("remove", help="delete adapters")
    remove.add_argument("names", nargs="+", metavar="NAME")
    verify = actions.add_parser("verify", help="read adapters whole and check every number")
    verify.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    importing = actions.add_parser("import", help="make an adapter of one that SemLA published")
    _add_import_options(importing)
    for parser_of, act in (
        (listing, _list),
        (add, _add),
        (remove, _remove),
        (verify, _verify),
        (importing, _import),
    ):
        add_package_option(parser_of)
        parser_of.add_argument(
            "--adapter-dir", type=Path, metavar="DIR", help="default: adapters in the package"
        )
        parser_of.set_defaults(act=act)
    for parser_of in (add, importing):
        parser_of.add_argument(
            "--replace", action="store_true", help="replace an adapter of the same name"
        )


def _add_import_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="adapter_model.safetensors")
    parser.add_argument("--domain", required=True, metavar="NAME", help="its domain")
    parser.add_argument("--name", metavar="NAME", help="its name (default: the domain)")
    scenes = parser.add_mutually_exclusive_group()
    scenes.add_argument(
        "--statistics",
        type=Path,
        metavar="NPZ",
        help="centroid of the domain; used where it is in the embedding of this package",
    )
    scenes.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help="pictures of the domain, to compute the centroid in the embedding of this package",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do one action; 1 where an adapter is refused."""
    return int(arguments.act(arguments, _open(arguments)))


def _open(arguments: argparse.Namespace) -> AdapterLibrary:
    from ovseg_ros.adapters.library import FOLDER_NAME, AdapterLibrary
    from ovseg_ros.packages import find_package, read_card

    package = find_package(arguments.package)
    folder = arguments.adapter_dir or package / FOLDER_NAME
    return AdapterLibrary.open(folder, read_card(package))


def _list(arguments: argparse.Namespace, library: AdapterLibrary) -> int:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "domain", "rank", "frames", "spread", "sites", "data")
    for info in library.infos():
        spread = "pinned only" if info.spread is None else f"{info.spread:.3g}"
        kind = "synthetic" if info.synthetic else "real"
        numbers = (str(info.rank), str(info.count), spread, str(len(info.sites)))
        table.add_row(info.name, info.domain, *numbers, kind)
    if len(library.index):
        Console().print(table)
    print(library.state)
    _report_refused(library)
    return 0


def _add(arguments: argparse.Namespace, library: AdapterLibrary) -> int:
    from ovseg_ros.adapters.file import add_file
    from ovseg_ros.output import make_folder

    make_folder(library.folder)
    for file in arguments.files:
        path = add_file(file, library.folder, library.target, arguments.replace)
        print(f"{path.stem}: added as {path}")
    return 0


def _remove(arguments: argparse.Namespace, library: AdapterLibrary) -> int:
    from ovseg_ros.packages import find_package

    package = find_package(arguments.package)
    for name in arguments.names:
        _refuse_sealed(package, library.path(name))
        print(f"{name}: removed {library.remove(name)}")
    return 0


def _refuse_sealed(package: Path, path: Path) -> None:
    """A package without a file that its card lists cannot be loaded any more."""
    from ovseg_ros.errors import AdapterError
    from ovseg_ros.packages import read_card

    if path.is_relative_to(package) and str(path.relative_to(package)) in read_card(package).files:
        raise AdapterError(
            f"{path} belongs to the package as it was sealed, which cannot be loaded without it; "
            "to do without, give the adapters that you want in a folder with --adapter-dir"
        )


def _verify(arguments: argparse.Namespace, library: AdapterLibrary) -> int:
    from ovseg_ros.errors import AdapterError

    failed = 0
    for name in arguments.names or sorted({*library.names, *library.refused}):
        try:
            info = library.adapter(name).info
        except AdapterError as error:
            failed += 1
            print(f"{name}: {error}", file=sys.stderr)
        else:
            scenes = _scenes(info, library.shape(name))
            print(f"{name}: sound, {len(info.sites)} sites, rank {info.rank}, {scenes}")
    if not arguments.names:
        print(library.state)
    return 1 if failed else 0


def _scenes(info: AdapterInfo, shape: DomainShape | None) -> str:
    if info.spread is None:
        return "pinned only"
    return f"scenes in a shape of {len(shape.axes)} axes" if shape else "scenes in a ball"


def _import(arguments: argparse.Namespace, library: AdapterLibrary) -> int:
    from ovseg_ros.adapters.semla import import_published, read_published, read_statistics
    from ovseg_ros.output import make_folder

    target, domain = library.target, arguments.domain
    published = read_published(arguments.file)
    statistics = None
    if arguments.statistics:
        statistics = read_statistics(arguments.statistics, target)
    elif arguments.images:
        statistics = _statistics_of(arguments.images, arguments.package)
    make_folder(library.folder)
    name = arguments.name or domain
    path = import_published(
        published, library.folder, target, name, domain, statistics, arguments.replace
    )
    print(f"{name}: {published}\n  {path}")
    if statistics is None:
        given = f"{arguments.statistics} is not" if arguments.statistics else "no centroid is"
        print(
            f"  {given} in the scene embedding of package '{target.package}' ({target.scene_dim} "
            "numbers): it can be pinned but is never chosen by the scene; import it again with "
            "--images DIR, pictures of the domain, to change that"
        )
    return 0


def _statistics_of(folder: Path, package: str) -> DomainStatistics:
    import numpy as np

    from ovseg_ros.adapters.domain import DomainStatistics, frame_fault
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.image_files import find_images, read_rgb
    from ovseg_ros.segmenter import Segmenter

    paths, embeddings = find_images([str(folder)]), []
    with (
        Segmenter.open(package, "thing") as segmenter,
        progress_bar("looking at scenes", len(paths)) as advance,
    ):
        for path in paths:
            image = read_rgb(path)
            if not frame_fault(image):
                embeddings.append(segmenter.infer(image).embedding)
            advance()
    return DomainStatistics.of(np.array(embeddings))


def _report_refused(library: AdapterLibrary) -> None:
    for name, reason in library.refused.items():
        print(f"refused: {name}: {reason}", file=sys.stderr)
