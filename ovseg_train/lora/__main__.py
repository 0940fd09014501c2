"""`ovseg-train lora`: an adapter for a domain, from labelled frames or from a bag without any."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ovseg_ros.adapters.library import adapter_folder
from ovseg_ros.commands.options import add_package_option, positive
from ovseg_ros.errors import OvsegError
from ovseg_ros.interrupts import interruptible
from ovseg_ros.packages import ModelPackage
from ovseg_train.lora.job import Job, Result, train_adapter
from ovseg_train.lora.material import labelled_material, self_made_material
from ovseg_train.lora.progress import Ending
from ovseg_train.lora.recipe import LoraRecipe, load_recipe

# A model that learns from labels of its own making learns its mistakes too: it is moved little.
_SELF_MADE_STEPS, _SELF_MADE_RATE = 0.3, 1 / 6


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns 0, 1 where training broke off and its last good factors were kept, 2 where refused.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    start_s = time.monotonic()
    try:
        _refuse_odd(arguments)
        if arguments.threads is not None:
            torch.set_num_threads(arguments.threads)
        with interruptible():
            result = train_adapter(_job(arguments), _say)
    except OvsegError as error:
        print(f"ovseg-train lora: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            "ovseg-train lora: interrupted; the same command with --resume goes on from the last "
            "checkpoint",
            file=sys.stderr,
        )
        return 130
    _report(result, time.monotonic() - start_s)
    return 1 if result.progress.ending is Ending.NOT_FINITE else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ovseg-train lora", description=__doc__)
    add_package_option(parser)
    parser.add_argument("--domain", required=True, help="the domain that the adapter is for")
    parser.add_argument("--name", help="name of the adapter (default: made of the domain)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="adapter folder (default: that of the package)"
    )
    _add_data_options(parser)
    _add_training_options(parser)
    return parser


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("frames")
    source = group.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="DIR", help="labelled folder")
    source.add_argument("--bag", type=Path, help="bag without labels: the model labels it itself")
    source.add_argument("--images", type=Path, metavar="DIR", help="the same, of successive images")
    group.add_argument("--frames", type=positive, metavar="K", help="take K, spread over all")
    group.add_argument("--seed", type=int, default=0, help="which K, and all else that is random")
    group.add_argument("--split", default="", help="of items.json (default: any)")
    group.add_argument(
        "--from-domain",
        metavar="D",
        help="domain of the frames in items.json or the bag, 'all' for any (default: with --data "
        "that of --domain, else all)",
    )
    group.add_argument("--sequence", default="", help="of items.json (default: any)")
    group.add_argument("--labels", default="", help="what to look for, with --bag or --images")
    group.add_argument(
        "--confidence",
        type=float,
        default=0.9,
        help="from which the model believes itself, 0..1 (default: %(default)s)",
    )
    group.add_argument(
        "--teacher", type=Path, metavar="FILE", help="adapter under which it labels (default: none)"
    )
    group.add_argument("--synthetic", action="store_true", help="frames are rendered or altered")
    group.add_argument(
        "--test-rest",
        action="store_true",
        help="measure base and adapter on the frames that --frames left over",
    )


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")
    group.add_argument("--rank", type=positive, default=8, help="(default: %(default)s)")
    group.add_argument("--alpha", type=float, default=16.0, help="(default: %(default)s)")
    group.add_argument(
        "--sites",
        nargs="+",
        default=[],
        metavar="GROUP",
        help="what to change, such as: neck embed",
    )
    group.add_argument("--steps", type=positive, help="(default: that of the recipe)")
    group.add_argument("--batch", type=positive, help="frames in a step")
    group.add_argument("--learning-rate", type=float, metavar="R", help="at its highest")
    group.add_argument(
        "--hold-out",
        type=float,
        metavar="SHARE",
        help="of the frames, to stop early by (default: that of the recipe; of few frames none)",
    )
    group.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="processor threads (default: all cores; on cores that others use, fewer are faster)",
    )
    group.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")


def _refuse_odd(arguments: argparse.Namespace) -> None:
    """Raise `OvsegError` for options that do not go together, or numbers out of range."""
    unlabelled = arguments.data is None
    if unlabelled and not arguments.labels:
        raise OvsegError("frames without labels need --labels, such as 'car; person|pedestrian'")
    if not unlabelled and (arguments.labels or arguments.teacher):
        raise OvsegError("--labels and --teacher are for frames without labels, not for --data")
    if arguments.test_rest and (unlabelled or arguments.frames is None):
        raise OvsegError("--test-rest needs --data and --frames, which leaves a rest")
    if arguments.seed < 0:
        raise OvsegError(f"--seed {arguments.seed} is not from 0 up")
    if not 0 <= arguments.confidence <= 1:
        raise OvsegError(f"--confidence {arguments.confidence:g} is not from 0 to 1")
    if arguments.hold_out is not None and not 0 <= arguments.hold_out <= 0.5:
        raise OvsegError(f"--hold-out {arguments.hold_out:g} is not from 0 to 0.5")
    for option in ("alpha", "learning_rate"):
        value = getattr(arguments, option)
        if value is not None and not 0 < value < float("inf"):
            words = option.replace("_", "-")
            raise OvsegError(f"--{words} {value:g} is not a finite number above 0")


def _job(arguments: argparse.Namespace) -> Job:
    package = ModelPackage.load(arguments.package)
    name = arguments.name or re.sub(r"[^A-Za-z0-9._-]+", "-", arguments.domain).strip("-._")
    recipe = _recipe(arguments, package)
    if arguments.data is not None:
        material = labelled_material(arguments)
    else:
        material = self_made_material(arguments, package)
        # On labels of its own making the base model cannot be beaten.
        recipe = replace(recipe, hold_out_share=0.0)
    return Job(
        package=package,
        name=name,
        domain=arguments.domain,
        out=adapter_folder(package, arguments.out),
        frames=material.frames,
        recipe=recipe,
        groups=arguments.sites,
        rank=arguments.rank,
        alpha=arguments.alpha,
        seed=arguments.seed,
        synthetic=arguments.synthetic,
        resume=arguments.resume,
        synonyms=material.synonyms,
        rest=material.rest if arguments.test_rest else None,
    )


def _recipe(arguments: argparse.Namespace, package: ModelPackage) -> LoraRecipe:
    recipe = load_recipe(package.card.network)
    if arguments.data is None:
        usual = recipe.network
        steps = max(1, round(_SELF_MADE_STEPS * usual.steps))
        rate = _SELF_MADE_RATE * usual.learning_rate
        recipe = replace(recipe, network=replace(usual, steps=steps, learning_rate=rate))
    asked = {
        "steps": arguments.steps,
        "batch": arguments.batch,
        "learning_rate": arguments.learning_rate,
    }
    chosen = {key: value for key, value in asked.items() if value is not None}
    recipe = replace(recipe, network=replace(recipe.network, **chosen))
    if arguments.hold_out is not None:
        recipe = replace(recipe, hold_out_share=arguments.hold_out, fewest_to_hold_out=2)
    return recipe


def _report(result: Result, seconds: float) -> None:
    info, metrics = result.info, result.info.metrics
    print(f"{result.path}: adapter '{info.name}' for the domain '{info.domain}', {seconds:.0f} s")
    print(
        f"  {metrics['ending']}: {metrics['steps']} steps, factors of step {metrics['kept_step']}"
    )
    for words, key in (
        ("training frames", "training_miou"),
        ("frames held out", "held_out_miou"),
        (f"the other {metrics.get('rest_frames')} frames", "rest_miou"),
    ):
        if metrics.get(key) is not None:
            print(
                f"  mIoU on {words}: base {metrics[f'{key}_base']:.3f}, adapted {metrics[key]:.3f}"
            )
    print(f"  scenes: {info.count} frames, spread {info.spread:.3g}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
