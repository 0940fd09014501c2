"""Command line of the simulated world: ``python -m ovseg_train.world render|bag``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ovseg_train.world.bag import write_drive_bag
from ovseg_train.world.dataset import RenderPlan, render_set
from ovseg_train.world.drive import DrivePlan
from ovseg_train.world.gl import RenderingUnavailableError
from ovseg_train.world.ground import SceneKind
from ovseg_train.world.looks import USUAL_LOOKS, Look


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) > 0 and int(height) > 0):
        raise argparse.ArgumentTypeError(f"size is {text!r}; want WIDTHxHEIGHT, such as 480x360")
    return int(width), int(height)


def _look(text: str) -> Look:
    try:
        return Look(text)
    except ValueError:
        valid = ", ".join(look.value for look in Look)
        raise argparse.ArgumentTypeError(f"look is {text!r}; valid looks: {valid}") from None


def _kind(text: str) -> SceneKind:
    try:
        return SceneKind(text)
    except ValueError:
        valid = ", ".join(kind.value for kind in SceneKind)
        raise argparse.ArgumentTypeError(f"kind is {text!r}; valid kinds: {valid}") from None


def build_parser() -> argparse.ArgumentParser:
    """The command line's options."""
    parser = argparse.ArgumentParser(prog="python -m ovseg_train.world", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    render = commands.add_parser("render", help="render a labelled image set")
    render.add_argument("--out", type=Path, required=True, help="folder of the set")
    render.add_argument("--scenes", type=int, default=350, help="training scenes (350)")
    render.add_argument("--frames", type=int, default=12, help="frames of each (12)")
    render.add_argument("--val-scenes", type=int, default=25, help="held-out scenes (25)")
    render.add_argument("--val-frames", type=int, default=6, help="frames of each (6)")
    render.add_argument("--size", type=_size, default=(480, 360), help="WIDTHxHEIGHT (480x360)")
    render.add_argument("--seed", type=int, default=0, help="0..9999; another set (0)")
    render.add_argument(
        "--looks",
        type=_look,
        nargs="+",
        default=list(USUAL_LOOKS),
        metavar="LOOK",
        help="looks to draw from: day, dusk, fog, night, rain (all but rain)",
    )
    render.add_argument(
        "--kinds",
        type=_kind,
        nargs="+",
        default=list(SceneKind),
        metavar="KIND",
        help="places to draw from: street, yard, park, mixed (all)",
    )
    bag = commands.add_parser("bag", help="write the demo drive as a ROS 2 bag")
    bag.add_argument("--out", type=Path, required=True, help="folder of the bag, not there yet")
    bag.add_argument("--size", type=_size, default=(640, 480), help="WIDTHxHEIGHT (640x480)")
    bag.add_argument("--seed", type=int, default=0, help="0..9999; another drive (0)")
    bag.add_argument("--frames-per-look", type=int, default=34, help="of four looks (34)")
    return parser


def _run(options: argparse.Namespace) -> None:
    if options.command == "bag":
        write_drive_bag(DrivePlan(options.seed, options.size, options.frames_per_look), options.out)
        return
    plan = RenderPlan(
        train_scenes=options.scenes,
        train_frames=options.frames,
        val_scenes=options.val_scenes,
        val_frames=options.val_frames,
        size_px=options.size,
        seed=options.seed,
        looks=tuple(options.looks),
        kinds=tuple(options.kinds),
    )
    render_set(plan, options.out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    try:
        _run(build_parser().parse_args(arguments))
    except (RenderingUnavailableError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
