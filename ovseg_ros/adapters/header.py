"""The header of an adapter file: JSON in the metadata of the safetensors file, read and checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.adapters.adapter import AdapterInfo, AdapterTarget, require_name
from ovseg_ros.errors import AdapterError

KEY = "ovseg_adapter"
FORMAT = 1
_MOST_RANK = 1024
_RESTORE = "restore the file, or write it again with `ovseg-train lora`"
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "format": int,
    "name": str,
    "domain": str,
    "base_sha256": str,
    "embedding_space": str,
    "centroid": (list, type(None)),
    "spread": (int, float, type(None)),
    "count": int,
    "rank": int,
    "alpha": (int, float),
    "sites": list,
    "training_data": list,
    "metrics": dict,
    "synthetic": bool,
    "created": str,
}


def header_text(info: AdapterInfo) -> str:
    """Return `info` as the JSON of the file's metadata."""
    centroid = None if info.centroid is None else [float(value) for value in info.centroid]
    fields = {
        **vars(info),
        "format": FORMAT,
        "centroid": centroid,
        "sites": list(info.sites),
        "training_data": list(info.training_data),
        "metrics": dict(info.metrics),
    }
    return json.dumps({name: fields[name] for name in _KINDS}, ensure_ascii=False)


def read_header(metadata: Mapping[str, str] | None, path: Path) -> AdapterInfo:
    """Return the header in the `metadata` of the file at `path`.

    Raises `AdapterError` naming the field at fault.
    """
    text = (metadata or {}).get(KEY)
    if text is None:
        raise AdapterError(
            f"{path} is no adapter of this program: its metadata has no entry '{KEY}'; if it is "
            "one that SemLA published, make one of it with `ovseg adapters import`"
        )
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AdapterError(f"{path}: the entry '{KEY}' is no JSON: {error}; {_RESTORE}") from None
    if not isinstance(fields, dict):
        raise AdapterError(f"{path}: the entry '{KEY}' is no mapping of fields; {_RESTORE}")
    _require_kinds(fields, path)
    info = AdapterInfo(
        **{name: fields[name] for name in _KINDS if name != "format"}
        | {
            "centroid": _centroid(fields["centroid"], path),
            "sites": tuple(fields["sites"]),
            "training_data": tuple(fields["training_data"]),
            "alpha": float(fields["alpha"]),
        }
    )
    check_info(info, path)
    return info


def check_info(info: AdapterInfo, path: Path) -> None:
    """Raise `AdapterError` where `info` is not that of a usable adapter of any package."""
    require_name(info.name)
    if not 1 <= info.rank <= _MOST_RANK:
        raise _wrong(path, "rank", info.rank, f"a whole number from 1 to {_MOST_RANK}")
    if not (math.isfinite(info.alpha) and info.alpha > 0):
        raise _wrong(path, "alpha", info.alpha, "a finite number above 0")
    if not info.sites or len(set(info.sites)) != len(info.sites):
        raise _wrong(
            path, "sites", f"{len(info.sites)} names", "names, at least one and none twice"
        )
    _check_domain(info, path)


def check_target(info: AdapterInfo, target: AdapterTarget, path: Path) -> None:
    """Raise `AdapterError` where the adapter was made for something else than `target`."""
    if not target.base_sha256:
        raise AdapterError(
            f"the card of package '{target.package}' names no base_sha256, so no adapter can be "
            "told to be its own; convert or export the package again with this version"
        )
    if info.base_sha256 != target.base_sha256:
        raise AdapterError(
            f"{path} belongs to other weights: base {_short(info.base_sha256)} was found, package "
            f"'{target.package}' has {_short(target.base_sha256)}; use the package that it was "
            f"trained on, or train it again with  ovseg-train lora --package {target.package}"
        )
    if info.embedding_space != target.embedding_space:
        raise AdapterError(
            f"{path} is of the embedding space '{info.embedding_space}', package "
            f"'{target.package}' of '{target.embedding_space}'; use the package that it was "
            "trained on"
        )
    if info.centroid is not None and len(info.centroid) != target.scene_dim:
        raise AdapterError(
            f"{path} has a centroid of {len(info.centroid)} numbers, the scene embedding of "
            f"package '{target.package}' has {target.scene_dim}; train it again on this package"
        )
    foreign = [site for site in info.sites if site not in target.site_of]
    if foreign:
        raise AdapterError(
            f"{path} changes {len(foreign)} sites that package '{target.package}' does not have, "
            f"the first one '{foreign[0]}'; use the package that it was trained on"
        )


def _require_kinds(fields: Mapping[str, Any], path: Path) -> None:
    for name, kind in _KINDS.items():
        value = fields.get(name)
        # To Python a boolean is a whole number.
        flag_for_number = isinstance(value, bool) and kind is not bool
        if name not in fields or flag_for_number or not isinstance(value, kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            names = " or ".join("null" if k is type(None) else k.__name__ for k in kinds)
            raise _wrong(path, name, repr(value)[:80], f"a value of type {names}")
    if fields["format"] != FORMAT:
        raise AdapterError(
            f"{path}: format {fields['format']} was found, this program reads {FORMAT}; write the "
            "adapter again with this version"
        )
    if not all(isinstance(site, str) for site in fields["sites"]):
        raise _wrong(path, "sites", "something else", "names")


def _centroid(numbers: list[Any] | None, path: Path) -> Any:
    if numbers is None:
        return None
    try:
        centroid = np.array(numbers, np.float32)
    except (TypeError, ValueError, OverflowError):
        centroid = np.empty((0, 0), np.float32)
    if centroid.ndim != 1:
        raise _wrong(path, "centroid", "something else", "a list of numbers")
    return centroid


def _check_domain(info: AdapterInfo, path: Path) -> None:
    if (info.centroid is None) != (info.spread is None):
        raise _wrong(path, "spread", info.spread, "a number beside a centroid, else null")
    if info.centroid is None or info.spread is None:
        return
    if not np.isfinite(info.centroid).all():
        raise _wrong(path, "centroid", "NaN or infinity", "finite numbers")
    if not (math.isfinite(info.spread) and info.spread > 0):
        raise AdapterError(
            f"{path}: its domain has a spread of {info.spread:g}, so no frame could ever be near "
            "enough; a finite number above 0 was wanted: compute it again from different frames"
        )
    if info.count < 1:
        raise _wrong(path, "count", info.count, "the number of frames behind the centroid")


def _wrong(path: Path, name: str, found: object, wanted: str) -> AdapterError:
    return AdapterError(f"{path}: field '{name}' is {found}; {wanted} was wanted; {_RESTORE}")


def _short(digest: str) -> str:
    return f"{digest[:12]}..." if digest else "none"
