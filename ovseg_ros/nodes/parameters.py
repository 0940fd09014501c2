"""The node's parameters: what they are called, what they may be, and when they take effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from ovseg_ros.adapters.mix import AdapterMode
from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.engine.profile import camera_from_text
from ovseg_ros.errors import BackendError, OvsegError
from ovseg_ros.packages import DEFAULT_PACKAGE
from ovseg_ros.vocabulary import IdSpace


class ParameterError(OvsegError):
    """A parameter value was refused; the values in force stay as they were."""


class Transport(Enum):
    """Which form of the image topic is subscribed to."""

    RAW = "raw"
    COMPRESSED = "compressed"


class ConfidenceEncoding(Enum):
    """How confidence is published: 0..255 in `mono8`, 0..1 in `32FC1`."""

    MONO8 = "mono8"
    FLOAT32 = "32FC1"


class Applies(Enum):
    """When a change of a parameter takes effect."""

    LIVE = "at once"
    ACTIVATE = "at the next activate"
    CONFIGURE = "at the next configure"
    START = "only at start"


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter. `choices` or the range `bounds` (both ends included) limit its values.

    An empty default stands for "not said", which is accepted beside the choices.
    """

    name: str
    default: bool | int | float | str | list[str]
    applies: Applies
    description: str
    choices: type[Enum] | None = None
    bounds: tuple[float, float] | None = None

    def check(self, value: Any) -> None:
        """Raise `ParameterError` unless `value` is one of the choices or inside the range."""
        if self.choices is not None:
            valid = [member.value for member in self.choices]
            if value not in valid and value != self.default:
                raise ParameterError(f"{self.name} is {value!r}; it must be {' or '.join(valid)}")
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            raise ParameterError(
                f"{self.name} is {value!r}; it must be from {self.bounds[0]:g} "
                f"to {self.bounds[1]:g}"
            )

    def descriptor(self) -> ParameterDescriptor:
        """Return the description that `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(
            description=f"{self.description} Takes effect {self.applies.value}.",
            read_only=self.applies is Applies.START,
        )
        if self.choices is not None:
            valid = ", ".join(member.value for member in self.choices)
            descriptor.additional_constraints = f"one of: {valid}"
        if self.bounds is not None:
            low, high = self.bounds
            if isinstance(self.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(low), to_value=float(high))
                ]
            else:
                descriptor.integer_range = [
                    IntegerRange(from_value=int(low), to_value=int(high), step=1)
                ]
        return descriptor


PARAMETERS: tuple[ParameterSpec, ...] = (
    ParameterSpec(
        "model.package",
        DEFAULT_PACKAGE,
        Applies.CONFIGURE,
        "Model package: a folder, or the name of an installed package.",
    ),
    ParameterSpec(
        "engine.backend",
        BackendName.ONNXRUNTIME.value,
        Applies.CONFIGURE,
        "Inference backend.",
        choices=BackendName,
    ),
    ParameterSpec(
        "engine.precision",
        "",
        Applies.CONFIGURE,
        "What the backend computes in; empty: fp32 on a processor, fp16 on a GPU. All but "
        "onnxruntime fp32 must have passed `ovseg check`.",
        choices=Precision,
    ),
    ParameterSpec(
        "engine.device",
        "",
        Applies.CONFIGURE,
        "Where the backend runs: cpu, cuda or cuda:N; empty: where it belongs.",
    ),
    ParameterSpec(
        "engine.camera",
        "",
        Applies.CONFIGURE,
        "Size of the frames, for example 640x480, where engines for several sizes were built.",
    ),
    ParameterSpec(
        "engine.fallback",
        "",
        Applies.CONFIGURE,
        "What runs instead where the GPU has no memory left, for example onnxruntime or "
        "openvino:bf16; the status says so. Empty: configure fails.",
    ),
    ParameterSpec(
        "engine.threads",
        0,
        Applies.CONFIGURE,
        "CPU threads of the backend, 0 for all cores; fewer leave room for other nodes.",
        bounds=(0, 256),
    ),
    ParameterSpec(
        "query.labels",
        "person; car; road; building; tree; sky",
        Applies.LIVE,
        "Query in force after configure, in the grammar of the topic ~/query; "
        "empty: wait for a query. A later query on a topic or service does not change it.",
    ),
    ParameterSpec(
        "query.templates",
        [""],
        Applies.LIVE,
        "Prompt templates, each with '{}' once, for queries that bring none of their own; "
        "empty strings are left out, none at all: those of the model package.",
    ),
    ParameterSpec(
        "input.transport",
        Transport.RAW.value,
        Applies.ACTIVATE,
        "Subscribe to 'image' (raw) or to 'image/compressed' (compressed: JPEG or PNG).",
        choices=Transport,
    ),
    ParameterSpec(
        "input.max_age_ms",
        0.0,
        Applies.LIVE,
        "Frames whose stamp is older than this, before inference or after it, are dropped and "
        "counted as stale; 0: no limit. With a bag, set use_sim_time or leave it 0.",
        bounds=(0.0, 3.6e6),
    ),
    ParameterSpec(
        "input.stall_timeout_s",
        5.0,
        Applies.LIVE,
        "Diagnostics warn when no image arrived for this long; 0: never.",
        bounds=(0.0, 3600.0),
    ),
    ParameterSpec(
        "output.mask.encoding",
        IdSpace.MONO8.value,
        Applies.START,
        "Encoding of ~/label_mask. mono8 is what Nav2 and viewers read; "
        "mono16 allows ids above 254.",
        choices=IdSpace,
    ),
    ParameterSpec(
        "output.confidence.encoding",
        ConfidenceEncoding.MONO8.value,
        Applies.LIVE,
        "Encoding of ~/confidence: 0..255 in mono8, 0..1 in 32FC1.",
        choices=ConfidenceEncoding,
    ),
    ParameterSpec(
        "output.overlay.opacity",
        0.5,
        Applies.LIVE,
        "Weight of the label colours in ~/overlay.",
        bounds=(0.0, 1.0),
    ),
    ParameterSpec(
        "adapter.mode",
        AdapterMode.NONE.value,
        Applies.CONFIGURE,
        "How domain adapters are chosen after configure; ~/set_adapter changes it. "
        "'pinned' needs names and is accepted by that service only.",
        choices=AdapterMode,
    ),
    ParameterSpec(
        "diagnostics.enable",
        True,
        Applies.LIVE,
        "Publish to /diagnostics.",
    ),
    ParameterSpec(
        "status.period_s",
        1.0,
        Applies.START,
        "Period of ~/status, of /diagnostics and of the repeated label topics.",
        bounds=(0.05, 60.0),
    ),
)


@dataclass(frozen=True)
class Settings:
    """The values of all parameters at one moment; fields are named as the parameters are."""

    model_package: str
    engine_backend: BackendName
    engine_precision: Precision | None
    engine_device: str
    engine_camera: str
    engine_fallback: str
    engine_threads: int
    query_labels: str
    query_templates: tuple[str, ...]
    input_transport: Transport
    input_max_age_ms: float
    input_stall_timeout_s: float
    output_mask_encoding: IdSpace
    output_confidence_encoding: ConfidenceEncoding
    output_overlay_opacity: float
    adapter_mode: AdapterMode
    diagnostics_enable: bool
    status_period_s: float

    @property
    def engine(self) -> EngineChoice:
        """The engine of `engine.backend`, `.precision` and `.device`."""
        precision = self.engine_precision.value if self.engine_precision else ""
        return EngineChoice.of(self.engine_backend.value, precision, self.engine_device)

    @property
    def fallback(self) -> EngineChoice | None:
        """The engine of `engine.fallback`; None where there is to be none."""
        return EngineChoice.parse(self.engine_fallback) if self.engine_fallback else None

    @property
    def camera_px(self) -> tuple[int, int] | None:
        """(W, H) of `engine.camera`; None where it is not said."""
        return camera_from_text(self.engine_camera) if self.engine_camera else None

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Settings:
        """Build the settings from `values` by parameter name; raises `ParameterError`."""
        fields: dict[str, Any] = {}
        for spec in PARAMETERS:
            value = values[spec.name]
            spec.check(value)
            chosen = spec.choices(value) if spec.choices and value else None
            fields[spec.name.replace(".", "_")] = chosen if spec.choices else value
        fields["query_templates"] = tuple(text for text in fields["query_templates"] if text)
        if fields["adapter_mode"] is AdapterMode.PINNED:
            raise ParameterError(
                "adapter.mode is 'pinned', which needs names; use 'none' or 'auto' here and pin "
                "adapters with the service ~/set_adapter"
            )
        settings = cls(**fields)
        try:
            # Each of these is refused here where it is no engine or no size.
            _ = settings.engine, settings.fallback, settings.camera_px
        except BackendError as error:
            raise ParameterError(f"the parameters engine.*: {error}") from None
        return settings


def declare(node: Node) -> Settings:
    """Declare all parameters on `node` and return their values; raises `ParameterError`."""
    values: dict[str, Any] = {
        spec.name: node.declare_parameter(spec.name, spec.default, spec.descriptor()).value
        for spec in PARAMETERS
    }
    return Settings.from_values(values)


def changed(node: Node, changes: Iterable[Any]) -> Settings:
    """Return the settings of `node` as they would be after `changes`; raises `ParameterError`."""
    values = {spec.name: node.get_parameter(spec.name).value for spec in PARAMETERS}
    values.update((change.name, change.value) for change in changes if change.name in values)
    return Settings.from_values(values)
