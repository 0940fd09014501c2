"""The node's parameters: what they are called, what they may be, and when they take effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from rclpy.node import Node

from ovseg_ros.adapters.mix import AdapterMode
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.adapters.selection import SelectionSettings
from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.engine.profile import camera_from_text
from ovseg_ros.errors import AdapterError, BackendError
from ovseg_ros.nodes.cameras import check_cameras
from ovseg_ros.nodes.parameter_spec import Applies, ParameterError, ParameterSpec
from ovseg_ros.packages import DEFAULT_PACKAGE
from ovseg_ros.segmenter import EVERY_CAMERA
from ovseg_ros.vocabulary import IdSpace


class Transport(Enum):
    """Which form of the image topic is subscribed to."""

    RAW = "raw"
    COMPRESSED = "compressed"


class ConfidenceEncoding(Enum):
    """How confidence is published: 0..255 in `mono8`, 0..1 in `32FC1`."""

    MONO8 = "mono8"
    FLOAT32 = "32FC1"


# What a parameter of the selection is where nobody says otherwise: as it was measured.
_SELECTION = SelectionSettings()

PARAMETERS: tuple[ParameterSpec, ...] = (
    ParameterSpec(
        "cameras",
        [""],
        Applies.CONFIGURE,
        "Names of the cameras, whose topics are then <name>/image and ~/<name>/label_mask etc.; "
        "empty strings are left out, none at all: a single camera, whose topics are image and "
        "~/label_mask etc.",
    ),
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
        "engine.stall_timeout_s",
        10.0,
        Applies.LIVE,
        "An inference that takes longer than this, three times this for the first one after "
        "activate and ten times the usual at least, is given up, and the node goes back to "
        "unconfigured; 0: never.",
        bounds=(0.0, 3600.0),
    ),
    ParameterSpec(
        "lifecycle.autostart",
        False,
        Applies.START,
        "Configure and activate the node when its process starts; false leaves that to a lifecycle "
        "manager.",
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
        "batch.max_frames",
        0,
        Applies.LIVE,
        "At most so many frames of different cameras are segmented in one call of the engine, "
        "where it takes that many; 0: as many as suit it, that is one on a processor and all on a "
        "GPU.",
        bounds=(0, 16),
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
        "points.max_stamp_gap_ms",
        20.0,
        Applies.LIVE,
        "A frame gets the depth of its own stamp, or else the nearest within this; 0: only its "
        "own.",
        bounds=(0.0, 1000.0),
    ),
    ParameterSpec(
        "points.opacity",
        0.0,
        Applies.LIVE,
        "Weight of the label colours in the colour of ~/points; 0: that of the camera.",
        bounds=(0.0, 1.0),
    ),
    ParameterSpec(
        "adapter.mode",
        AdapterMode.AUTO.value,
        Applies.CONFIGURE,
        "How domain adapters are chosen after configure: by the scene (auto; the base model where "
        "there are no adapters) or none; ~/set_adapter changes it. 'pinned' needs names and is "
        "accepted by that service only.",
        choices=AdapterMode,
    ),
    ParameterSpec(
        "adapter.dir",
        "",
        Applies.CONFIGURE,
        "Folder of adapters, watched while the node runs; empty: 'adapters' in the model package.",
    ),
    ParameterSpec(
        "adapter.smoothing_s",
        _SELECTION.smoothing_s,
        Applies.LIVE,
        "Time constant of the mean over frames by which adapters are chosen; 0: every frame alone.",
        bounds=(0.0, 60.0),
    ),
    ParameterSpec(
        "adapter.min_dwell_s",
        _SELECTION.min_dwell_s,
        Applies.LIVE,
        "A mix stays in force at least this long.",
        bounds=(0.0, 3600.0),
    ),
    ParameterSpec(
        "adapter.hysteresis",
        _SELECTION.hysteresis,
        Applies.LIVE,
        "Share of the mix that must belong to other adapters before it changes.",
        bounds=(0.0, 0.95),
    ),
    ParameterSpec(
        "adapter.gate",
        _SELECTION.retrieval.gate,
        Applies.LIVE,
        "An adapter takes part where the scene is within so many spreads of its domain; where none "
        "is, the base model runs. 1000 is no gate.",
        bounds=(0.01, 1000.0),
    ),
    ParameterSpec(
        "adapter.temperature",
        _SELECTION.retrieval.temperature,
        Applies.LIVE,
        "Temperature of the softmax that makes weights of distances; low: the nearest alone.",
        bounds=(1e-4, 1000.0),
    ),
    ParameterSpec(
        "adapter.top_k",
        _SELECTION.retrieval.top_k,
        Applies.LIVE,
        "At most so many adapters are mixed.",
        bounds=(1, 64),
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

    cameras: tuple[str, ...]
    model_package: str
    engine_backend: BackendName
    engine_precision: Precision | None
    engine_device: str
    engine_camera: str
    engine_fallback: str
    engine_threads: int
    engine_stall_timeout_s: float
    lifecycle_autostart: bool
    query_labels: str
    query_templates: tuple[str, ...]
    input_transport: Transport
    input_max_age_ms: float
    input_stall_timeout_s: float
    batch_max_frames: int
    output_mask_encoding: IdSpace
    output_confidence_encoding: ConfidenceEncoding
    output_overlay_opacity: float
    points_max_stamp_gap_ms: float
    points_opacity: float
    adapter_mode: AdapterMode
    adapter_dir: str
    adapter_smoothing_s: float
    adapter_min_dwell_s: float
    adapter_hysteresis: float
    adapter_gate: float
    adapter_temperature: float
    adapter_top_k: int
    diagnostics_enable: bool
    status_period_s: float

    @property
    def camera_names(self) -> tuple[str, ...]:
        """The cameras; a single one is `EVERY_CAMERA`, that is without a name."""
        return self.cameras or (EVERY_CAMERA,)

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

    @property
    def adapter_folder(self) -> Path | None:
        """The folder of `adapter.dir`; None for that of the package."""
        return Path(self.adapter_dir).expanduser() if self.adapter_dir else None

    @property
    def selection(self) -> SelectionSettings:
        """How adapters are chosen by the scene."""
        return SelectionSettings(
            retrieval=RetrievalSettings(
                gate=self.adapter_gate,
                temperature=self.adapter_temperature,
                top_k=self.adapter_top_k,
            ),
            smoothing_s=self.adapter_smoothing_s,
            min_dwell_s=self.adapter_min_dwell_s,
            hysteresis=self.adapter_hysteresis,
        )

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Settings:
        """Build the settings from `values` by parameter name; raises `ParameterError`."""
        fields: dict[str, Any] = {}
        for spec in PARAMETERS:
            value = values[spec.name]
            spec.check(value)
            chosen = spec.choices(value) if spec.choices and value else None
            fields[spec.name.replace(".", "_")] = chosen if spec.choices else value
        for name in ("cameras", "query_templates"):
            fields[name] = tuple(text for text in fields[name] if text)
        check_cameras(fields["cameras"])
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
        try:
            _ = settings.selection
        except AdapterError as error:
            raise ParameterError(f"the parameters adapter.*: {error}") from None
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
