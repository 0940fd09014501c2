"""Show a model package or a built engine: what it is, and whether its hashes hold.

Of a package: its card and the sizes of its files. Of an engine, given by its folder or a file in
it: its sidecar and what it is made of, layer by layer. Exit code 1: the engine was altered.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ovseg_ros.packages import ModelPackage

_LONGEST_LIST = 16

NAME = "inspect"
HELP = "show and verify a model package or a built engine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument(
        "package",
        metavar="PACKAGE",
        help="name or folder of a model package; or an engine: its folder or a file in it",
    )
    parser.add_argument(
        "--layers",
        type=int,
        default=60,
        metavar="N",
        help="rows of an engine's layer table, 0 for all (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Verify the package or the engine and print what is known of it."""
    from ovseg_ros.commands.inspect_engine import engine_folder, show_engine
    from ovseg_ros.packages import ModelPackage

    folder = engine_folder(arguments.package)
    if folder is not None:
        return 0 if show_engine(folder, arguments.layers) else 1
    print(describe(ModelPackage.load(arguments.package)))
    return 0


def describe(package: ModelPackage) -> str:
    """Return the card, the files with sizes in bytes and SHA-256, and the verdict, as text."""
    import yaml

    fields = {key: _shortened(v) for key, v in package.card.raw.items() if key != "files"}
    lines = [f"package at {package.folder}", "", yaml.safe_dump(fields, sort_keys=False), "files:"]
    total_bytes = 0
    for name, digest in sorted(package.card.files.items()):
        size_bytes = (package.folder / name).stat().st_size
        total_bytes += size_bytes
        lines.append(f"  {name:<32} {size_bytes:>12,} bytes  sha256 {digest[:16]}...")
    lines.append(
        f"{len(package.card.files)} files, {total_bytes / 1e6:.1f} MB, every hash as on the card"
    )
    return "\n".join(lines)


def _shortened(value: Any) -> Any:
    """Cut long lists, so that a card with hundreds of names or sites stays readable."""
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list) and len(value) > _LONGEST_LIST:
        return [*value[: _LONGEST_LIST - 1], f"... ({len(value)} in all)"]
    return value
