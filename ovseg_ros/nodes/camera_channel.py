"""One camera of the node, from its image topic to its mask topic."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode

from ovseg_ros.closing import Closing
from ovseg_ros.nodes.frames import IncomingFrame
from ovseg_ros.nodes.health import CameraHealth
from ovseg_ros.nodes.image_input import ImageInput
from ovseg_ros.nodes.image_outputs import ImageOutputs
from ovseg_ros.nodes.parameters import Settings
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
    ) -> None:
        """Create the publishers; `gate` is that of the query which this camera has."""
        self.name = name
        self.statistics = statistics
        self._node = node
        self._gate = gate
        self._settings = settings
        self._outputs = ImageOutputs(node, name, gate, settings)
        self._input: ImageInput | None = None

    @property
    def wanted(self) -> bool:
        """Whether a frame would be of use: there is a query, and a subscriber to an image."""
        return self._gate.revision > 0 and self._outputs.wanted

    def start(self, submit: Callable[[str, IncomingFrame], None]) -> None:
        """Subscribe to the camera and hand every frame that is wanted to `submit`."""

        def on_frame(frame: IncomingFrame) -> None:
            # One that nobody wants is not even decoded.
            if self.wanted:
                submit(self.name, frame)

        transport = self._settings().input_transport
        self._input = ImageInput(self._node, self.name, transport, self.statistics, on_frame)
        self.statistics.listen(True)

    def stop(self) -> None:
        """Unsubscribe."""
        self.statistics.listen(False)
        if self._input is not None:
            self._input.close()
            self._input = None

    def close(self) -> None:
        """Stop, and destroy the publishers; the inference thread must have ended."""
        self.stop()
        self._outputs.close()

    def publish(self, frame: IncomingFrame, image: UInt8Array, segmentation: Segmentation) -> bool:
        """Publish what is subscribed to; return False if the query has changed meanwhile."""
        return self._outputs.publish(frame, image, segmentation)

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
            wanted=self._outputs.wanted,
            last_header=self._outputs.last_header,
        )
