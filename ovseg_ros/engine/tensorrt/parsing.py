"""A program read by TensorRT's own parser, and refused in words where it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.signature import Port, require_frames, require_signature
from ovseg_ros.engine.tensorrt.library import Library
from ovseg_ros.engine.tensorrt.program import loop_refusal
from ovseg_ros.errors import PackageError
from ovseg_ros.packages import Card

_LOOP = "Loop"
_NUMPY_NAMES = {"FLOAT": "float32", "HALF": "float16", "BF16": "bfloat16", "FP8": "float8"}


def parse_program(
    library: Library, builder: Any, path: Path, card: Card, profile: EngineProfile
) -> Any:
    """Return the network of the program at `path`.

    Raises `PackageError` where the parser refuses it, where it goes through labels in a loop or is
    not what `card` says, and `FrameError` where it was exported for another camera than that of
    `profile`.
    """
    network = library.create_network(builder)
    parser = library.module.OnnxParser(network, library.logger)
    library.messages.take()
    parsed = parser.parse_from_file(str(path))
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    if any(error.node_operator() == _LOOP for error in errors) or _has_loop(library, network):
        raise loop_refusal(path, card)
    if not parsed:
        lines = "\n".join(f"  {_words(error)}" for error in errors) or library.said()
        raise PackageError(f"{path} is not read by {library.name} {library.version}\n{lines}")
    frames = require_signature(_ports(network, "input"), _ports(network, "output"), card, path)
    width, height = profile.camera_px
    require_frames((1, height, width, 3), frames, path)
    return network


def _has_loop(library: Library, network: Any) -> bool:
    trip = library.module.LayerType.TRIP_LIMIT
    return any(network.get_layer(index).type == trip for index in range(network.num_layers))


def _words(error: Any) -> str:
    name, operator = error.node_name(), error.node_operator()
    return f"node {error.node()} '{name}' ({operator}): {' '.join(error.desc().split())}"


def _ports(network: Any, kind: str) -> list[Port]:
    count = getattr(network, f"num_{kind}s")
    return [_port(getattr(network, f"get_{kind}")(index)) for index in range(count)]


def _port(tensor: Any) -> Port:
    dtype = tensor.dtype.name
    shape = tuple(None if side < 0 else int(side) for side in tensor.shape)
    return Port(tensor.name, _NUMPY_NAMES.get(dtype, dtype.lower()), shape)
