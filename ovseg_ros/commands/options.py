"""Options that several verbs share."""

from __future__ import annotations

import argparse


def add_package_option(parser: argparse.ArgumentParser) -> None:
    """Add --package, the model package by name or folder."""
    parser.add_argument(
        "--package",
        default="tiny",
        metavar="P",
        help="name or folder of a model package (default: %(default)s)",
    )
