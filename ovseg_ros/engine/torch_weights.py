"""The weights of a package for torch, without keeping them twice.

Most weights of a network are in its program already, under other names and some of them transposed.
A small file beside it says which is which, and holds what the exporter folded away.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ovseg_ros.errors import MissingExtraError, PackageError
from ovseg_ros.models.segmenter_graph import TEXT_TOWER, SegmenterGraph
from ovseg_ros.packages import ModelPackage

if TYPE_CHECKING:
    import onnx

TORCH_WEIGHTS_NAME = "torch_weights.safetensors"
_MAP = "initializers"
_EXTRA = "torch"


class _Place(NamedTuple):
    """Where a weight is in the program: the name of the initializer, and whether transposed."""

    initializer: str
    transposed: bool


def write_weights(graph: SegmenterGraph, program: Path, out: Path) -> None:
    """Write to `out` what the weights of `graph` need besides the ONNX program at `program`.

    Weights of the text tower, a program of its own, are left out.
    """
    from safetensors.torch import save_file

    known = {_fingerprint(value): name for name, value in _initializers(program).items()}
    places: dict[str, _Place] = {}
    others: dict[str, Tensor] = {}
    for name, weight in graph.network.state_dict().items():
        if name.startswith(TEXT_TOWER):
            continue
        place = _find(known, weight.detach().cpu().numpy())
        if place is None:
            others[name] = weight.detach().cpu().contiguous().clone()
        else:
            places[name] = place
    save_file(others, out, {_MAP: json.dumps(places)})


def read_weights(package: ModelPackage) -> dict[str, Tensor]:
    """Return the weights of the network of `package` by their names in torch, float32.

    They are those that it was exported from; rounded to float16 where its program is typed so.
    Raises `PackageError` where the package has no such weights, and `MissingExtraError`.
    """
    path = package.folder / TORCH_WEIGHTS_NAME
    if TORCH_WEIGHTS_NAME not in package.card.files:
        raise PackageError(
            f"package '{package.card.name}' has no {TORCH_WEIGHTS_NAME}, which torch takes its "
            "weights from: it was made by an earlier version; convert it again with "
            "`ovseg convert`, or export it again"
        )
    others, places = _read(path)
    initializers = _initializers(package.segmenter_path)
    lost = sorted({place.initializer for place in places.values()} - initializers.keys())
    if lost:
        raise PackageError(
            f"{path} belongs to another program: {package.segmenter_path} has no {lost[0]}; "
            "convert the package again"
        )
    return others | {name: _taken(initializers, place) for name, place in places.items()}


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, _Place]]:
    """Return the tensors in the file at `path`, and where the others are."""
    try:
        from safetensors import SafetensorError, safe_open
    except ImportError:
        raise MissingExtraError("safetensors", _EXTRA) from None

    try:
        with safe_open(path, "pt") as stream:
            others = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
            listed = json.loads((stream.metadata() or {})[_MAP])
        return others, {name: _Place(*place) for name, place in listed.items()}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise PackageError(
            f"{path} cannot be read: {error!r}; restore the package, or convert it again"
        ) from None


def _taken(initializers: dict[str, onnx.TensorProto], place: _Place) -> Tensor:
    value = _array(initializers[place.initializer])
    value = np.array(value.T if place.transposed else value, order="C")
    return torch.from_numpy(value.astype(np.float32) if value.dtype == np.float16 else value)


def _find(known: dict[Any, str], weight: npt.NDArray[Any]) -> _Place | None:
    """Return where `weight` is among the initializers, exactly or rounded to float16."""
    values = [weight]
    if weight.dtype == np.float32:
        with np.errstate(over="ignore"):
            values.append(weight.astype(np.float16))
    for value in values:
        for transposed in (False, True) if value.ndim == 2 else (False,):
            name = known.get(_fingerprint_of(value.T if transposed else value))
            if name is not None:
                return _Place(name, transposed)
    return None


def _fingerprint(tensor: onnx.TensorProto) -> tuple[Any, ...]:
    return _fingerprint_of(_array(tensor))


def _fingerprint_of(value: npt.NDArray[Any]) -> tuple[Any, ...]:
    """Return what two arrays share if they are equal in shape, type and every bit."""
    return value.shape, value.dtype.str, hashlib.blake2b(value.tobytes()).digest()


def _initializers(program: Path) -> dict[str, onnx.TensorProto]:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("onnx", _EXTRA) from None
    return {tensor.name: tensor for tensor in onnx.load(program).graph.initializer}


def _array(tensor: onnx.TensorProto) -> npt.NDArray[Any]:
    from onnx import numpy_helper

    value: npt.NDArray[Any] = numpy_helper.to_array(tensor)
    return value
