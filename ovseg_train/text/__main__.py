"""Command line of the text tower: `python -m ovseg_train.text train | evaluate`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ovseg_ros.errors import OvsegError
from ovseg_train.text.wordnet import DEBIAN_FOLDER


def main(arguments: list[str] | None = None) -> int:
    """Runs a verb; returns the exit code, 1 with a sentence on stderr when it was refused."""
    options = _parser().parse_args(arguments)
    try:
        if options.verb == "train":
            _train(options)
        else:
            _evaluate(options)
    except OvsegError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ovseg_train.text", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="train the tower and write text.onnx and its tables")
    train.add_argument(
        "--out", type=Path, required=True, help="folder for the files; resumes there"
    )
    train.add_argument("--steps", type=int, default=3000, help="optimiser steps (default 3000)")
    train.add_argument("--threads", type=int, default=1, help="CPU threads (default 1)")
    train.add_argument("--wordnet", type=Path, default=DEBIAN_FOLDER, help="folder with data.noun")
    train.add_argument(
        "--hold-out",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the CLIP names kept from training and measured (default 0: train on all)",
    )
    evaluate = verbs.add_parser("evaluate", help="measure concepts, synonyms and held-out names")
    evaluate.add_argument("--package", type=Path, required=True, help="folder with text.onnx")
    for verb in (train, evaluate):
        verb.add_argument(
            "--clip-names", type=Path, required=True, help=".npz with names [M] and emb [M, 512]"
        )
    return parser


def _train(options: argparse.Namespace) -> None:
    from ovseg_train.text.recipe import Recipe, run_recipe

    run_recipe(
        Recipe(
            clip_names=options.clip_names,
            wordnet=options.wordnet,
            out=options.out,
            steps=options.steps,
            hold_out=options.hold_out,
            threads=options.threads,
        )
    )


def _evaluate(options: argparse.Namespace) -> None:
    from ovseg_train.text.report import print_report

    print_report(options.package, options.clip_names)


if __name__ == "__main__":
    sys.exit(main())
