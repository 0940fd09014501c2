"""The ONNX Runtime backend: the default on a CPU, fp32 and exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.mix import LoraFactors, packed_factors
from ovseg_ros.closing import Closing
from ovseg_ros.engine.base import Capabilities, RawResult, TextRows
from ovseg_ros.engine.choice import REFERENCE
from ovseg_ros.engine.signature import Port, most_frames, require_frames, require_signature
from ovseg_ros.errors import BackendError, MissingExtraError, PackageError
from ovseg_ros.packages import ModelPackage

_OUTPUTS = ("mask", "confidence", "embedding")
# Of ONNX Runtime's log levels.
_ERRORS = 3
_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
    "tensor(float16)": "float16",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
}


def import_onnxruntime() -> Any:
    """Return the onnxruntime module; raises `MissingExtraError` where it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("onnxruntime", "cpu") from None
    # Some builds report to their makers.
    onnxruntime.disable_telemetry_events()
    return onnxruntime


class OnnxRuntimeBackend(Closing):
    """Runs `segmenter.onnx` of a package with ONNX Runtime on the CPU."""

    choice = REFERENCE

    def __init__(self, package: ModelPackage, threads: int) -> None:
        """Load the graph; `threads` is how many threads an operator may use, 0 for all cores.

        Raises `PackageError` where it cannot be loaded or is not what the card says.
        """
        ort = import_onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # Spinning workers would take the cores from the camera and its consumers between frames.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # A plan for each number of labels takes a block of memory of its own, on top of the last
        # one; without plans a large network needs 40 % less memory and no more time.
        options.enable_mem_pattern = False
        # Programs were exported with one frame and say so of their outputs; each batch would be
        # warned about, twice.
        options.log_severity_level = _ERRORS
        try:
            self._session = ort.InferenceSession(
                str(package.segmenter_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises unrelated types of its own for a bad file
            raise PackageError(
                f"{package.segmenter_path} cannot be loaded by ONNX Runtime: {error}"
            ) from None
        self._path = package.segmenter_path
        self._frames = require_signature(
            [_port(entry) for entry in self._session.get_inputs()],
            [_port(entry) for entry in self._session.get_outputs()],
            package.card,
            self._path,
        )
        self._widths = package.card.lora_widths
        self.capabilities = Capabilities(
            "cpu",
            "float32",
            package.card.label_capacity,
            most_frames=most_frames(self._frames),
        )
        self._text: TextRows | None = None
        self.set_adapter(None)

    def set_text(self, rows: TextRows) -> None:
        """Make `rows` the labels of the frames that follow."""
        self._text = rows

    def set_adapter(self, factors: LoraFactors | None) -> None:
        """Make `factors` the LoRA factors of the frames that follow; None or rank 0 is the base.

        Raises `AdapterError` where the factors do not have the widths of this package's sites.
        """
        self._lora = packed_factors(factors, self._widths)

    def infer(self, images: npt.NDArray[np.uint8]) -> RawResult:
        """Segment `images` uint8 [B, H, W, 3] RGB.

        Raises `BackendError` before `set_text`, and `FrameError` where the package was exported for
        frames of another size.
        """
        if self._text is None:
            raise BackendError("no labels are set; call set_text before infer")
        require_frames(images.shape, self._frames, self._path)
        mask, confidence, embedding = self._session.run(
            _OUTPUTS,
            {
                "image": images,
                "text_bank": self._text.bank,
                "label_codes": self._text.codes,
                "thresholds": self._text.thresholds,
                "lora_a": self._lora[0],
                "lora_b": self._lora[1],
            },
        )
        return RawResult(mask, confidence, embedding)

    def close(self) -> None:
        """Free the session."""
        del self._session


def _port(entry: Any) -> Port:
    """Return an input or output of a session in words that all backends share."""
    # A free side has a name there, or none.
    shape = tuple(side if isinstance(side, int) else None for side in entry.shape)
    return Port(entry.name, _DTYPES.get(entry.type, entry.type), shape)
