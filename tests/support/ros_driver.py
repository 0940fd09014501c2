"""The other side of the node in tests: a camera, subscribers and service clients over real ROS."""

from __future__ import annotations

import array
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_process import NodeProcess
from rcl_interfaces.srv import SetParameters
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String

from ovseg_ros.closing import Closing
from ovseg_ros.msg import LabelMap, SegmentationStatus
from ovseg_ros.nodes.demo import service_calls
from ovseg_ros.srv import SetLabels

T = TypeVar("T")
TIMEOUT_S = 30.0
TRANSITIONS = service_calls.TRANSITIONS | {"shutdown": Transition.TRANSITION_INACTIVE_SHUTDOWN}
BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    depth=50,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


class Driver(Closing):
    """Drives one node process; use as a context manager."""

    def __init__(self, target: NodeProcess) -> None:
        """Create a node beside `target`, in the same namespace."""
        self.target = target
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = Node("driver", namespace=target.namespace, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._clients: dict[str, Any] = {}
        self._subscriptions: dict[Any, Any] = {}
        self._received: dict[Any, list[Any]] = {}
        self._stamp_ns = time.time_ns()
        self.camera = self.node.create_publisher(Image, "image", RELIABLE)
        self.compressed = self.node.create_publisher(CompressedImage, "image/compressed", RELIABLE)
        self._statuses: list[SegmentationStatus] = []
        self.node.create_subscription(
            SegmentationStatus, f"{target.name}/status", self._statuses.append, RELIABLE
        )
        self.queries = self.node.create_publisher(String, f"{target.name}/query", RELIABLE)

    def close(self) -> None:
        """Leave the ROS graph."""
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def wait(self, done: Callable[[], T], what: str, timeout_s: float = TIMEOUT_S) -> T:
        """Handle messages until `done` returns something true, and return that."""
        end = time.monotonic() + timeout_s
        while not (result := done()):
            assert self.target.running, f"the node died:\n{self.target.log}"
            assert time.monotonic() < end, f"waited in vain for {what}:\n{self.target.log[-4000:]}"
            self._executor.spin_once(timeout_sec=0.02)
        return result

    def spin_for(self, duration_s: float) -> None:
        """Handle messages for a while, to see what does not come."""
        end = time.monotonic() + duration_s
        while time.monotonic() < end:
            self._executor.spin_once(timeout_sec=0.02)

    def call(self, service_type: Any, name: str, request: Any) -> Any:
        """Call the service `name` of the node and return its response."""
        if name not in self._clients:
            full_name = f"{self.target.name}/{name}"
            self._clients[name] = self.node.create_client(service_type, full_name)
            self.wait(self._clients[name].service_is_ready, f"the service {name}")
            service_calls.introduce(self.node, self._executor, self.target.name)
        client = self._clients[name]
        self.wait(client.service_is_ready, f"the service {name}")
        future = client.call_async(request)
        self.wait(future.done, f"an answer of {name}", timeout_s=60.0)
        return future.result()

    def change_state(self, transition: str) -> bool:
        """Ask for a lifecycle transition by name; return whether it succeeded."""
        request = ChangeState.Request()
        request.transition.id = TRANSITIONS[transition]
        return bool(self.call(ChangeState, "change_state", request).success)

    def state(self) -> str:
        """Return the lifecycle state by name."""
        return str(self.call(GetState, "get_state", GetState.Request()).current_state.label)

    def bring_up(self) -> None:
        """Configure and activate the node."""
        assert self.change_state("configure"), self.target.log
        assert self.change_state("activate"), self.target.log

    def start_change(self, transition: str) -> None:
        """Ask for a lifecycle transition and do not wait for the answer."""
        client = self.node.create_client(ChangeState, f"{self.target.name}/change_state")
        self.wait(client.service_is_ready, "the lifecycle services")
        request = ChangeState.Request()
        request.transition.id = TRANSITIONS[transition]
        client.call_async(request)

    def set_parameters(self, **values: Any) -> list[str]:
        """Set parameters (`__` stands for a dot) and return the refusals, '' for an acceptance."""
        request = SetParameters.Request()
        request.parameters = [
            Parameter(name.replace("__", "."), value=value).to_parameter_msg()
            for name, value in values.items()
        ]
        results = self.call(SetParameters, "set_parameters", request).results
        return ["" if result.successful else result.reason for result in results]

    def set_labels(self, query: str = "", **fields: Any) -> SetLabels.Response:
        """Call `~/set_labels`."""
        return self.call(SetLabels, "set_labels", SetLabels.Request(query=query, **fields))

    def subscribe(self, message_type: Any, name: str, profile: QoSProfile = RELIABLE) -> list[Any]:
        """Subscribe to a topic of the node, wait for the match, and return the growing list.

        A second call for the same topic and profile empties the list and returns it again.
        """
        key = (name, profile.reliability, profile.durability)
        received = self._received.setdefault(key, [])
        received.clear()
        if key not in self._subscriptions:
            self._subscriptions[key] = self.node.create_subscription(
                message_type, f"{self.target.name}/{name}", received.append, profile
            )
        self.wait(self._subscriptions[key].get_publisher_count, f"a publisher of {name}")
        return received

    def unsubscribe(self, name: str) -> None:
        """End all subscriptions to a topic of the node."""
        for key in [key for key in self._subscriptions if key[0] == name]:
            self.node.destroy_subscription(self._subscriptions.pop(key))

    def status(self) -> SegmentationStatus:
        """Return a status that was made after this call."""
        known = len(self._statuses)
        # The first one may have been under way already.
        self.wait(lambda: len(self._statuses) >= known + 2, "a status")
        return self._statuses[-1]

    def wait_for_status(
        self, done: Callable[[SegmentationStatus], bool], what: str
    ) -> SegmentationStatus:
        """Wait for a status for which `done` is true, and return it."""
        self.wait(lambda: self._statuses and done(self._statuses[-1]), what)
        return self._statuses[-1]

    def label_map(self) -> LabelMap:
        """Return the labels in force, as a late joiner gets them."""
        received: list[LabelMap] = []
        subscription = self.node.create_subscription(
            LabelMap, f"{self.target.name}/labels", received.append, LATCHED
        )
        self.wait(lambda: received, "the labels")
        self.node.destroy_subscription(subscription)
        return received[-1]

    def stamp(self) -> Header:
        """Return a header with a stamp that is newer than the one before."""
        self._stamp_ns = max(time.time_ns(), self._stamp_ns + 1)
        header = Header(frame_id="camera_optical")
        header.stamp.sec, header.stamp.nanosec = divmod(self._stamp_ns, 10**9)
        return header

    def image(self, pixels: np.ndarray, encoding: str = "rgb8") -> Image:
        """Return `pixels` as a message with a new stamp, without padding."""
        return raw_image(pixels, encoding, self.stamp())

    def wait_for_camera(self, publisher: Any = None) -> None:
        """Wait until the node subscribes to the camera."""
        camera = publisher or self.camera
        self.wait(camera.get_subscription_count, "the node to subscribe to the camera")

    def answers(
        self,
        make: Callable[[], Any],
        received: Sequence[Any],
        publisher: Any = None,
        timeout_s: float = TIMEOUT_S,
    ) -> Any:
        """Publish what `make` returns every 50 ms until an answer to one of them is received."""
        camera = publisher or self.camera
        self.wait_for_camera(camera)
        sent: set[tuple[int, int]] = set()
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            message = make()
            sent.add(stamp_of(message))
            camera.publish(message)
            self.spin_for(0.05)
            for answer in reversed(received):
                if stamp_of(answer) in sent:
                    return answer
        raise AssertionError(f"no frame came back:\n{self.target.log[-4000:]}")


def raw_image(pixels: np.ndarray, encoding: str, header: Header | None = None) -> Image:
    """Return `pixels` [H, W] or [H, W, C] as a `sensor_msgs/Image` without padding."""
    rows = np.ascontiguousarray(pixels)
    message = Image(header=header or Header(), encoding=encoding)
    message.height, message.width = rows.shape[:2]
    message.step = rows.nbytes // rows.shape[0]
    message.data = byte_array(rows.tobytes())
    return message


def byte_array(data: bytes) -> array.array[int]:
    """Return `data` in the form that messages take without a look at every byte."""
    return array.array("B", data)


def stamp_of(message: Any) -> tuple[int, int]:
    """Return the stamp of a message, to compare with another one."""
    return message.header.stamp.sec, message.header.stamp.nanosec
