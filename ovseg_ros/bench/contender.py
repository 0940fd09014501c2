"""One package on one engine in a process of its own, so that its memory can be told apart."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.bench.child import Child, answer_all
from ovseg_ros.closing import Closing
from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.segmentation import MaskArray, UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import LabelSpec


@dataclass(frozen=True)
class ContenderSpec:
    """What to time: a package, by name or folder, and the engine it runs on.

    `eager` is torch that is called anew for every frame; `camera_px` (W, H) chooses among engines
    that were built for one size of frames each.
    """

    package: str
    engine: EngineChoice
    threads: int = 0
    camera_px: tuple[int, int] | None = None
    eager: bool = False

    def __str__(self) -> str:
        """Return both in words."""
        return f"{self.package}, {self.engine}{', eager' if self.eager else ''}"


class Call(NamedTuple):
    """The times of one frame, ms: `Segmenter.infer`, the engine in it, and the processor's."""

    infer_ms: float
    engine_ms: float
    processor_ms: float


class Contender(Closing):
    """A child process that holds a segmenter and runs frames when asked to.

    It sleeps between calls, so several of them can be timed in turn. Raises `OvsegError` with the
    sentence of the child where that refuses, and where the child died.
    """

    def __init__(self, spec: ContenderSpec, frames: Sequence[UInt8Array]) -> None:
        """Start the process and load the package there; `frames` are uint8 [H, W, 3]."""
        self.spec = spec
        self._child = Child(str(spec), _serve, spec)
        self._child.ask("load", list(frames))

    def set_label_count(self, count: int) -> None:
        """Make the query one of `count` labels."""
        self._child.ask("labels", count)

    def infer_ms(self, frame: int) -> float:
        """Segment the frame of this index and return how long `Segmenter.infer` took, ms."""
        return self.infer_block(frame, 1)[0].infer_ms

    def infer_block(self, frame: int, calls: int) -> list[Call]:
        """Segment `calls` frames one after another, beginning with that of this index."""
        calls_made: list[Call] = self._child.ask("block", (frame, calls))
        return calls_made

    def after_query_ms(self, changes: int) -> list[float]:
        """Return how long the first frame took after each of `changes` of the query's order."""
        times_ms: list[float] = self._child.ask("query", changes)
        return times_ms

    def after_adapter_ms(self, changes: int) -> list[float]:
        """Return how long the first frame took after each of `changes` of a random adapter.

        Empty where the package takes none.
        """
        times_ms: list[float] = self._child.ask("adapter", changes)
        return times_ms

    def label_mask(self, frame: int) -> MaskArray:
        """Segment the frame of this index and return its mask [H, W]."""
        mask: MaskArray = self._child.ask("mask", frame)
        return mask

    def peak_rss_mb(self) -> float:
        """Return the peak resident memory of the process so far, in MB."""
        return float(self._child.ask("memory"))

    def close(self) -> None:
        """End the process."""
        self._child.close()


def _serve(pipe: Connection, spec: ContenderSpec) -> None:
    """Be the whole life of a child."""
    with ExitStack() as stack:
        loaded: list[_Bench] = []

        def answer(what: str, value: Any) -> Any:
            if what == "load":
                segmenter = stack.enter_context(_open(spec))
                loaded.append(_Bench(segmenter, value))
                return None
            return loaded[0].answer(what, value)

        answer_all(pipe, answer)


def _open(spec: ContenderSpec) -> Segmenter:
    if not spec.eager:
        return Segmenter.open(
            spec.package, engine=spec.engine, threads=spec.threads, camera_px=spec.camera_px
        )
    from ovseg_ros.engine.torch import Launch, TorchBackend
    from ovseg_ros.engine.verdicts import require_pass
    from ovseg_ros.packages import ModelPackage
    from ovseg_ros.text.bank import TextBank
    from ovseg_ros.user_folders import user_cache_folder
    from ovseg_ros.vocabulary import IdSpace

    package = ModelPackage.load(spec.package)
    require_pass(package, spec.engine, user_cache_folder(), spec.camera_px)
    backend = TorchBackend(package, spec.engine, Launch.EAGER)
    return Segmenter(package, backend, TextBank.load(package), IdSpace.MONO8)


class _Bench:
    """A segmenter, frames for it, and answers about both."""

    def __init__(self, segmenter: Segmenter, frames: Sequence[UInt8Array]) -> None:
        self._segmenter, self._frames = segmenter, frames
        self._specs: list[LabelSpec] = []

    def answer(self, what: str, value: Any) -> Any:
        match what:
            case "labels":
                self._specs = [LabelSpec(name) for name in _names(self._segmenter, value)]
                self._segmenter.set_labels(self._specs)
                return None
            case "block":
                first, calls = value
                return [self._call(first + number) for number in range(calls)]
            case "mask":
                return self._segmenter.infer(self._frames[value]).label_mask
            case "query":
                return self._after(self._turn_query, value)
            case "adapter":
                return self._after_adapters(value)
            case _:
                # Linux counts it in KiB.
                return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6

    def _call(self, number: int) -> Call:
        frame = self._frames[number % len(self._frames)]
        processor_ns, start_ns = time.process_time_ns(), time.perf_counter_ns()
        found = self._segmenter.infer(frame)
        end_ns = time.perf_counter_ns()
        processor_ms = (time.process_time_ns() - processor_ns) / 1e6
        return Call((end_ns - start_ns) / 1e6, found.timings.inference_ms, processor_ms)

    def _after(self, change: Callable[[int], None], changes: int) -> list[float]:
        times_ms = []
        for number in range(changes):
            change(number)
            times_ms.append(self._call(number).infer_ms)
        return times_ms

    def _turn_query(self, number: int) -> None:
        """Set the same labels in another order: a text bank of the same size."""
        turn = (number + 1) % len(self._specs)
        self._segmenter.set_labels([*self._specs[turn:], *self._specs[:turn]])

    def _after_adapters(self, changes: int) -> list[float]:
        from ovseg_ros.check.material import random_adapter

        card = self._segmenter.package.card
        if not card.lora_sites:
            return []
        mixes = [
            AdapterMix(AdapterMode.PINNED, (name,), (1.0,), (0.0,), "bench", factors)
            for name, factors in zip("AB", (random_adapter(card, n) for n in (1, 2)), strict=True)
        ]
        # The first adapter may need another set of shapes than none, made once.
        self._after(lambda number: self._segmenter.set_adapter(mixes[number]), 2)
        times_ms = self._after(lambda n: self._segmenter.set_adapter(mixes[n % 2]), changes)
        self._segmenter.set_adapter(AdapterMix())
        return times_ms


def _names(segmenter: Segmenter, count: int) -> list[str]:
    """Return `count` names: those the text tower was trained on first, then made up ones."""
    trained = segmenter.text_bank.names
    known = list(trained.source_of)[:count] if trained else []
    return known + [f"thing {i}" for i in range(count - len(known))]
