"""One adapter file: safetensors with the key names of PEFT, written whole, checked when read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.adapters.adapter import Adapter, AdapterInfo, AdapterTarget, Array
from ovseg_ros.adapters.factors import SiteFactors, pack, require_sound
from ovseg_ros.adapters.header import KEY, check_info, check_target, header_text, read_header
from ovseg_ros.adapters.shape import DomainShape
from ovseg_ros.errors import AdapterError, MissingExtraError, WeightsError
from ovseg_ros.output import replacing
from ovseg_ros.weights.file_kind import FileKind, file_kind

ENDING = ".safetensors"
PREFIX = "base_model.model."
_TYPES = ("F32", "F16")
_AXES, _AXES_SPREAD = "scene_axes", "scene_axes_spread"


def write_adapter(
    folder: Path,
    info: AdapterInfo,
    factors: Mapping[str, SiteFactors],
    target: AdapterTarget,
    shape: DomainShape | None = None,
    replace: bool = False,
) -> Path:
    """Write `<folder>/<name>.safetensors`, all of it or nothing, and return its path.

    `shape` is that of the domain in `info`, where it is known. What could not be read back is not
    written: raises `AdapterError` as `read_adapter` does, and where the name is taken and `replace`
    is not set; `OutputError` where there is no room.
    """
    save_file = _numpy_safetensors().numpy.save_file
    path = folder / f"{info.name}{ENDING}"
    check_info(info, path)
    check_target(info, target, path)
    tensors = {
        key: np.ascontiguousarray(value, np.float32)
        for site, pair in factors.items()
        for key, value in zip(keys_of(site), pair, strict=True)
    }
    if shape is not None:
        tensors[_AXES] = np.ascontiguousarray(shape.axes, np.float32)
        tensors[_AXES_SPREAD] = np.array([shape.spread], np.float32)
    _require_shapes(info, target, {key: value.shape for key, value in tensors.items()}, path)
    require_sound(info, _by_site(info, tensors), path)
    _sound_shape(tensors, path)
    _refuse_taken(path, replace)
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={"format": "pt", KEY: header_text(info)})
    return path


def add_file(file: Path, folder: Path, target: AdapterTarget, replace: bool = False) -> Path:
    """Copy the adapter at `file` into `folder` under its own name and return the new path.

    Raises `AdapterError` as `read_adapter` does, and where the name is taken and `replace` is not
    set; `OutputError` where there is no room.
    """
    path = folder / f"{read_adapter(file, target).info.name}{ENDING}"
    _refuse_taken(path, replace)
    with replacing(path) as temporary:
        shutil.copyfile(file, temporary)
    return path


def read_info(path: Path, target: AdapterTarget) -> AdapterInfo:
    """Return the header of the adapter at `path`, which must fit `target`; reads no factors.

    Raises `AdapterError` with what was found, what was wanted and what to do: a file that is
    missing, truncated, a pickle or no adapter; another base, embedding or site; keys and shapes
    that are not those of its own rank and sites. `MissingExtraError` without safetensors.
    """
    with opened(path) as tensors:
        return _checked_info(tensors, path, target)


def read_adapter(path: Path, target: AdapterTarget) -> Adapter:
    """Return the adapter at `path`, packed for `target`.

    Raises as `read_info`, for factors that are not finite or explode, and as `read_shape`.
    """
    with opened(path) as tensors:
        info = _checked_info(tensors, path, target)
        values = {key: tensors.get_tensor(key).astype(np.float32) for key in tensors.keys()}  # noqa: SIM118
    by_site = _by_site(info, values)
    require_sound(info, by_site, path)
    _sound_shape(values, path)
    text = pack(info, by_site, target.text_sites) if target.text_sites else None
    return Adapter(
        info=info,
        factors=pack(info, by_site, target.sites),
        text_factors=text if text is not None and text.rank else None,
    )


def read_shape(path: Path, target: AdapterTarget) -> DomainShape | None:
    """Return the shape of the domain of the adapter at `path`, None where it holds none.

    Raises as `read_info`, and `AdapterError` for numbers that are no shape.
    """
    with opened(path) as tensors:
        _checked_info(tensors, path, target)
        kept = [key for key in (_AXES, _AXES_SPREAD) if key in tensors.keys()]  # noqa: SIM118
        return _sound_shape({key: tensors.get_tensor(key) for key in kept}, path)


def keys_of(site: str) -> tuple[str, str]:
    """Return the keys of A and B of `site`."""
    return f"{PREFIX}{site}.lora_A.weight", f"{PREFIX}{site}.lora_B.weight"


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open the safetensors file at `path` for reading as numpy arrays.

    Raises `AdapterError` where it is missing, truncated or of another kind.
    """
    safetensors = _numpy_safetensors()
    try:
        kind = file_kind(path)
    except WeightsError as error:
        raise AdapterError(str(error)) from None
    if kind is not FileKind.SAFETENSORS:
        raise AdapterError(
            f"{path} is a {kind.value}, whatever its name says: a pickle, which could run code; "
            "an adapter in .safetensors was wanted: save its tensors as such"
        )
    try:
        with safetensors.safe_open(path, framework="numpy") as tensors:
            yield tensors
    except (safetensors.SafetensorError, OSError) as error:
        raise AdapterError(f"{path} is truncated or damaged: {error}; copy it again") from None


