"""The TensorRT backend: an engine built for one GPU, one camera size and buckets of labels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ovseg_ros.adapters.mix import LoraFactors, packed_factors
from ovseg_ros.closing import Closing
from ovseg_ros.engine.base import Capabilities, RawResult, TextRows
from ovseg_ros.engine.choice import EngineChoice, Precision
from ovseg_ros.engine.cuda.device import describe_gpu
from ovseg_ros.engine.cuda.dlpack import Frames, read_frames
from ovseg_ros.engine.padding import pad_rank, pad_rows
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.contexts import Contexts
from ovseg_ros.engine.tensorrt.execution import Execution
from ovseg_ros.engine.tensorrt.opening import OpenedEngine, find_stored, open_engine
from ovseg_ros.engine.tensorrt.tensors import tensor_specs
from ovseg_ros.engine.verdicts import EngineSource
from ovseg_ros.errors import BackendError, FrameError
from ovseg_ros.packages import ModelPackage

Opener = Callable[[ModelPackage, EngineChoice, Path, "tuple[int, int] | None"], OpenedEngine]
_DTYPES = {
    Precision.FP32: "float32",
    Precision.FP16: "float16",
    Precision.INT8: "int8",
    Precision.FP8: "float8",
}


def engine_source(
    package: ModelPackage,
    choice: EngineChoice,
    cache: Path,
    camera_px: tuple[int, int] | None,
) -> EngineSource:
    """Return which engine of `package` would be loaded, by which library, on which GPU.

    Raises what `TensorRtBackend` raises where there is none.
    """
    gpu = describe_gpu(choice.gpu)
    library, stored = find_stored(package, choice, cache, camera_px)
    return EngineSource(
        f"{library.name} {library.version}",
        stored.sidecar.plan_sha256,
        str(gpu),
        stored.key.profile.camera,
    )


class TensorRtBackend(Closing):
    """Runs an engine that `ovseg build` left in the cache, on an NVIDIA GPU."""

    def __init__(
        self,
        package: ModelPackage,
        choice: EngineChoice,
        cache: Path,
        camera_px: tuple[int, int] | None,
        opener: Opener = open_engine,
    ) -> None:
        """Load the engine for `camera_px` (None: the only one there is), ready for frames.

        Raises `MissingExtraError`, `GpuMemoryError`, and `BackendError` without a GPU or an engine
        for it.
        """
        card = package.card
        with ExitStack() as owned:
            opened = owned.enter_context(opener(package, choice, cache, camera_px))
            contexts = Contexts(opened.library, opened.engine, opened.runtime_path)
            specs = tensor_specs(opened.engine, opened.profile, card)
            execution = Execution(opened.gpu, contexts, opened.profile, card, specs)
            self._execution = owned.enter_context(execution)
            self._owned = owned.pop_all()
        self.choice = choice
        self.profile: EngineProfile = opened.profile
        self.capabilities = Capabilities(
            f"cuda:{opened.gpu.facts.index} {opened.gpu.facts.name}",
            _DTYPES[choice.precision],
            min(card.label_capacity, opened.profile.label_buckets[-1]),
            opened.profile.camera_px,
            opened.profile,
            gpu_frames=True,
        )
        self._gpu = opened.gpu
        self._widths = card.lora_widths
        self._labels, self._rank = 0, 0
        self.set_adapter(None)

    def set_text(self, rows: TextRows) -> None:
        """Make `rows` the labels of the frames that follow.

        Raises `BackendError` naming the bucket to build where the engine has room for fewer.
        """
        bucket = self.profile.bucket_of(len(rows.codes), self._rank)
        padded = pad_rows(rows, bucket.labels)
        self._gpu.activate()
        self._execution.text.write(
            {
                "text_bank": padded.bank,
                "label_codes": padded.codes,
                "thresholds": padded.thresholds,
            }
        )
        self._labels = len(rows.codes)

    def set_adapter(self, factors: LoraFactors | None) -> None:
        """Make `factors` the LoRA factors of the frames that follow; None or rank 0 is the base.

        Raises `AdapterError` for factors of other widths than this package's, and `BackendError`
        naming the bucket to build where the engine has room for fewer ranks.
        """
        a, b = packed_factors(factors, self._widths)
        bucket = self.profile.bucket_of(self._labels, len(a))
        self._gpu.activate()
        self._execution.lora.write(
            {"lora_a": pad_rank(a, bucket.rank), "lora_b": pad_rank(b, bucket.rank)}
        )
        self._rank = len(a)

    def infer(self, images: Frames) -> RawResult:
        """Segment `images` uint8 [1, H, W, 3] RGB, in numpy or by DLPack, on the host or this GPU.

        Raises `BackendError` before `set_text` and where the GPU fails, and `FrameError` for
        frames of another kind or size than the engine's.
        """
        if not self._labels:
            raise BackendError("no labels are set; call set_text before infer")
        self._gpu.activate()
        frames = read_frames(images, self._gpu.facts.index, self._gpu.stream)
        self._require_size(frames.shape)
        bucket = self.profile.bucket_of(self._labels, self._rank)
        return self._execution.infer(frames, bucket)

    def close(self) -> None:
        """Free the engine and all its memory; a second time does nothing."""
        self._gpu.activate()
        self._owned.close()

    def _require_size(self, shape: tuple[int, ...]) -> None:
        count, height, width, _ = shape
        if (width, height) != self.profile.camera_px:
            raise FrameError(
                f"a frame of {width}x{height} px was given, the engine was built for "
                f"{self.profile.camera}; set the camera to that size, or build another engine "
                f"with  ovseg build --camera {width}x{height}"
            )
        if count != 1:
            raise FrameError(
                f"a batch of {count} frames was given; engines take one frame at a time"
            )
