"""The inputs and outputs of an engine: which shapes each bucket has, and whether a plan has them.

A plan can be whole, of this library and for this GPU, and still be of another graph or profile than
the file beside it says; its own tensors decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.engine.profile import Bucket, EngineProfile
from ovseg_ros.engine.signature import Port, require_signature
from ovseg_ros.engine.tensorrt.resident import Shape, TensorSpec
from ovseg_ros.errors import BackendError, PackageError
from ovseg_ros.packages import Card

TEXT = ("text_bank", "label_codes", "thresholds")
LORA = ("lora_a", "lora_b")
_NUMPY_NAMES = {"UINT8": "uint8", "FLOAT": "float32", "HALF": "float16", "INT64": "int64"}


def input_shapes(profile: EngineProfile, bucket: Bucket, card: Card) -> dict[str, Shape]:
    """Return the shape of every input in `bucket`; a batch is one frame."""
    width, height = profile.camera_px
    width_a, width_b = card.lora_widths
    return {
        "image": (1, height, width, 3),
        "text_bank": (bucket.labels, card.embedding_dim),
        "label_codes": (bucket.labels,),
        "thresholds": (bucket.labels,),
        "lora_a": (bucket.rank, width_a),
        "lora_b": (bucket.rank, width_b),
    }


def tensor_specs(engine: Any, profile: EngineProfile, card: Card) -> dict[str, TensorSpec]:
    """Return all inputs and outputs of `engine` at their largest."""
    width, height = profile.camera_px
    shapes = input_shapes(profile, profile.buckets[-1], card)
    shapes["mask"] = shapes["confidence"] = (1, height, width)
    shapes["embedding"] = (1, int(tuple(engine.get_tensor_shape("embedding"))[1]))
    types = {port.name: port.dtype for port in _ports(engine)}
    return {name: TensorSpec(np.dtype(types[name]), shape) for name, shape in shapes.items()}


def require_tensors(
    engine: Any, profile: EngineProfile, card: Card, path: Path, remedy: str
) -> None:
    """Raise `BackendError` naming `remedy` unless `engine`, read from `path`, fits both others."""
    ports = list(_ports(engine))
    inputs = [port for port in ports if _is_input(engine, port.name)]
    outputs = [port for port in ports if port not in inputs]
    try:
        require_signature(inputs, outputs, card, path)
    except PackageError as error:
        raise BackendError(f"{error}\nbuild the engine again:  {remedy}") from None
    faults = list(_profile_faults(engine, profile, card))
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise BackendError(
            f"{path} was not built for {profile}, as the file beside it says; "
            f"run  {remedy}\n{lines}"
        )


def _profile_faults(engine: Any, profile: EngineProfile, card: Card) -> Iterator[str]:
    wanted, found = len(profile.buckets), engine.num_optimization_profiles
    if wanted != found:
        yield f"{found} sets of shapes were found, {wanted} were wanted"
        return
    for index, bucket in enumerate(profile.buckets):
        for name, shape in input_shapes(profile, bucket, card).items():
            least, _, most = (tuple(each) for each in engine.get_tensor_profile_shape(name, index))
            if not _within(least, shape, most):
                yield f"{name} of {list(least)} to {list(most)} was found, {list(shape)} was wanted"


def _within(least: Shape, shape: Shape, most: Shape) -> bool:
    # What has no free side may be listed without shapes.
    if not least and not most:
        return True
    return len(least) == len(shape) == len(most) and all(
        a <= b <= c for a, b, c in zip(least, shape, most, strict=True)
    )


def _ports(engine: Any) -> Iterator[Port]:
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        kind = engine.get_tensor_dtype(name).name
        yield Port(name, _NUMPY_NAMES.get(kind, kind.lower()), _free_sides(engine, name))


def _free_sides(engine: Any, name: str) -> tuple[int | None, ...]:
    sides = tuple(engine.get_tensor_shape(name))
    free = [side if side >= 0 else None for side in sides]
    # With one bucket the builder may fix the sides that follow queries and adapters.
    if name in (*TEXT, *LORA):
        free[0] = None
    return tuple(free)


def _is_input(engine: Any, name: str) -> bool:
    return bool(engine.get_tensor_mode(name).name == "INPUT")
