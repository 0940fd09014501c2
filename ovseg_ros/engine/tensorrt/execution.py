"""An engine ready for frames: fixed memory, a context and recorded work for every bucket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.closing import Closing
from ovseg_ros.engine.base import RawResult
from ovseg_ros.engine.cuda.dlpack import GpuFrames
from ovseg_ros.engine.cuda.gpu import Gpu, Recording
from ovseg_ros.engine.profile import Bucket, EngineProfile
from ovseg_ros.engine.tensorrt.contexts import Contexts
from ovseg_ros.engine.tensorrt.frame_memory import IMAGE, RESULTS, FrameMemory
from ovseg_ros.engine.tensorrt.resident import Resident, TensorSpec
from ovseg_ros.engine.tensorrt.tensors import LORA, TEXT, input_shapes
from ovseg_ros.packages import Card


class Execution(Closing):
    """Runs frames one after another; `text` and `lora` hold what was set last."""

    def __init__(
        self,
        gpu: Gpu,
        contexts: Contexts,
        profile: EngineProfile,
        card: Card,
        specs: Mapping[str, TensorSpec],
    ) -> None:
        """Allocate, make the contexts, and run and record each bucket once.

        `specs` are the largest shapes of all inputs and outputs. Raises `GpuMemoryError` where
        the GPU has too little memory, with all of it given back, and `BackendError`.
        """
        self._gpu = gpu
        self._steps: dict[Bucket, _Step] = {}
        with ExitStack() as owned:
            self.text = owned.enter_context(Resident(gpu, _some(specs, TEXT), "the labels"))
            self.lora = owned.enter_context(Resident(gpu, _some(specs, LORA), "the adapters"))
            frame = FrameMemory(gpu, _some(specs, (IMAGE, *RESULTS)))
            self._frame = owned.enter_context(frame)
            working = gpu.allocate(max(contexts.working_bytes, 1), "the engine's working memory")
            owned.callback(working.close)
            # Registered last, so that contexts go before the memory that they are bound to.
            owned.callback(self._close_steps)
            for index, bucket in enumerate(profile.buckets):
                shapes = input_shapes(profile, bucket, card)
                context = contexts.create(gpu, index, shapes, self._addresses, working)
                self._steps[bucket] = self._prepared(contexts, context)
            contexts.save_cache()
            owned.callback(gpu.finish)
            self._owned = owned.pop_all()

    @property
    def _addresses(self) -> dict[str, int]:
        return {**self.text.addresses, **self.lora.addresses, **self._frame.addresses}

    def _prepared(self, contexts: Contexts, context: Any) -> _Step:
        def enqueue() -> None:
            contexts.enqueue(context, self._gpu.stream)
            self._frame.fetch()

        step = _Step(self._gpu, enqueue)
        # The first run after a change of shapes sets things up that must not be recorded.
        step.run()
        self._gpu.finish()
        if contexts.can_be_recorded(context, self._gpu.stream):
            step.record()
        return step

    @property
    def recorded(self) -> tuple[Bucket, ...]:
        """The buckets whose work is one CUDA graph of ours."""
        return tuple(bucket for bucket, step in self._steps.items() if step.is_recorded)

    def infer(self, frames: npt.NDArray[np.uint8] | GpuFrames, bucket: Bucket) -> RawResult:
        """Segment `frames` uint8 [1, H, W, 3] with the inputs of `bucket`; the result is a copy."""
        self._frame.put(frames)
        self._steps[bucket].run()
        self._gpu.finish()
        return self._frame.results()

    def close(self) -> None:
        """Free the contexts and all memory, in the opposite order of their making."""
        self._owned.close()

    def _close_steps(self) -> None:
        for step in self._steps.values():
            step.close()
        self._steps.clear()


class _Step:
    """What is handed to the GPU for one frame in one bucket: the engine, then the copies back."""

    def __init__(self, gpu: Gpu, enqueue: Callable[[], None]) -> None:
        self._gpu = gpu
        self._enqueue = enqueue
        self._recording: Recording | None = None

    @property
    def is_recorded(self) -> bool:
        return self._recording is not None

    def record(self) -> None:
        self._recording = self._gpu.record(self._enqueue)

    def run(self) -> None:
        if self._recording is None:
            self._enqueue()
        else:
            self._recording.launch()

    def close(self) -> None:
        if self._recording is not None:
            self._recording.close()


def _some(specs: Mapping[str, TensorSpec], names: tuple[str, ...]) -> dict[str, TensorSpec]:
    return {name: specs[name] for name in names}
