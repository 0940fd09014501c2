"""The sidecar of an engine: readable JSON beside the plan that says what it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ovseg_ros.engine.tensorrt.key import EngineKey, key_from_json
from ovseg_ros.errors import BackendError
from ovseg_ros.output import write_json

SIDECAR_NAME = "engine.json"
_FORMAT = 1
_OF_THE_KEY = "key"


@dataclass(frozen=True)
class Sidecar:
    """What is known of an engine.

    `package` is the name on the card; `rebuild` the command that builds it again; `build_s` in
    seconds; `layers_of` says what the layer table lists; `driver` is empty where there was none;
    `check` says how `ovseg check` ended at the build, or why it was not made.
    """

    package: str
    plan_sha256: str
    plan_bytes: int
    build_s: float
    built_at: str
    command: str
    rebuild: str
    check: str
    layers_of: str
    driver: str
    float32_islands: list[str]
    machine: Mapping[str, Any]


def write_sidecar(folder: Path, key: EngineKey, sidecar: Sidecar) -> None:
    """Write the sidecar of the engine in `folder`; raises `OutputError`."""
    about = {"format": _FORMAT, "digest": key.digest, _OF_THE_KEY: key.as_json()}
    write_json(folder / SIDECAR_NAME, {**about, **asdict(sidecar)})


def read_sidecar(folder: Path) -> tuple[EngineKey, Sidecar]:
    """Return what `write_sidecar` wrote into `folder`.

    Raises `BackendError` naming what is wrong where the file is missing, damaged or edited.
    """
    path = folder / SIDECAR_NAME
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["format"] != _FORMAT:
            raise ValueError(f"format {raw['format']!r} was found, {_FORMAT} was wanted")
        key = key_from_json(raw[_OF_THE_KEY])
        if raw["digest"] != key.digest:
            raise ValueError(
                f"the key {key.digest[:12]} was found, {str(raw['digest'])[:12]} was wanted: "
                "it was edited"
            )
        return key, Sidecar(**{f.name: _read(raw, f.name, str(f.type)) for f in fields(Sidecar)})
    except FileNotFoundError:
        raise BackendError(f"{path} is missing: {folder} holds no whole engine") from None
    except (OSError, ValueError, TypeError, KeyError, BackendError) as error:
        reason = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise BackendError(f"{path} cannot be read: {reason}") from None


_KINDS: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "list[str]": list,
    "Mapping[str, Any]": dict,
}


def _read(raw: Mapping[str, Any], name: str, kind: str) -> Any:
    if not isinstance(raw[name], _KINDS[kind]) or isinstance(raw[name], bool):
        raise ValueError(f"field '{name}' is {raw[name]!r}, a {kind} was wanted")
    return raw[name]
