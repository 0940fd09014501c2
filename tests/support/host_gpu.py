"""A GPU that is none: memory of the host at real addresses, and a stream that dawdles.

Work is only done when somebody waits for it, so a result that is read too early, a buffer that is
filled too early and memory that is freed too early all show.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ovseg_ros.closing import Closing
from ovseg_ros.engine.cuda.device import MB, GpuFacts
from ovseg_ros.engine.cuda.memory import out_of_memory

STREAM = 4711
_POISON = 0xA5


def host_facts(index: int = 0, integrated: bool = False) -> GpuFacts:
    """Return the facts about a GPU that is none."""
    return GpuFacts(index, "Host double", "8.7", "12.6", "540.4", 1024, 512, integrated)


class HostMemoryBlock(Closing):
    """`size` bytes; `array` is the host's view, which only pinned memory lets anyone use."""

    def __init__(self, gpu: HostGpu, size: int, pinned: bool) -> None:
        """Take a block whose address is a multiple of 256."""
        raw = np.full(size + 256, _POISON, np.uint8)
        self.array = raw[-raw.ctypes.data % 256 :][:size]
        self._raw, self._gpu = raw, gpu
        self.address, self.size, self.pinned = self.array.ctypes.data, size, pinned
        self.live = True

    def close(self) -> None:
        """Free it as CUDA does: after all work under way."""
        if self.live:
            self._gpu.finish()
            self.live = False
            self._raw[:] = _POISON


class HostMark(Closing):
    """A place in the queue."""

    def __init__(self, gpu: HostGpu) -> None:
        """Start out passed."""
        self._gpu, self.passed, self.live = gpu, True, True

    def record(self) -> None:
        """Enter the queue."""
        assert self.live, "a mark was recorded after it was closed"
        self.passed = False
        self._gpu.enqueue(self._pass)

    def wait(self) -> None:
        """Do work until this is passed."""
        assert self.live, "a mark was waited for after it was closed"
        self._gpu.work_until(lambda: self.passed)

    def milliseconds_since(self, earlier: HostMark) -> float:
        """Return a time that is none."""
        assert self.passed and earlier.passed
        return 0.0

    def close(self) -> None:
        """Free it."""
        self.live = False

    def _pass(self) -> None:
        self.passed = True


class HostRecording(Closing):
    """Work that was recorded."""

    def __init__(self, gpu: HostGpu, work: list[Callable[[], None]]) -> None:
        """Keep `work`."""
        self._gpu, self._work, self.live = gpu, work, True

    def launch(self) -> None:
        """Queue all of it."""
        assert self.live, "a recording was launched after it was closed"
        self._gpu.launches += 1
        for each in self._work:
            self._gpu.enqueue(each)

    def close(self) -> None:
        """Free it."""
        self.live = False
        self._work.clear()


@dataclass
class HostGpu(Closing):
    """See `ovseg_ros.engine.cuda.gpu.Gpu`; `budget` is how many bytes can be allocated."""

    facts: GpuFacts = field(default_factory=host_facts)
    budget: int = 512 * MB
    stream: int = STREAM
    launches: int = 0
    copies: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        """Start with nothing."""
        self.blocks: list[HostMemoryBlock] = []
        self.owned: list[HostMark | HostRecording] = []
        self._queue: deque[Callable[[], None]] = deque()
        self._recorded: list[Callable[[], None]] | None = None
        self._threads = {threading.get_ident()}

    @property
    def leaks(self) -> list[object]:
        """What was not given back."""
        return [each for each in (*self.blocks, *self.owned) if each.live]

    @property
    def pending(self) -> int:
        """How many pieces of work wait."""
        return len(self._queue)

    def activate(self) -> None:
        """Note the thread."""
        self._threads.add(threading.get_ident())

    def allocate(self, size: int, purpose: str) -> HostMemoryBlock:
        """Return a block that stands for memory of the GPU."""
        return self._allocated(size, purpose, pinned=False)

    def allocate_host(self, size: int, purpose: str) -> HostMemoryBlock:
        """Return a block that stands for pinned memory."""
        return self._allocated(size, purpose, pinned=True)

    def copy(self, target: int, source: int, size: int) -> None:
        """Queue a copy between live blocks, or from memory of somebody else."""

        def work() -> None:
            self.block_at(target, size)
            ctypes.memmove(target, source, size)

        self.block_at(source, size, or_foreign=True)
        self.copies += self._recorded is None
        self.enqueue(work)

    def clear(self, target: int, size: int) -> None:
        """Queue the filling."""
        self.enqueue(lambda: ctypes.memset(self.block_at(target, size).address, 0, size))

    def mark(self, timing: bool = False) -> HostMark:
        """Return a mark."""
        mark = HostMark(self)
        self.owned.append(mark)
        return mark

    def finish(self) -> None:
        """Do all work."""
        self.work_until(lambda: not self._queue)

    def record(self, work: Callable[[], None]) -> HostRecording:
        """Keep what `work` queues instead of queueing it."""
        self._recorded = kept = []
        try:
            work()
        finally:
            self._recorded = None
        recording = HostRecording(self, kept)
        self.owned.append(recording)
        return recording

    def close(self) -> None:
        """Free the stream."""
        self.finish()
        self.closed = True

    def enqueue(self, work: Callable[[], None]) -> None:
        """Put `work` behind all other work."""
        assert not self.closed, "work was handed over after the GPU was closed"
        assert threading.get_ident() in self._threads, "the GPU is not current in this thread"
        (self._queue if self._recorded is None else self._recorded).append(work)

    def work_until(self, done: Callable[[], bool]) -> None:
        """Do work in its order."""
        assert self._recorded is None, "nobody may wait while work is recorded"
        while not done():
            self._queue.popleft()()

    def block_at(self, address: int, size: int, or_foreign: bool = False) -> HostMemoryBlock:
        """Return the live block that holds these bytes."""
        for block in self.blocks:
            if block.address <= address and address + size <= block.address + block.size:
                assert block.live, "memory was used after it was freed"
                return block
        assert or_foreign, f"{size} bytes at {address:x} are nobody's memory"
        return self.blocks[0]

    def _allocated(self, size: int, purpose: str, pinned: bool) -> HostMemoryBlock:
        free = self.budget - sum(block.size for block in self.blocks if block.live)
        if size > free:
            raise out_of_memory(purpose, size, free, self.budget)
        self.blocks.append(HostMemoryBlock(self, size, pinned))
        return self.blocks[-1]
