"""One camera of the node, from its image topic to its mask topic."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from rclpy.lifecycle import LifecycleNode

from ovseg_ros.closing import Closing
from ovseg_ros.nodes.frames import IncomingFrame
from ovseg_ros.nodes.health import CameraHealth
from ovseg_ros.nodes.image_input import ImageInput
from ovseg_ros.nodes.image_outputs import ImageOutputs
from ovseg_ros.nodes.parameters import Settings
from ovseg_ros.nodes.point_output import PointOutput
from ovseg_ros.nodes.revision_gate import RevisionGate
from ovseg_ros.nodes.statistics import Statistics
from ovseg_ros.segmentation import Segmentation, UInt8Array


class CameraChannel(Closing):
    """The input, outputs and statistics of one camera; the inference thread is shared by all.

    `name` is `EVERY_CAMERA` for a single camera, whose topics have no name in front.
    """

    def __init__(
        self,
        node: LifecycleNode,
        name: str,
        statistics: Statistics,
        gate: RevisionGate,
        settings: Callable[[], Settings],
        refuse: Callable[[str], None],
    ) -> None:
        """Create the publishers; `gate` is that of the query which this camera has.

        `refuse` is told why there are no points, where somebody wants them.
        """
        self.name = name
        self.statistics = statistics
        self._node = node
        self._gate = gate
        self._settings = settings
        self._input: ImageInput | None = None
        with ExitStack() as parts:
            self._outputs = ImageOutputs(node, name, gate, settings)
            parts.callback(self._outputs.close)
            self._points = PointOutput(node, gate, settings, refuse, name)
            parts.callback(self._points.close)
            self._parts = parts.pop_all()

    @property
    def wanted(self) -> bool:
        """Whether anybody subscribes to an image or to points."""
        return self._outputs.wanted or self._points.wanted

    def start(self, submit: Callable[[str, IncomingFrame], None]) -> None:
        """Subscribe to the camera and hand every frame that is wanted to `submit`."""

        def on_frame(frame: IncomingFrame) -> None:
            # One that nobody wants is not even decoded.
            if self._gate.revision and self.wanted:
                submit(self.name, frame)

        self._points.start()
        transport = self._settings().input_transport
        self._input = ImageInput(self._node, self.name, transport, self.statistics, on_frame)
        self.statistics.listen(True)

    def unsubscribe(self) -> None:
        """Take no more frames."""
        self.statistics.listen(False)
        if self._input is not None:
            self._input.close()
            self._input = None

    def stop(self) -> None:
        """Unsubscribe and end the work on points; the inference thread must have ended."""
        self.unsubscribe()
        self._points.stop()

    def close(self) -> None:
        """Stop, and destroy the publishers."""
        self.stop()
        self._parts.close()

    def publish(self, frame: IncomingFrame, image: UInt8Array, segmentation: Segmentation) -> bool:
        """Publish the mask and then let the points be made; False if the query has changed."""
        released = self._outputs.publish(frame, image, segmentation)
        if released:
            self._points.offer(frame, image, segmentation)
        return released

    def reject(self, reason: str) -> None:
        """Keep the `reason` why a frame could not be used, and log it."""
        self.statistics.note_error(reason)
        whose = f" of camera '{self.name}'" if self.name else ""
        self._node.get_logger().warning(
            f"frame{whose} refused: {reason}", throttle_duration_sec=5.0
        )

    def health(self, own_query: bool) -> CameraHealth:
        """Return what there is to say about the camera at this moment."""
        source = self._input
        return CameraHealth(
            name=self.name,
            topic=source.topic if source else "",
            snapshot=self.statistics.snapshot(),
            revision=self._gate.revision,
            own_query=own_query,
            wanted=self.wanted,
            last_header=self._outputs.last_header,
            points=self._points.health,
        )
