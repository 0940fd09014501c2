"""One package on one engine in a process of its own, so that its memory can be told apart."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from ovseg_ros.closing import Closing
from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.errors import OvsegError
from ovseg_ros.segmentation import MaskArray, UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import LabelSpec


@dataclass(frozen=True)
class ContenderSpec:
    """What to time: a package, by name or folder, and the engine it runs on."""

    package: str
    engine: EngineChoice
    threads: int = 0

    def __str__(self) -> str:
        """Return both in words."""
        return f"{self.package}, {self.engine}"


class Contender(Closing):
    """A child process that holds a segmenter and runs a frame when asked to.

    It sleeps between calls, so several of them can be timed in turn. Raises `OvsegError` with the
    sentence of the child where that refuses, and where the child died.
    """

    def __init__(self, spec: ContenderSpec, frames: Sequence[UInt8Array]) -> None:
        """Start the process and load the package there; `frames` are uint8 [H, W, 3]."""
        self.spec = spec
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, spec), daemon=True)
        self._process.start()
        theirs.close()
        self._ask("load", list(frames))

    def set_label_count(self, count: int) -> None:
        """Make the query one of `count` labels."""
        self._ask("labels", count)

    def infer_ms(self, frame: int) -> float:
        """Segment the frame of this index and return how long `Segmenter.infer` took, ms."""
        return float(self._ask("infer", frame))

    def label_mask(self, frame: int) -> MaskArray:
        """Segment the frame of this index and return its mask [H, W]."""
        mask: MaskArray = self._ask("mask", frame)
        return mask

    def peak_rss_mb(self) -> float:
        """Return the peak resident memory of the process so far, in MB."""
        return float(self._ask("memory", None))

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, what: str, value: Any) -> Any:
        try:
            self._pipe.send((what, value))
            refusal, answer = self._pipe.recv()
        except (EOFError, OSError):
            self.close()
            raise OvsegError(
                f"the process of {self.spec} ended (exit code {self._process.exitcode}); "
                "see its message above, and whether the memory suffices"
            ) from None
        if refusal:
            self.close()
            raise OvsegError(f"{self.spec}: {refusal}")
        return answer


def _serve(pipe: Connection, spec: ContenderSpec) -> None:
    """Answer what the other end of `pipe` asks until it closes; the whole life of a child."""
    try:
        _, frames = pipe.recv()
        segmenter = Segmenter.open(
            spec.package,
            engine=spec.engine,
            threads=spec.threads,
        )
        pipe.send(("", None))
        with segmenter:
            while True:
                what, value = pipe.recv()
                pipe.send(("", _answer(segmenter, frames, what, value)))
    except OvsegError as error:
        pipe.send((str(error), None))
    except (EOFError, KeyboardInterrupt):
        pass


def _answer(segmenter: Segmenter, frames: Sequence[UInt8Array], what: str, value: int) -> Any:
    match what:
        case "labels":
            segmenter.set_labels([LabelSpec(name) for name in _names(segmenter, value)])
            return None
        case "infer":
            start_ns = time.perf_counter_ns()
            segmenter.infer(frames[value])
            return (time.perf_counter_ns() - start_ns) / 1e6
        case "mask":
            return segmenter.infer(frames[value]).label_mask
        case _:
            # Linux counts it in KiB.
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _names(segmenter: Segmenter, count: int) -> list[str]:
    """Return `count` names: those the text tower was trained on first, then made up ones."""
    trained = segmenter.text_bank.names
    known = list(trained.source_of)[:count] if trained else []
    return known + [f"thing {i}" for i in range(count - len(known))]
