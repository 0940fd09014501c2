"""Checkpoints, opened without running code from them.

Torch files are read with `weights_only=True`: torch's own reader knows a short list of harmless
globals and refuses all others. Four are added, so that checkpoints whose weights are numpy arrays
(detectron2 writes such) can be read. They are harmless: `_reconstruct` and `ndarray` make an
empty array whose memory is then filled from bytes, `dtype` and its classes describe numbers. The
dtype of Python objects, through which an array could carry anything else, is not among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from ovseg_ros.errors import MissingExtraError, WeightsError
from ovseg_ros.packages import sha256_of
from ovseg_ros.weights.file_kind import FileKind, file_kind
from ovseg_ros.weights.finite import require_finite
from ovseg_ros.weights.key_groups import grouped
from ovseg_ros.weights.pickle_globals import pickle_globals
from ovseg_ros.weights.torchscript import read_torchscript

if TYPE_CHECKING:
    from torch import Tensor

# Where training programs put the weights: detectron2 and Lightning; else the file is the weights.
_WRAPPERS = ("model", "state_dict")
_OLDEST_SAFE_TORCH = "2.6"
_REFUSED_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
_NUMPY_DTYPES = ("float16", "float32", "float64", "int32", "int64")


def read_checkpoint(path: Path, sha256: str | None = None) -> dict[str, Tensor]:
    """Return the weights in `path` by name on the CPU: float32, every value finite.

    Reads .safetensors, files of `torch.save` (the weights themselves, or under the key 'model' or
    'state_dict', with anything harmless beside them) and TorchScript archives. Floating point of
    other widths becomes float32; integers and booleans stay what they are, because a weight stored
    as such means nothing without its scale. `sha256` is what the file must hash to.

    Raises `WeightsError`, naming the file and what is wrong with it: missing, another hash,
    truncated, not a checkpoint, a pickle that would run code, no weights inside, NaN or infinity;
    torch older than 2.6; `MissingExtraError` where torch or safetensors is not installed.
    """
    kind = file_kind(path)
    if sha256 is not None:
        require_sha256(path, sha256)
    try:
        _require_safe_torch()
        payload = _READERS[kind](path)
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "torch") from None
    except UnpicklingError as error:
        raise _refused(path, kind, error) from None
    except WeightsError:
        raise
    except (OSError, MemoryError) as error:
        raise WeightsError(f"cannot read the weights {path}: {error or 'out of memory'}") from None
    # What the readers raise at damaged bytes has no common class: RuntimeError, EOFError,
    # SafetensorError, KeyError and more have been seen. None of them is a defect of this program.
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(
            f"{path} is truncated or damaged, or not a {kind.value}: {reason}; fetch it again"
        ) from None
    weights = _plain_tensors(_weights_in(payload, path), path)
    require_finite(weights, path)
    return weights


def require_sha256(path: Path, wanted: str) -> None:
    """Raise `WeightsError` unless the file at `path` has the SHA-256 `wanted` (hexadecimal)."""
    found = sha256_of(path)
    if found != wanted.lower():
        raise WeightsError(
            f"{path} is another file than wanted: SHA-256 {found} was found, {wanted.lower()} was "
            "wanted; fetch it again, or give the hash of this file if it is the one you mean"
        )


def _require_safe_torch() -> None:
    import torch
    from torch.torch_version import TorchVersion

    if TorchVersion(torch.__version__) < _OLDEST_SAFE_TORCH:
        raise WeightsError(
            f"torch {torch.__version__} is installed, {_OLDEST_SAFE_TORCH} or later is wanted: "
            "before it a file could run code in spite of weights_only (CVE-2025-32434); "
            "pip install --upgrade 'ovseg_ros[torch]'"
        )


def _read_safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    return load_file(path, device="cpu")


def _read_torch(path: Path) -> Any:
    import torch

    with torch.serialization.safe_globals(_numpy_globals()):
        # Mapped, not read: published checkpoints are up to a third optimizer state.
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _read_torch_before_1_6(path: Path) -> Any:
    import torch

    return torch.load(path, map_location="cpu", weights_only=True)


def _numpy_globals() -> list[Any]:
    import numpy as np

    rebuild = np.zeros(0).__reduce__()[0]
    # Files written under numpy 1 and numpy 2 name the same function differently.
    names = [f"numpy.{core}.multiarray._reconstruct" for core in ("core", "_core")]
    dtypes = [type(np.dtype(name)) for name in _NUMPY_DTYPES]
    return [*((rebuild, name) for name in names), np.ndarray, np.dtype, *dtypes]


_READERS: Mapping[FileKind, Callable[[Path], Any]] = {
    FileKind.SAFETENSORS: _read_safetensors,
    FileKind.TORCH: _read_torch,
    FileKind.TORCH_BEFORE_1_6: _read_torch_before_1_6,
    FileKind.TORCHSCRIPT: read_torchscript,
}


def _refused(path: Path, kind: FileKind, error: UnpicklingError) -> WeightsError:
    named = _REFUSED_GLOBAL.search(str(error))
    if named:
        asked = named[1]
    elif kind is FileKind.TORCH_BEFORE_1_6:
        with path.open("rb") as stream:
            asked = ", ".join(pickle_globals(stream))
    else:
        asked = ""
    what = f"asks for '{asked}'" if asked else "holds operations that weights do not need"
    return WeightsError(
        f"{path} is refused: its pickle {what}, which could run code, and only tensors are read; "
        "take the file from its publisher, or, if you trust it, save its tensors as .safetensors"
    )


def _weights_in(payload: Any, path: Path) -> Mapping[str, Any]:
    if isinstance(payload, Mapping):
        for wrapper in _WRAPPERS:
            if isinstance(payload.get(wrapper), Mapping):
                payload = payload[wrapper]
                break
    if not isinstance(payload, Mapping) or not payload:
        raise WeightsError(
            f"{path} holds no weights: found {type(payload).__name__}, wanted tensors by name, by "
            f"themselves or under one of the keys {', '.join(_WRAPPERS)}"
        )
    return payload


def _plain_tensors(weights: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    import numpy as np
    import torch

    converted: dict[str, Tensor] = {}
    others: list[str] = []
    for name, value in weights.items():
        if isinstance(value, np.ndarray):
            # torch reads the byte order of this machine alone.
            value = torch.from_numpy(value.astype(value.dtype.newbyteorder("=")))
        if _is_plain(value):
            # A copy, so that nothing keeps the mapped file: it may be replaced or truncated.
            dtype = torch.float32 if value.is_floating_point() else value.dtype
            converted[name] = value.detach().to(dtype, copy=True)
        else:
            others.append(str(name))
    if others:
        raise WeightsError(
            f"{path} holds no plain tensors under: {grouped(others)}; wanted: a dense tensor of "
            f"real numbers under every name, or all weights under one of {', '.join(_WRAPPERS)}"
        )
    return converted


def _is_plain(value: Any) -> bool:
    import torch

    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and not value.is_complex()
        and not value.is_quantized
    )
