"""A package with an adapter mix merged into it: the peer of factors beside the weights."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.adapters.factors import slices_of
from ovseg_ros.adapters.mix import LoraFactors, packed_factors
from ovseg_ros.errors import MissingExtraError, PackageError
from ovseg_ros.packages import CARD_NAME, SEGMENTER_NAME, ModelPackage, seal

_PREFIX = "network."


def merge_package(package: ModelPackage, factors: LoraFactors, out: Path) -> None:
    """Write a copy of `package` to `out` whose weights carry the change of `factors`.

    For programs that keep the weight of every LoRA site under its own name, as that of `tiny` does;
    others are merged before they are exported, see `models/merge.py`. Raises `PackageError` for
    such a program or where `out` is taken, `AdapterError` where the factors have other widths, and
    `MissingExtraError` without onnx.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(error.name or "onnx", "train") from None
    if out.exists():
        raise PackageError(f"{out} exists already; remove it, or choose another place")
    card = package.card
    a, b = packed_factors(factors, card.lora_widths)
    program = onnx.load(package.segmenter_path)
    weights = {weight.name: weight for weight in program.graph.initializer}
    for name, at_a, at_b in slices_of(card.lora_sites):
        change = b[:, at_b].astype(np.float64).T @ a[:, at_a].astype(np.float64)
        _add(onnx, weights.get(f"{_PREFIX}{name}.weight"), change, name, package)
    try:
        shutil.copytree(package.folder, out, ignore=shutil.ignore_patterns(CARD_NAME, "adapters"))
        onnx.save(program, out / SEGMENTER_NAME)
        # Adapters of the base are not those of other weights.
        left_out = ("files", "base_sha256")
        seal(out, {key: value for key, value in card.raw.items() if key not in left_out})
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise


def _add(onnx: Any, weight: Any, change: np.ndarray, site: str, package: ModelPackage) -> None:
    values = None if weight is None else onnx.numpy_helper.to_array(weight)
    if values is None or values.size != change.size or values.shape[:2] != change.shape:
        raise PackageError(
            f"the program of package '{package.card.name}' does not keep the weight of the site "
            f"'{site}' under its name; merge the weights in torch and export them again"
        )
    merged = (values + change.reshape(values.shape)).astype(values.dtype)
    weight.CopyFrom(onnx.numpy_helper.from_array(merged, weight.name))
