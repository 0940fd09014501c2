"""The network of a package in torch, built by its card and with the weights of its program."""

from __future__ import annotations

from typing import Any

from torch import nn

from ovseg_ros.engine.choice import ProgramPrecision
from ovseg_ros.engine.convertible import Variant, convertible
from ovseg_ros.engine.torch_weights import read_weights
from ovseg_ros.errors import PackageError
from ovseg_ros.models.catseg_inference import Views
from ovseg_ros.models.segmenter_graph import TEXT_TOWER, SegmenterGraph
from ovseg_ros.models.steps import Steps
from ovseg_ros.models.tiny import TinyConfig, TinyGraph, TinySegmenter
from ovseg_ros.packages import CARD_NAME, ModelPackage

# What cards call the embedded default, which has no dimensions to choose by name.
TINY_NETWORK = "tiny cost aggregation over MobileNetV2"


def load_network(package: ModelPackage) -> SegmenterGraph:
    """Return what `package` runs on every frame, in eval mode and float32, on the processor.

    There is no text tower in it, as that is a program of its own. Raises `PackageError` where the
    package has no weights for torch, or where they do not fit the network that its card names,
    and `MissingExtraError`.
    """
    weights = read_weights(package)
    graph = build_graph(package)
    wanted = {name for name in graph.network.state_dict() if not name.startswith(TEXT_TOWER)}
    strange = sorted(wanted ^ weights.keys())
    if strange:
        raise _unfit(package, f"of {len(strange)} weights it has one but not the other", strange[0])
    try:
        graph.network.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise _unfit(package, "shapes differ", str(error).splitlines()[-1].strip()) from None
    _drop_text_tower(graph.network)
    return graph.eval()


def build_graph(package: ModelPackage) -> SegmenterGraph:
    """Return the network that the card of `package` names, with weights that mean nothing.

    Raises `PackageError` where the card names none that this version knows.
    """
    card = package.card
    if card.network == TINY_NETWORK:
        config = TinyConfig(card.embedding_dim, internal_size_px=card.internal_size_px)
        return TinyGraph(TinySegmenter(config), card.raw.get("most_labels"))
    return convertible(card.network, _variant(package)).graph


def _variant(package: ModelPackage) -> Variant:
    """Return what was chosen when `package` was converted; its card says what differs."""
    card, usual = package.card, Variant()
    try:
        return Variant(
            Views(card.raw.get("views", usual.views)),
            card.raw.get("most_labels"),
            ProgramPrecision(card.raw.get("precision", usual.precision)),
            Steps(card.raw.get("steps", usual.steps)),
        )
    except ValueError as error:
        raise PackageError(
            f"{package.folder / CARD_NAME}: {error}; restore the file, or convert the package again"
        ) from None


def _drop_text_tower(network: nn.Module) -> None:
    name = TEXT_TOWER.removesuffix(".")
    if name in dict(network.named_children()):
        delattr(network, name)


def _unfit(package: ModelPackage, what: str, example: Any) -> PackageError:
    return PackageError(
        f"the weights of package '{package.card.name}' do not fit the network "
        f"'{package.card.network}' of its card: {what}, such as {example}; "
        "convert the package again with this version"
    )
