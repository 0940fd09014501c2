"""The torch backend: the network itself, on a GPU without TensorRT or on the processor.

It is written for what other engines are compared with on a GPU, and to run where none was built.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.mix import LoraFactors, packed_factors
from ovseg_ros.closing import Closing
from ovseg_ros.engine.base import Capabilities, RawResult, TextRows
from ovseg_ros.engine.choice import CPU, EngineChoice, Precision
from ovseg_ros.engine.signature import MOST_FRAMES
from ovseg_ros.engine.verdicts import EngineSource
from ovseg_ros.errors import BackendError, MissingExtraError
from ovseg_ros.machine import processor_name
from ovseg_ros.packages import ModelPackage

if TYPE_CHECKING:
    from ovseg_ros.engine.torch_device import TorchDevice
    from ovseg_ros.engine.torch_runs import Network, Runner

EXTRA = "torch"
_DTYPES = {Precision.FP32: "float32", Precision.FP16: "float16"}


class Launch(Enum):
    """How the network is run: recorded once for each set of shapes, or called for every frame."""

    GRAPH = "graph"
    EAGER = "eager"


def import_torch() -> Any:
    """Return the torch module; raises `MissingExtraError` where it is not installed."""
    try:
        import torch
    except ImportError:
        raise MissingExtraError("torch", EXTRA) from None
    return torch


def torch_source(package: ModelPackage, choice: EngineChoice) -> EngineSource:
    """Return what `TorchBackend` would load for `package`, without loading it.

    Raises `MissingExtraError`, `BackendError` without the GPU of `choice`, and `PackageError` for
    a package without weights for torch.
    """
    torch = import_torch()
    from ovseg_ros.engine.torch_weights import require_torch_weights

    card = package.card
    # The weights are in both files.
    parts = card.files[package.segmenter_path.name], require_torch_weights(package)
    loaded = hashlib.sha256("".join(parts).encode()).hexdigest()
    return EngineSource(str(torch.__version__), loaded, _processor(choice))


def _processor(choice: EngineChoice) -> str:
    if choice.device == CPU:
        return processor_name()
    from ovseg_ros.engine.torch_graphs import gpu_words

    return gpu_words(choice)


class TorchBackend(Closing):
    """Runs the network of a package with torch, in float32 or in float16 with float32 islands."""

    def __init__(
        self, package: ModelPackage, choice: EngineChoice, launch: Launch | None = None
    ) -> None:
        """Load the network onto the device of `choice`; there is no falling back to another.

        `launch` None records on a GPU and does not on the processor. Raises `MissingExtraError`,
        `BackendError` without that GPU, `GpuMemoryError`, and `PackageError` for a package without
        weights for torch.
        """
        import_torch()
        from ovseg_ros.engine.torch_network import load_network

        on_cpu = choice.device == CPU
        self._device: TorchDevice = _open_device(choice)
        with self._device.active():
            graph = load_network(package)
            network = _network(graph, choice.precision, self._device)
            graphs = launch is Launch.GRAPH or (launch is None and not on_cpu)
            capacity = package.card.label_capacity
            self._runner: Runner = _runner(network, self._device, capacity if graphs else None)
        self.choice = choice
        self.capabilities = Capabilities(
            choice.device,
            _DTYPES[choice.precision],
            capacity,
            most_frames=MOST_FRAMES,
            best_frames=1 if on_cpu else MOST_FRAMES,
        )
        self._widths = package.card.lora_widths
        self._has_text = False
        self.set_adapter(None)

    def set_text(self, rows: TextRows) -> None:
        """Make `rows` the labels of the frames that follow."""
        with self._device.active():
            self._runner.set_text(rows)
        self._has_text = True

    def set_adapter(self, factors: LoraFactors | None) -> None:
        """Make `factors` the LoRA factors of the frames that follow; None or rank 0 is the base.

        Raises `AdapterError` where the factors do not have the widths of this package's sites.
        """
        packed = packed_factors(factors, self._widths)
        with self._device.active():
            self._runner.set_adapter(packed)

    def infer(self, images: npt.NDArray[np.uint8]) -> RawResult:
        """Segment `images` uint8 [B, H, W, 3] RGB.

        The first frame of a new size, or of more labels than before, takes as long as recording it.
        Raises `BackendError` before `set_text` and `GpuMemoryError`.
        """
        if not self._has_text:
            raise BackendError("no labels are set; call set_text before infer")
        with self._device.active():
            return self._runner.infer(images)

    def close(self) -> None:
        """Free the network and what was recorded."""
        del self._runner
        self._device.close()


def _open_device(choice: EngineChoice) -> TorchDevice:
    if choice.device == CPU:
        from ovseg_ros.engine.torch_device import HostDevice

        return HostDevice()
    from ovseg_ros.engine.torch_graphs import CudaDevice

    return CudaDevice(choice)


def _network(graph: Any, precision: Precision, device: TorchDevice) -> Network:
    """Return what maps the inputs of `graph` to its outputs, in `precision` and on `device`."""
    from ovseg_ros.engine.torch_half import run_half, to_half

    if precision is Precision.FP32:
        network: Network = graph.to(device.device)
        return network
    to_half(graph)
    return partial(run_half, graph.to(device.device))


def _runner(network: Network, device: TorchDevice, label_capacity: int | None) -> Runner:
    """Return what records the network for up to `label_capacity` labels; None: does not record."""
    from ovseg_ros.engine.torch_runs import EagerRunner, GraphRunner

    if label_capacity is None:
        return EagerRunner(network, device)
    return GraphRunner(network, device, label_capacity)
