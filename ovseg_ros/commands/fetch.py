"""Fetch published weights: shows the licence, downloads with resume, and checks the SHA-256.
Without NAME it lists what there is."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovseg_ros.weights.fetch import Fetched
    from ovseg_ros.weights.recipe import Recipe

NAME = "fetch"
HELP = "fetch published weights, from the network or a local copy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a recipe, or a file that holds one"
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SOURCE",
        help="a file, a folder, or an http(s) address (a folder where it ends in '/'), "
        "instead of the published address",
    )
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="default: ovseg_ros/weights/NAME in the user's cache"
    )
    parser.add_argument(
        "--sha256", type=str.lower, metavar="HEX", help="what the file must hash to"
    )
    parser.add_argument("--yes", action="store_true", help="accept the licence without a question")


def run(arguments: argparse.Namespace) -> int:
    """Fetch one file, or list the recipes."""
    from ovseg_ros.commands.progress import byte_bar
    from ovseg_ros.weights.fetch import fetch, present, weights_folder
    from ovseg_ros.weights.recipe import find_recipe

    if arguments.name is None:
        _list_recipes()
        return 0
    recipe = find_recipe(arguments.name)
    folder = arguments.to or weights_folder(recipe)
    fetched = present(recipe, folder, arguments.sha256)
    if fetched is None:
        _accept_licence(recipe, folder, arguments.yes)
        with byte_bar(recipe.file) as progress:
            fetched = fetch(recipe, folder, progress, arguments.source, arguments.sha256)
    _report(fetched)
    return 0


def _list_recipes() -> None:
    from ovseg_ros.weights.recipe import read_recipe, recipe_files

    for path in recipe_files().values():
        recipe = read_recipe(path)
        print(f"{recipe.name:<18} {recipe.size:>9}  {recipe.license}  {recipe.summary}")


def _accept_licence(recipe: Recipe, folder: Path, accepted: bool) -> None:
    """Show what is going to be fetched under which licence; raises unless it is accepted."""
    from ovseg_ros.errors import WeightsError

    print(f"{recipe.name}: {recipe.summary}")
    print(f"  {recipe.paper}\n  {recipe.page}")
    print(f"  {recipe.file}, {recipe.size}, into {folder}\n")
    print(recipe.license_text)
    if accepted:
        return
    if not sys.stdin.isatty():
        raise WeightsError(
            "nobody is there to accept the licence, because the input is not a terminal; "
            "nothing was fetched. Read it above, and accept it with --yes"
        )
    try:
        answer = input(f"Fetch {recipe.file} under this licence ({recipe.license})? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise WeightsError("the licence was not accepted; nothing was fetched")


def _report(fetched: Fetched) -> None:
    print(f"{fetched.path}\n  from: {fetched.source}\n  SHA-256: {fetched.sha256}")
    print(f"  proven by {fetched.proof.value}")
