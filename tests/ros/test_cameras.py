"""Several cameras on one engine: fair, each with its own topics, query, counts and diagnostics."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from depth_driver import DepthCamera  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from ros_driver import LATCHED, RELIABLE, Driver, stamp_of  # noqa: E402
from sensor_msgs.msg import Image, PointCloud2  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from ovseg_ros.msg import CameraStatus, LabelMap  # noqa: E402
from ovseg_ros.srv import SetLabels  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start

SIZES = {"front": (120, 160), "rear": (60, 80)}
STALL_S = 1.0
FATES = ("published", "replaced", "stale", "superseded", "rejected")


class Cameras:
    """A node with the cameras front and rear, and what it publishes for them."""

    def __init__(self, driver: Driver, picture: np.ndarray) -> None:
        self.driver = driver
        self.pixels = {name: picture[:height, :width] for name, (height, width) in SIZES.items()}
        self.publishers = {
            name: driver.node.create_publisher(Image, f"{name}/image", RELIABLE) for name in SIZES
        }
        self.masks = {name: driver.subscribe(Image, f"{name}/label_mask") for name in SIZES}
        for publisher in self.publishers.values():
            driver.wait_for_camera(publisher)

    def frame(self, camera: str) -> Image:
        message = self.driver.image(self.pixels[camera])
        message.header.frame_id = camera
        return message

    def one_mask(self, camera: str) -> Image:
        """Return the mask of a frame of `camera` that is sent now."""
        masks, publisher = self.masks[camera], self.publishers[camera]
        return self.driver.answers(lambda: self.frame(camera), masks, publisher)

    @contextmanager
    def streaming(self, **rates_hz: float) -> Iterator[None]:
        """Publish frames of these cameras meanwhile."""
        timers = [
            self.driver.node.create_timer(
                1 / rate_hz, lambda c=camera: self.publishers[c].publish(self.frame(c))
            )
            for camera, rate_hz in rates_hz.items()
        ]
        try:
            yield
        finally:
            for timer in timers:
                self.driver.node.destroy_timer(timer)

    def status(self) -> dict[str, CameraStatus]:
        return {camera.name: camera for camera in self.driver.status().cameras}

    def labels(self, topic: str) -> LabelMap:
        received = self.driver.subscribe(LabelMap, topic, LATCHED)
        self.driver.wait(lambda: received, topic)
        return received[-1]

    def set_labels(self, camera: str, query: str) -> SetLabels.Response:
        request = SetLabels.Request(query=query)
        return self.driver.call(SetLabels, f"{camera}/set_labels", request)


@pytest.fixture(scope="module")
def cameras(start_node: Start, picture: np.ndarray) -> Cameras:
    parameters = {"cameras": list(SIZES), "input.stall_timeout_s": STALL_S}
    driver = start_node(parameters=parameters)
    driver.bring_up()
    return Cameras(driver, picture)


def ids_of(labels: LabelMap) -> dict[str, int]:
    return {label.name: label.id for label in labels.labels}


def ids_in(mask: Image) -> set[int]:
    return set(np.unique(np.frombuffer(mask.data, np.uint8)).tolist()) - {0}


def test_each_camera_has_its_own_topics(cameras: Cameras) -> None:
    for name, (height, width) in SIZES.items():
        mask = cameras.one_mask(name)
        assert (mask.height, mask.width, mask.header.frame_id) == (height, width, name)
    status = cameras.status()
    assert list(status) == list(SIZES), "in the order of the parameter"
    namespace = cameras.driver.target.namespace
    for name, camera in status.items():
        assert camera.topic == f"{namespace}/{name}/image"
        assert (camera.header.frame_id, camera.own_query, camera.last_error) == (name, False, "")


def test_a_flood_of_one_camera_does_not_starve_the_other(cameras: Cameras) -> None:
    """The slow camera is served in its turn, and every frame of both is accounted for."""
    before = cameras.status()
    cameras.masks["rear"].clear()
    with cameras.streaming(front=150, rear=4):
        cameras.driver.wait(lambda: len(cameras.masks["rear"]) >= 8, "masks of the slow camera")
    cameras.driver.wait(lambda: _settled(cameras.driver.status()), "the last frames")
    whole, after = cameras.driver.status(), cameras.status()
    for name, camera in after.items():
        assert camera.received == sum(getattr(camera, fate) for fate in FATES), name
    assert after["front"].replaced > before["front"].replaced, "more came than one engine takes"
    assert after["rear"].published - before["rear"].published >= 8
    for fate in ("received", *FATES):
        total = sum(getattr(camera, fate) for camera in after.values())
        assert getattr(whole, fate) == total, fate
    stamps = [stamp_of(mask) for mask in cameras.masks["front"]]
    assert stamps == sorted(set(stamps)), "in order, each frame once"


def _settled(status: Any) -> bool:
    return bool(status.received == sum(getattr(status, fate) for fate in FATES))


def test_a_camera_may_have_a_query_of_its_own(cameras: Cameras) -> None:
    """Ids are common to the node: a name has one id, wherever it stands."""
    common = cameras.driver.set_labels("car; road=0; sky=0")
    own = cameras.set_labels("rear", "pallet=0; road=0")
    assert common.success and own.success
    node, front, rear = (cameras.labels(f"{where}labels") for where in ("", "front/", "rear/"))
    assert (node.revision, front.revision, rear.revision) == (
        common.revision,
        common.revision,
        own.revision,
    )
    assert list(ids_of(rear)) == ["pallet", "road"]
    assert ids_of(rear)["road"] == ids_of(node)["road"]
    assert ids_of(rear)["pallet"] not in ids_of(node).values()
    with cameras.streaming(front=10, rear=10):
        for name, labels in (("rear", rear), ("front", front), ("rear", rear)):
            cameras.masks[name].clear()
            cameras.driver.wait(lambda n=name: len(cameras.masks[n]) > 2, f"masks of {name}")
            for mask in cameras.masks[name]:
                assert ids_in(mask) <= set(ids_of(labels).values()), name
    status = cameras.status()
    assert (status["rear"].own_query, status["front"].own_query) == (True, False)
    assert status["rear"].revision == own.revision


def test_a_common_query_leaves_a_query_of_its_own_alone(cameras: Cameras) -> None:
    own = cameras.set_labels("rear", "pallet=0; gravel=0")
    common = cameras.driver.set_labels("tree=0; building=0")
    assert common.revision > own.revision
    assert cameras.labels("front/labels").revision == common.revision
    rear = cameras.labels("rear/labels")
    assert rear.revision == own.revision
    assert ids_in(cameras.one_mask("rear")) <= set(ids_of(rear).values())
    assert ids_in(cameras.one_mask("front")) <= set(ids_of(cameras.labels("labels")).values())


def test_an_empty_query_returns_a_camera_to_the_common_one(cameras: Cameras) -> None:
    cameras.driver.set_labels("tree=0; sky=0")
    own = cameras.set_labels("rear", "pallet=0")
    rear = cameras.driver.subscribe(LabelMap, "rear/labels", LATCHED)
    publisher = cameras.driver.node.create_publisher(
        String, f"{cameras.driver.target.name}/rear/query", RELIABLE
    )
    cameras.driver.wait(publisher.get_subscription_count, "the node to subscribe to rear/query")
    publisher.publish(String(data=" "))
    cameras.driver.wait(lambda: rear and rear[-1].revision > own.revision, "the common labels")
    assert rear[-1].labels == cameras.labels("labels").labels
    assert ids_in(cameras.one_mask("rear")) <= set(ids_of(rear[-1]).values())
    assert not cameras.status()["rear"].own_query
    assert cameras.driver.set_labels("tree; road").success
    revision = cameras.labels("labels").revision
    assert cameras.labels("rear/labels").revision == revision, "it follows again"


def test_a_refused_query_of_a_camera_is_told_where_it_belongs(cameras: Cameras) -> None:
    before = cameras.labels("rear/labels")
    answer = cameras.set_labels("rear", "car; car")
    assert not answer.success and "stands in two labels" in answer.message
    assert answer.revision == before.revision
    status = cameras.status()
    assert "stands in two labels" in status["rear"].last_error
    assert "stands in two labels" not in status["front"].last_error
    assert cameras.labels("rear/labels") == before


def test_bad_frames_of_one_camera_are_its_own_trouble(cameras: Cameras) -> None:
    before = cameras.status()
    broken = cameras.frame("rear")
    broken.encoding = "smell8"

    def rejected() -> bool:
        cameras.publishers["rear"].publish(broken)
        return bool(cameras.status()["rear"].rejected > before["rear"].rejected)

    cameras.driver.wait(rejected, "the refusal")
    cameras.one_mask("front")
    status = cameras.status()
    assert status["front"].rejected == before["front"].rejected
    assert "smell8" in status["rear"].last_error
    diagnostics = watch_diagnostics(cameras.driver)
    cameras.driver.wait(
        lambda: diagnostics.get("ovseg: inference", ("", ""))[1].startswith(
            "the last frame of rear"
        ),
        "the name of the camera",
    )
    cameras.one_mask("rear")


def watch_diagnostics(driver: Driver) -> dict[str, tuple[bytes, str]]:
    """Return what grows into the latest level and message of each diagnostic by its name."""
    latest: dict[str, tuple[bytes, str]] = {}

    def take(message: DiagnosticArray) -> None:
        latest.update({status.name: (status.level, status.message) for status in message.status})

    driver.node.create_subscription(DiagnosticArray, "/diagnostics", take, RELIABLE)
    return latest


def test_only_the_diagnostic_of_a_camera_that_stalls_warns(cameras: Cameras) -> None:
    latest = watch_diagnostics(cameras.driver)
    with cameras.streaming(front=10):
        cameras.driver.wait(
            lambda: latest.get("ovseg: input rear", (b"",))[0] == DiagnosticStatus.WARN,
            "a warning about rear",
        )
        assert set(latest) == {"ovseg: inference", "ovseg: input front", "ovseg: input rear"}
        assert latest["ovseg: input front"][0] == DiagnosticStatus.OK, latest
        assert latest["ovseg: inference"] == (DiagnosticStatus.OK, "segmenting")
        assert "no image on" in latest["ovseg: input rear"][1]
        assert cameras.status()["rear"].silence_s > STALL_S
    with cameras.streaming(front=10, rear=10):
        cameras.driver.wait(
            lambda: latest["ovseg: input rear"][0] == DiagnosticStatus.OK, "the end of the stall"
        )


def test_points_of_a_camera_are_made_of_its_own_depth(cameras: Cameras) -> None:
    driver = cameras.driver
    height_px, width_px = SIZES["rear"]
    depth_camera = DepthCamera(driver, "rear/")
    clouds = driver.subscribe(PointCloud2, "rear/points")
    depth_camera.wait()
    depth = np.full((height_px, width_px), 2000, np.uint16)
    picture = cameras.pixels["rear"]
    cloud = driver.answers(
        lambda: depth_camera.shoot(picture, depth), clouds, cameras.publishers["rear"]
    )
    assert (cloud.height, cloud.width) == (height_px, width_px)
    assert not driver.node.get_subscriptions_info_by_topic(f"{driver.target.namespace}/front/depth")
    driver.unsubscribe("rear/points")


def test_other_cameras_are_there_after_the_next_configure(cameras: Cameras) -> None:
    """The last test of this node, which has one unnamed camera from here on."""
    driver = cameras.driver
    assert "the name '2nd'" in driver.set_parameters(cameras=["2nd"])[0]
    assert driver.set_parameters(cameras=[""]) == [""]
    assert list(cameras.status()) == list(SIZES), "not before the next configure"
    for transition in ("deactivate", "cleanup", "configure", "activate"):
        assert driver.change_state(transition), driver.target.log
    (single,) = driver.status().cameras
    assert (single.name, single.topic) == ("", f"{driver.target.namespace}/image")
    assert math.isfinite(single.silence_s)
    masks = driver.subscribe(Image, "label_mask")
    driver.answers(lambda: cameras.frame("front"), masks)
    assert driver.status().cameras[0].published >= 1
    assert "Traceback" not in driver.target.log
