"""The TensorRT library that is installed: `tensorrt` 10.3 and newer, or `tensorrt_rtx`.

They differ in what they have; it is asked for by name, versions are never compared.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from importlib import import_module
from typing import Any

from ovseg_ros.engine.tensorrt.logger import Messages, logger_of
from ovseg_ros.errors import BackendError, MissingExtraError

NEEDS_GPU = (
    "builds on the GPU that is to run the engine: build there, or take  --library tensorrt_rtx, "
    "which builds without a GPU for GeForce and RTX cards"
)
_EXTRAS = {"tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt-rtx"}


class TensorRtLibrary(Enum):
    """The Python modules; where both are installed the first is taken."""

    TENSORRT = "tensorrt"
    TENSORRT_RTX = "tensorrt_rtx"


@dataclass(frozen=True)
class Library:
    """An imported module of TensorRT and what it can do; `logger` and `messages` are its own."""

    which: TensorRtLibrary
    module: Any
    logger: Any
    messages: Messages

    @property
    def name(self) -> str:
        """The module's name."""
        return self.which.value

    @property
    def version(self) -> str:
        """The module's version."""
        return str(self.module.__version__)

    @property
    def platform(self) -> str:
        """The system that its engines are for, for example 'linux-aarch64'."""
        return f"{platform.system().lower()}-{platform.machine()}"

    @cached_property
    def is_rtx(self) -> bool:
        """Whether engines are built without a GPU, for many kinds of GPUs, and end in a JIT there.

        Kernels are then chosen on the GPU that runs them; nothing is timed during the build.
        """
        return hasattr(self.module.IBuilderConfig, "num_compute_capabilities")

    def builder(self) -> Any:
        """Return a new Builder; raises `BackendError` where the library finds no usable GPU."""
        again = f"install {self.name} again"
        return self._made("Builder", again if self.is_rtx else f"{self.name} {NEEDS_GPU}")

    def runtime(self) -> Any:
        """Return a new Runtime; raises `BackendError` where the library cannot start."""
        return self._made("Runtime", "see what `ovseg doctor` says of the driver")

    def create_network(self, builder: Any) -> Any:
        """Return an empty network in which every tensor keeps the type that the program gives."""
        flags = self.module.NetworkDefinitionCreationFlag
        # Only 10.x asks for it; newer ones know no other networks and ignore the flag.
        strongly = getattr(flags, "STRONGLY_TYPED", None)
        return builder.create_network(0 if strongly is None else 1 << int(strongly))

    def said(self) -> str:
        """Return the errors since the last call, as lines that can end a message."""
        lines = self.messages.take() or ("it gave no reason",)
        return "\n".join(f"  {line}" for line in lines)

    def why_not_usable(self, runtime: Any, plan: bytes | memoryview) -> str | None:
        """Return why the GPU here cannot run `plan`, as far as the library tells beforehand.

        None where nothing speaks against it, or where only loading the engine would show it.
        """
        if not hasattr(runtime, "get_engine_validity"):
            return None
        header = bytes(memoryview(plan)[: runtime.engine_header_size])
        self.messages.take()
        validity, diagnostics = runtime.get_engine_validity(header)
        if validity != self.module.EngineValidity.INVALID:
            return None
        kinds = self.module.EngineInvalidityDiagnostics.__members__.items()
        faults = [name for name, bit in kinds if int(diagnostics) & int(bit)]
        named = ", ".join(faults) or "for no reason that has a name"
        return f"{self.name} calls it invalid here, {named}:\n{self.said()}"

    def _made(self, kind: str, remedy: str) -> Any:
        self.messages.take()
        try:
            made = getattr(self.module, kind)(self.logger)
        except (TypeError, RuntimeError) as error:  # pybind11's words for a null from the library
            self.messages.add(str(error))
            made = None
        if made is None:
            raise BackendError(
                f"{self.name} {self.version} makes no {kind} on this machine; {remedy}\n"
                f"{self.said()}"
            )
        return made


def open_library(which: TensorRtLibrary | None = None) -> Library:
    """Import the library `which`; None takes `tensorrt`, or `tensorrt_rtx` where that is missing.

    Raises `MissingExtraError` where it is not installed, and `BackendError` where it does not load.
    """
    for each in TensorRtLibrary if which is None else (which,):
        module = _import(each)
        if module is not None:
            return Library(each, module, *logger_of(module))
    missing = (which or TensorRtLibrary.TENSORRT).value
    raise MissingExtraError(missing, _EXTRAS[missing])


def _import(which: TensorRtLibrary) -> Any | None:
    try:
        return import_module(which.value)
    except ModuleNotFoundError as error:
        if error.name == which.value:
            return None
        found: Exception = error
    except (ImportError, OSError) as error:  # its shared libraries are missing or do not fit
        found = error
    raise BackendError(
        f"{which.value} is installed but does not load: {found}; install it again with  "
        f"pip install --force-reinstall 'ovseg_ros[{_EXTRAS[which.value]}]'"
    ) from None