def _checked_info(tensors: Any, path: Path, target: AdapterTarget) -> AdapterInfo:
    info = read_header(tensors.metadata(), path)
    check_target(info, target, path)
    slices = {key: tensors.get_slice(key) for key in tensors.keys()}  # noqa: SIM118 (no mapping)
    others = [key for key, part in slices.items() if part.get_dtype() not in _TYPES]
    if others:
        raise AdapterError(
            f"{path}: {others[0]} is of type {slices[others[0]].get_dtype()}, "
            f"{' or '.join(_TYPES)} was wanted; save it in float32"
        )
    shapes = {key: tuple(part.get_shape()) for key, part in slices.items()}
    _require_shapes(info, target, shapes, path)
    return info


def _require_shapes(
    info: AdapterInfo, target: AdapterTarget, found: Mapping[str, tuple[int, ...]], path: Path
) -> None:
    wanted: dict[str, tuple[int, ...]] = {}
    for name in info.sites:
        site = target.site_of[name]
        wanted |= zip(keys_of(name), ((info.rank, site.c_in), (site.c_out, info.rank)), strict=True)
    if _AXES in found or _AXES_SPREAD in found:
        count, *_ = (*found.get(_AXES, ()), 0)
        wanted |= {_AXES: (count, target.scene_dim), _AXES_SPREAD: (1,)}
    missing = [key for key in wanted if key not in found]
    extra = [key for key in found if key not in wanted]
    if missing or extra:
        word, key = ("missing", missing[0]) if missing else ("not of its sites", extra[0])
        raise AdapterError(
            f"{path} does not hold what its header lists: {len(missing)} tensors are missing and "
            f"{len(extra)} are not of its sites; {key} is {word}; train or import it again"
        )
    for key, shape in wanted.items():
        if found[key] != shape:
            raise AdapterError(
                f"{path}: {key} has the shape {list(found[key])}, {list(shape)} was wanted for "
                f"rank {info.rank} on package '{target.package}'; use the package that it was "
                "trained on"
            )


def _refuse_taken(path: Path, replace: bool) -> None:
    if path.exists() and not replace:
        raise AdapterError(
            f"{path} exists already: the name '{path.stem}' is taken; choose another one, remove "
            "that adapter first, or replace it with --replace"
        )


def _sound_shape(tensors: Mapping[str, Array], path: Path) -> DomainShape | None:
    if _AXES not in tensors:
        return None
    shape = DomainShape(tensors[_AXES].astype(np.float32), float(tensors[_AXES_SPREAD][0]))
    if shape.fault:
        raise AdapterError(
            f"{path} holds {shape.fault} as the shape of its domain, with which no frame could be "
            "compared; restore the file, or write it again with `ovseg-train lora`"
        )
    return shape


def _by_site(info: AdapterInfo, tensors: Mapping[str, Array]) -> dict[str, SiteFactors]:
    return {site: SiteFactors(*(tensors[key] for key in keys_of(site))) for site in info.sites}


def _numpy_safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise MissingExtraError(error.name or "safetensors", "cpu") from None
    return safetensors
