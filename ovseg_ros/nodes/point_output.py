"""Publishes `~/points`: the labels of a frame in space, made of depth of the same moment."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from ovseg_ros.errors import OvsegError, PointsError
from ovseg_ros.nodes import qos, topics
from ovseg_ros.nodes.depth_conversion import depth_of
from ovseg_ros.nodes.depth_input import DepthInput
from ovseg_ros.nodes.frames import IncomingFrame
from ovseg_ros.nodes.message_building import points_message
from ovseg_ros.nodes.parameters import Settings
from ovseg_ros.nodes.point_health import PointFate, PointHealth, PointLedger
from ovseg_ros.nodes.revision_gate import RevisionGate
from ovseg_ros.points.cloud import labelled_cloud
from ovseg_ros.points.depth import fitted
from ovseg_ros.points.matching import DepthMatcher, Match
from ovseg_ros.points.pinhole import pinhole_of
from ovseg_ros.segmentation import Segmentation, UInt8Array

# How often the node looks whether somebody subscribes to points.
_FOLLOW_PERIOD_S = 0.2
# Discovery and the first depth image take a moment, which is no trouble to tell anybody about.
_GRACE_S = 3.0


@dataclass(frozen=True)
class SegmentedFrame:
    """A frame, its pixels uint8 [H, W, 3] RGB, and what was found in it."""

    frame: IncomingFrame
    image: UInt8Array
    segmentation: Segmentation


class PointOutput:
    """The clouds of one camera. They are made in a thread of their own, after the mask is out.

    Whatever is wrong with depth or calibration is counted and told once; masks go on unharmed.
    """

    def __init__(
        self,
        node: LifecycleNode,
        gate: RevisionGate,
        settings: Callable[[], Settings],
        tell: Callable[[str], None],
        camera: str = "",
    ) -> None:
        """Create the publisher; `tell` takes a sentence for log and status.

        `camera` is the name before the topics of one of several cameras, "" for the only one.
        """
        self._node = node
        self._gate = gate
        self._settings = settings
        self._camera = camera
        self._ledger = PointLedger(tell)
        # Reports and frames ask `wanted` from other threads than the one that closes.
        self._lock = threading.Lock()
        self._open = True
        self._input: DepthInput | None = None
        self._worker: _PointWorker | None = None
        topic = topics.private("points", camera)
        self._publisher = node.create_publisher(
            PointCloud2,
            topic,
            qos.image_output(),
            qos_overriding_options=qos.overridable(),
            event_callbacks=qos.publisher_events(node.get_logger(), node.resolve_topic_name(topic)),
        )

    @property
    def wanted(self) -> bool:
        """Whether anybody subscribes to the points."""
        with self._lock:
            return self._open and self._publisher.get_subscription_count() > 0

    @property
    def health(self) -> PointHealth:
        """What became of the clouds so far."""
        depth = self._input
        return self._ledger.health(self._camera, self.wanted, depth.topic if depth else "")

    def start(self) -> None:
        """Begin to look for subscribers, and start the thread."""
        self._worker = _PointWorker(
            lambda: round(self._settings().points_max_stamp_gap_ms * 1e6), self._process
        )
        self._timer = self._node.create_timer(
            _FOLLOW_PERIOD_S,
            self._follow_subscribers,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def offer(self, frame: IncomingFrame, image: UInt8Array, segmentation: Segmentation) -> None:
        """Take a frame whose mask has just been published; returns at once."""
        worker = self._worker
        if worker is None or self._input is None:
            return
        if not frame.stamp_ns:
            self._ledger.count(
                PointFate.REFUSED,
                "the frame has no stamp, so no depth can be found for it; make the camera driver "
                "set header.stamp",
            )
            return
        lost = worker.matcher.put_frame(frame.stamp_ns, SegmentedFrame(frame, image, segmentation))
        if lost is not None and lost.depth is not None:
            self._ledger.count(PointFate.OVERTAKEN)
        elif lost is not None:
            self._process(lost)

    def stop(self) -> None:
        """End the thread and unsubscribe from the depth camera."""
        worker, self._worker = self._worker, None
        if worker is not None:
            self._node.destroy_timer(self._timer)
            with self._lock:
                self._unsubscribe()
            worker.stop()

    def close(self) -> None:
        """Stop and destroy the publisher; the inference thread must have ended."""
        self.stop()
        with self._lock:
            self._open = False
        self._node.destroy_publisher(self._publisher)

    def _follow_subscribers(self) -> None:
        wanted = self.wanted
        with self._lock:
            worker = self._worker
            if worker is None:
                return
            if wanted and self._input is None:
                self._ledger.start_over()
                self._input = DepthInput(self._node, self._camera, worker.matcher.put_depth)
            elif not wanted and self._input is not None:
                self._unsubscribe()
                worker.matcher.clear()

    def _unsubscribe(self) -> None:
        if self._input is not None:
            self._input.close()
            self._input = None

    def _process(self, match: Match[SegmentedFrame, Image]) -> None:
        """Publish the cloud of a frame, or say why there is none."""
        depth_input, source = self._input, match.frame
        if depth_input is None:
            return
        early = time.monotonic() - depth_input.since_s < _GRACE_S
        if match.depth is None:
            reason = self._why_no_depth(depth_input, match.gap_ns)
            self._ledger.count(PointFate.NO_DEPTH, reason, quietly=early)
            return
        info = depth_input.info_at(source.frame.stamp_ns)
        if info is None:
            reason = f"no camera_info came on {depth_input.info_topic}; check the topic name"
            self._ledger.count(PointFate.NO_INFO, reason, quietly=early)
            return
        try:
            message = cloud_message(source, match.depth, info, self._settings().points_opacity)
        except OvsegError as error:
            self._ledger.count(PointFate.REFUSED, str(error))
            return
        except Exception as error:  # the masks must go on whatever is wrong in here
            self._node.get_logger().error(traceback.format_exc())
            self._ledger.count(PointFate.REFUSED, f"{type(error).__name__}: {error}; report this")
            return
        vocabulary = source.segmentation.vocabulary
        released = self._gate.release(vocabulary, lambda: self._publisher.publish(message))
        self._ledger.count(PointFate.PUBLISHED if released else PointFate.SUPERSEDED)

    def _why_no_depth(self, depth_input: DepthInput, gap_ns: int | None) -> str:
        if gap_ns is None:
            return (
                f"no depth came on {depth_input.topic}; check the depth camera, the topic name and "
                "that both sides use the same Fast DDS profile"
            )
        return (
            f"the nearest depth on {depth_input.topic} is {gap_ns / 1e6:.1f} ms from its frame; at "
            f"most {self._settings().points_max_stamp_gap_ms:g} ms were wanted; synchronise the "
            "cameras, or raise points.max_stamp_gap_ms"
        )


class _PointWorker:
    """The thread that makes clouds, and what waits in front of it."""

    def __init__(
        self,
        max_gap_ns: Callable[[], int],
        process: Callable[[Match[SegmentedFrame, Image]], None],
    ) -> None:
        self.matcher: DepthMatcher[SegmentedFrame, Image] = DepthMatcher(max_gap_ns)
        self._process = process
        self._thread = threading.Thread(target=self._run, name="points")
        self._thread.start()

    def stop(self) -> None:
        self.matcher.close()
        self._thread.join()

    def _run(self) -> None:
        while (match := self.matcher.take()) is not None:
            self._process(match)


def cloud_message(
    source: SegmentedFrame, depth: Image, info: CameraInfo, opacity: float
) -> PointCloud2:
    """Return the cloud of a frame with the frame's own header.

    `opacity` 0..1 is the weight of the label colours in the colour of the points. Raises
    `PointsError` or `FrameError` where depth or calibration do not belong to the frame.
    """
    header, segmentation = source.frame.header, source.segmentation
    if depth.header.frame_id != header.frame_id:
        raise PointsError(
            f"the depth is in the frame {ascii(depth.header.frame_id[:60])}, the image in "
            f"{ascii(header.frame_id[:60])}; depth registered to the colour camera was wanted; "
            "subscribe to the driver's aligned (registered) depth"
        )
    height_px, width_px = segmentation.label_mask.shape
    depth_m = fitted(depth_of(depth), width_px, height_px)
    camera = pinhole_of(info, width_px, height_px)
    image = segmentation.overlay(source.image, opacity) if opacity else source.image
    mask, confidence = segmentation.label_mask, segmentation.confidence
    return points_message(header, labelled_cloud(depth_m, camera, image, mask, confidence))
