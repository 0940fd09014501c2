"""An NVIDIA GPU by cuda-core: its current context, a stream, marks in it, and CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ovseg_ros.closing import Closing
from ovseg_ros.engine.cuda.device import describe_gpu
from ovseg_ros.engine.cuda.driver import checked, explained, import_cuda
from ovseg_ros.engine.cuda.gpu import Mark
from ovseg_ros.engine.cuda.memory import DeviceMemory, PinnedMemory


class CudaGpu(Closing):
    """GPU `index`; see `Gpu` for what its methods do."""

    def __init__(self, index: int) -> None:
        """Make it current in this thread and create its stream.

        Raises `MissingExtraError`, and `BackendError` without a driver or this GPU.
        """
        self.facts = describe_gpu(index)
        self._cuda = import_cuda()
        self.activate()
        with explained("creating a stream"):
            self._stream = self._cuda.core.Device(index).create_stream()
            self.stream = int(self._stream.handle)
        self._end = self.mark()
        self._open = True

    def activate(self) -> None:
        """Make this the current GPU of the calling thread."""
        with explained("becoming the current one"):
            # Objects of this class belong to the thread that asked for them.
            self._cuda.core.Device(self.facts.index).set_current()

    def allocate(self, size: int, purpose: str) -> DeviceMemory:
        """Return memory on the GPU; its allocator keeps to multiples of 256."""
        return DeviceMemory(self._cuda, size, purpose)

    def allocate_host(self, size: int, purpose: str) -> PinnedMemory:
        """Return memory of the host that the GPU reaches."""
        return PinnedMemory(self._cuda, size, purpose)

    def copy(self, target: int, source: int, size: int) -> None:
        """Hand a copy over; addresses tell the driver on which side they lie."""
        with explained("copying"):
            checked(self._cuda.driver.cuMemcpyAsync(target, source, size, self.stream))

    def clear(self, target: int, size: int) -> None:
        """Hand the filling with zeros over."""
        with explained("clearing memory"):
            checked(self._cuda.driver.cuMemsetD8Async(target, 0, size, self.stream))

    def mark(self, timing: bool = False) -> CudaMark:
        """Return a new mark."""
        core = self._cuda.core
        # Waiting without spinning leaves the core to the camera and its consumers.
        options = core.EventOptions(timing_enabled=timing, blocking_sync=True)
        with explained("creating an event"):
            return CudaMark(self._stream, core.Device(self.facts.index).create_event(options))

    def finish(self) -> None:
        """Wait for the stream."""
        self._end.record()
        self._end.wait()

    def record(self, work: Callable[[], None]) -> CudaRecording:
        """Record the work as a CUDA graph and send that to the GPU."""
        with explained("recording its work as a CUDA graph"):
            builder = self._stream.create_graph_builder()
            try:
                # Other threads go on with their own work on GPUs meanwhile.
                builder.begin_building("thread_local")
                work()
                builder.end_building()
                graph = builder.complete()
            finally:
                with suppress(Exception):  # after a failure it only fails again, but ends recording
                    builder.close()
            graph.upload(self._stream)
        return CudaRecording(self._stream, graph)

    def close(self) -> None:
        """Free the stream, once."""
        if self._open:
            self._open = False
            self._end.close()
            with explained("closing its stream"):
                self._stream.close()


class CudaMark(Closing):
    """An event of a stream."""

    def __init__(self, stream: Any, event: Any) -> None:
        """Take ownership of `event` (cuda.core.Event)."""
        self._stream = stream
        self._event = event

    def record(self) -> None:
        """Put the mark behind all work handed over so far."""
        with explained("marking its stream"):
            self._stream.record(self._event)

    def wait(self) -> None:
        """Return when the GPU has passed the mark."""
        with explained("computing"):
            self._event.sync()

    def milliseconds_since(self, earlier: Mark) -> float:
        """Return the time on the GPU since `earlier`."""
        assert isinstance(earlier, CudaMark)
        with explained("telling times"):
            return float(self._event - earlier._event)

    def close(self) -> None:
        """Free the event, once."""
        self._event.close()


class CudaRecording(Closing):
    """A CUDA graph that is ready to run."""

    def __init__(self, stream: Any, graph: Any) -> None:
        """Take ownership of `graph` (cuda.core.graph.Graph)."""
        self._stream = stream
        self._graph = graph

    def launch(self) -> None:
        """Hand the graph over."""
        with explained("launching a CUDA graph"):
            self._graph.launch(self._stream)

    def close(self) -> None:
        """Free the graph, once."""
        self._graph.close()
