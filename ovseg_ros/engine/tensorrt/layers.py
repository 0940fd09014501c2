"""The layer table of an engine: what TensorRT made of the program, layer by layer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ovseg_ros.engine.tensorrt.library import Library
from ovseg_ros.errors import BackendError
from ovseg_ros.output import write_json

LAYERS_NAME = "layers.json"
OF_THE_ENGINE = "the engine"
OF_THE_NETWORK = "the network before it was optimised: no GPU here could load the engine"


@dataclass(frozen=True)
class Layer:
    """One layer; `precision` and `shape` are those of its first output, in TensorRT's words."""

    name: str
    kind: str
    precision: str
    shape: str


@dataclass(frozen=True)
class LayerTable:
    """All layers, and `source`: what they are layers of."""

    source: str
    layers: tuple[Layer, ...]


def layers_of(library: Library, network: Any, plan: bytes | memoryview) -> LayerTable:
    """Return the layers of the engine `plan`, or those of `network` where it cannot be loaded."""
    engine = _load(library, plan)
    layers = () if engine is None else tuple(_inspected(library, engine))
    if layers:
        return LayerTable(OF_THE_ENGINE, layers)
    return LayerTable(OF_THE_NETWORK, tuple(_parsed(network)))


def write_layers(folder: Path, table: LayerTable) -> None:
    """Write `table` into the folder of an engine; raises `OutputError`."""
    value = {"source": table.source, "layers": [asdict(layer) for layer in table.layers]}
    write_json(folder / LAYERS_NAME, value)


def read_layers(folder: Path) -> LayerTable:
    """Read what `write_layers` wrote; raises `BackendError` where it is missing or damaged."""
    path = folder / LAYERS_NAME
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        names = [field.name for field in fields(Layer)]
        layers = (Layer(*(str(layer[name]) for name in names)) for layer in raw["layers"])
        return LayerTable(str(raw["source"]), tuple(layers))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackendError(f"{path} cannot be read: {error!r}; build the engine again") from None


def _load(library: Library, plan: bytes | memoryview) -> Any | None:
    try:
        runtime = library.runtime()
    except BackendError:
        return None
    engine = runtime.deserialize_cuda_engine(plan)
    library.messages.take()
    return engine


def _inspected(library: Library, engine: Any) -> Iterator[Layer]:
    words = engine.create_engine_inspector().get_engine_information(
        library.module.LayerInformationFormat.JSON
    )
    for layer in json.loads(words).get("Layers", ()):
        if isinstance(layer, Mapping):
            output: Mapping[str, Any] = next(iter(layer.get("Outputs", ())), {})
            yield Layer(
                str(layer.get("Name", "")),
                str(layer.get("LayerType", "")),
                str(output.get("Format/Datatype", output.get("Datatype", ""))),
                _written(output.get("Dimensions", ())),
            )
        else:  # an engine built without details lists names only
            yield Layer(str(layer), "", "", "")


def _parsed(network: Any) -> Iterator[Layer]:
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        output = layer.get_output(0) if layer.num_outputs else None
        yield Layer(
            layer.name,
            layer.type.name,
            "" if output is None else output.dtype.name,
            "" if output is None else _written(output.shape),
        )


def _written(sides: Any) -> str:
    return "x".join("?" if side < 0 else str(side) for side in sides)
