"""Make a model package of published weights. It needs torch once; the package does not."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType

from ovseg_ros.commands.options import positive
from ovseg_ros.engine.choice import ProgramPrecision

NAME = "convert"
HELP = "make a model package of published weights"
_NETWORK_HELP = (
    "catseg-base, catseg-large, maskclip-b16, maskclip-b16-laion; or catseg:TOWER, maskclip:TOWER "
    "over any plain CLIP or SigLIP of open_clip, such as maskclip:ViT-B-16-quickgelu (needs "
    "--weights, and for SigLIP --tokenizer)"
)
# The weights of a network, where they are fetched under another name.
_RECIPES = {"maskclip-b16": "clip-vit-b-16"}
_VIEWS = ("single", "sliding")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    parser.add_argument("network", metavar="NETWORK", help=_NETWORK_HELP)
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--weights", type=Path, metavar="FILE", help="default: what `ovseg fetch NETWORK` fetched"
    )
    source.add_argument(
        "--deterministic",
        action="store_true",
        help="made-up weights that need no download, for tests and benchmarks",
    )
    parser.add_argument(
        "--views",
        choices=_VIEWS,
        default="single",
        help="single: the whole frame at once; "
        "sliding: five views, five times the work (default: %(default)s)",
    )
    parser.add_argument(
        "--most-labels",
        type=positive,
        metavar="K",
        help="aggregate the K most promising labels of a frame and reject the others before "
        "(single view; default: all)",
    )
    parser.add_argument(
        "--at-once",
        action="store_true",
        help="work on all labels at once, which takes memory with every label: for GPUs and for "
        "bf16 on OpenVINO (default: one after the other)",
    )
    parser.add_argument(
        "--precision",
        choices=[precision.value for precision in ProgramPrecision],
        default=ProgramPrecision.FP32.value,
        help="fp16: half the size, typed float16 with islands of float32, for engines that compute "
        "in it; a processor gains nothing (default: %(default)s)",
    )
    parser.add_argument(
        "--tokenizer",
        type=Path,
        metavar="FILE",
        help="for SigLIP: the tokenizer.json of the model's Hugging Face repository",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="not there yet")


def run(arguments: argparse.Namespace) -> int:
    """Write the package and say how to use it."""
    convert = _import_convert()
    from ovseg_ros.engine.convertible import Variant
    from ovseg_ros.models.catseg_inference import Views
    from ovseg_ros.models.registry import find_network
    from ovseg_ros.models.steps import Steps

    name, out, tokenizer = arguments.network, arguments.out, arguments.tokenizer
    precision = ProgramPrecision(arguments.precision)
    steps = Steps.AT_ONCE if arguments.at_once else Steps.ONE_BY_ONE
    variant = Variant(Views(arguments.views), arguments.most_labels, precision, steps)
    find_network(name)
    if arguments.deterministic:
        convert.convert_deterministic(name, out, variant, tokenizer)
    else:
        weights = arguments.weights or _fetched(name)
        convert.convert_checkpoint(name, weights, out, variant, tokenizer)
    print(f"{out}: use it with --package {out}, or as the node's parameter model.package")
    return 0


def _fetched(name: str) -> Path:
    from ovseg_ros.weights.fetch import fetched_file
    from ovseg_ros.weights.recipe import find_recipe

    return fetched_file(find_recipe(_RECIPES.get(name, name)))


def _import_convert() -> ModuleType:
    from ovseg_ros.errors import MissingExtraError

    try:
        from ovseg_ros.engine import convert
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "torch") from None
    return convert
