"""`ovseg`: the command line. Each verb is a module of `ovseg_ros.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ovseg_ros import __version__
from ovseg_ros.commands import (
    adapters,
    bag,
    bench,
    build,
    calibrate,
    check,
    console,
    convert,
    demo,
    doctor,
    evaluate,
    fetch,
    inspect,
    segment,
)
from ovseg_ros.errors import OvsegError
from ovseg_ros.interrupts import interruptible

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130
_VERBS = (
    segment,
    evaluate,
    bag,
    demo,
    console,
    bench,
    build,
    check,
    calibrate,
    fetch,
    convert,
    adapters,
    inspect,
    doctor,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code.

    0: done. 1: it ran, and something it was asked for failed. 2: it was refused, with the reason
    as one line on stderr. 130: interrupted, by Ctrl-C or SIGTERM.
    """
    parsed = build_parser().parse_args(arguments)
    try:
        with interruptible():
            return int(parsed.run(parsed))
    except OvsegError as error:
        print(f"ovseg {parsed.verb}: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except KeyboardInterrupt:
        print(f"ovseg {parsed.verb}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every verb; importing what a verb works with is left to the verb."""
    parser = argparse.ArgumentParser(
        prog="ovseg",
        description="Open-vocabulary segmentation for robots: a camera frame and words in, "
        "a label mask out.",
    )
    parser.add_argument("--version", action="version", version=f"ovseg {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in _VERBS:
        verb_parser = verbs.add_parser(verb.NAME, help=verb.HELP, description=verb.__doc__)
        verb.add_arguments(verb_parser)
        verb_parser.set_defaults(run=verb.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
