"""The OpenVINO backend: the same graph in fp32, bf16 or calibrated int8 on a CPU."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.mix import LoraFactors, packed_factors
from ovseg_ros.closing import Closing
from ovseg_ros.engine.base import Capabilities, RawResult, TextRows
from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.engine.quantised import find_quantised
from ovseg_ros.engine.signature import Port, most_frames, require_frames, require_signature
from ovseg_ros.errors import BackendError, MissingExtraError, PackageError
from ovseg_ros.packages import ModelPackage

EXTRA = "openvino"
_DEVICE = "CPU"
_OUTPUTS = ("mask", "confidence", "embedding")
_DTYPES = {Precision.FP32: "float32", Precision.BF16: "bfloat16", Precision.INT8: "int8"}
_NUMPY_NAMES = {"u8": "uint8", "i64": "int64", "f16": "float16", "f32": "float32", "f64": "float64"}
# What OpenVINO calls the capability of a processor that a precision needs.
_NEEDED = {Precision.FP32: "FP32", Precision.BF16: "BF16", Precision.INT8: "INT8"}


def import_openvino() -> Any:
    """Return the openvino module; raises `MissingExtraError` where it is not installed."""
    # Importing openvino reports to its makers over the network; without this module it does not.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError:
        raise MissingExtraError("openvino", EXTRA) from None
    return openvino


def openvino_version() -> str:
    """Return the version of OpenVINO without loading it; raises `MissingExtraError`."""
    try:
        return version("openvino")
    except PackageNotFoundError:
        raise MissingExtraError("openvino", EXTRA) from None


def require_precision(core: Any, precision: Precision) -> None:
    """Raise `BackendError` unless the processor computes in `precision` by itself.

    `core` is an openvino.Core; what it reports for the device decides.
    """
    capabilities = _capabilities(core)
    if _NEEDED[precision] in capabilities:
        return
    usable = [p.value for p, needed in _NEEDED.items() if needed in capabilities]
    raise BackendError(
        f"this processor ({core.get_property(_DEVICE, 'FULL_DEVICE_NAME')}) has no instructions "
        f"for {precision.value} that OpenVINO could use; choose a precision from "
        f"{', '.join(usable)}"
    )


def _hint(core: Any, precision: Precision) -> str:
    """Return what OpenVINO is to compute in; int8 layers carry their type, this is for the rest."""
    if precision is Precision.FP32:
        return "f32"
    # A graph with int8 layers has been rounded already; bf16 for the rest costs little more.
    return "bf16" if _NEEDED[Precision.BF16] in _capabilities(core) else "f32"


def _capabilities(core: Any) -> list[str]:
    return list(core.get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES"))


def read_graph(core: Any, path: Path) -> Any:
    """Return the graph at `path` (ONNX or OpenVINO's own format) as an openvino.Model.

    Raises `PackageError` where OpenVINO cannot read it.
    """
    try:
        return core.read_model(str(path))
    except Exception as error:  # openvino raises plain RuntimeErrors, and others for some operators
        raise PackageError(f"{path} cannot be read by OpenVINO: {error}") from None


class OpenVinoBackend(Closing):
    """Runs `segmenter.onnx` of a package, or its calibrated form, with OpenVINO on the CPU."""

    def __init__(
        self, package: ModelPackage, precision: Precision, threads: int, cache: Path
    ) -> None:
        """Compile the graph; `threads` is how many threads it may use, 0 for all cores.

        `cache` is where `ovseg calibrate` leaves int8 models. Raises `BackendError` where the
        processor lacks `precision` or the package was not calibrated, and `PackageError` where
        the graph cannot be compiled or is not what the card says.
        """
        ov = import_openvino()
        core = ov.Core()
        require_precision(core, precision)
        int8 = precision is Precision.INT8
        path = find_quantised(cache, package).graph_path if int8 else package.segmenter_path
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": _hint(core, precision),
            "INFERENCE_NUM_THREADS": threads,
        }
        graph = read_graph(core, path)
        self._path = path
        self._frames = require_signature(
            [_port(each) for each in graph.inputs],
            [_port(each) for each in graph.outputs],
            package.card,
            path,
        )
        try:
            self._request = core.compile_model(graph, _DEVICE, settings).create_infer_request()
        except RuntimeError as error:
            raise PackageError(f"{path} cannot be compiled by OpenVINO: {error}") from None
        self._make_tensor = ov.Tensor
        self._widths = package.card.lora_widths
        self._has_text = False
        self.choice = EngineChoice(BackendName.OPENVINO, precision)
        self.capabilities = Capabilities(
            "cpu",
            _DTYPES[precision],
            package.card.label_capacity,
            most_frames=most_frames(self._frames),
        )
        self.set_adapter(None)

    def set_text(self, rows: TextRows) -> None:
        """Make `rows` the labels of the frames that follow."""
        self._keep("text_bank", rows.bank)
        self._keep("label_codes", rows.codes)
        self._keep("thresholds", rows.thresholds)
        self._has_text = True

    def set_adapter(self, factors: LoraFactors | None) -> None:
        """Make `factors` the LoRA factors of the frames that follow; None or rank 0 is the base.

        Raises `AdapterError` where the factors do not have the widths of this package's sites.
        """
        lora_a, lora_b = packed_factors(factors, self._widths)
        self._keep("lora_a", lora_a)
        self._keep("lora_b", lora_b)

    def infer(self, images: npt.NDArray[np.uint8]) -> RawResult:
        """Segment `images` uint8 [B, H, W, 3] RGB.

        Raises `BackendError` before `set_text`, and `FrameError` where the package was exported for
        frames of another size.
        """
        if not self._has_text:
            raise BackendError("no labels are set; call set_text before infer")
        require_frames(images.shape, self._frames, self._path)
        found = self._request.infer({"image": images})
        return RawResult(*(found[name] for name in _OUTPUTS))

    def close(self) -> None:
        """Free the compiled graph."""
        del self._request

    def _keep(self, name: str, value: npt.NDArray[Any]) -> None:
        """Copy `value` into an input that stays as it is until it is set again."""
        self._request.set_tensor(name, self._make_tensor(np.ascontiguousarray(value)))


def _port(found: Any) -> Port:
    """Return an input or output of an openvino.Model in words that all backends share."""
    kind, sides = found.get_element_type().get_type_name(), found.partial_shape
    shape = None
    if sides.rank.is_static:
        shape = tuple(None if side.is_dynamic else side.get_length() for side in sides)
    return Port(found.get_any_name(), _NUMPY_NAMES.get(kind, kind), shape)
