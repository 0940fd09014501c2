"""Labelled points from real topics: in step with the mask, lazy, and harmless when depth is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from depth_driver import FOCAL_PX, DepthCamera, ground_depth  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from nav2_layer import AHEAD, LayerSettings, Tile, observed_tiles, same_stamp  # noqa: E402
from ros_driver import BEST_EFFORT, RELIABLE, Driver, stamp_of  # noqa: E402
from sensor_msgs.msg import Image, PointCloud2  # noqa: E402

from ovseg_ros.points.cloud import point_type  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start

SIZE_PX = (320, 240)
GROUND = ground_depth(*SIZE_PX, camera_height_m=1.0)


@pytest.fixture(scope="module")
def cameras(node: Driver) -> DepthCamera:
    """The depth camera of the shared node."""
    return DepthCamera(node)


@pytest.fixture
def clouds(node: Driver, cameras: DepthCamera) -> Iterator[list[PointCloud2]]:
    """Somebody wants points, of two labels that every pixel gets one of."""
    assert node.set_labels("road=0; sky=0").success
    yield node.subscribe(PointCloud2, "points")
    node.unsubscribe("points")


def points_of(cloud: PointCloud2) -> np.ndarray:
    """Return the points of a message, [H, W]."""
    points = np.frombuffer(cloud.data, point_type(np.dtype(np.uint8)))
    return points.reshape(cloud.height, cloud.width)


def test_depth_is_subscribed_to_only_for_somebody(
    node: Driver, cameras: DepthCamera, picture: np.ndarray
) -> None:
    masks = node.subscribe(Image, "label_mask")
    node.answers(lambda: node.image(picture), masks)
    assert cameras.depth.get_subscription_count() == 0
    clouds = node.subscribe(PointCloud2, "points")
    cameras.wait()
    node.unsubscribe("label_mask")
    node.answers(lambda: cameras.shoot(picture, GROUND), clouds)
    node.unsubscribe("points")
    node.wait(lambda: not cameras.depth.get_subscription_count(), "the node to leave the depth")
    node.answers(lambda: node.image(picture), node.subscribe(Image, "label_mask"))


def test_a_cloud_is_in_step_with_mask_confidence_and_frame(
    node: Driver, cameras: DepthCamera, picture: np.ndarray, clouds: list[PointCloud2]
) -> None:
    masks = node.subscribe(Image, "label_mask")
    confidences = node.subscribe(Image, "confidence")
    cameras.wait()
    node.answers(lambda: cameras.shoot(picture, GROUND), clouds)
    node.wait(lambda: same_stamp(masks, confidences, clouds), "all three of one stamp")
    mask, confidence, cloud = same_stamp(masks, confidences, clouds)[-1]
    assert cloud.header == mask.header
    assert (cloud.width, cloud.height) == (mask.width, mask.height) == SIZE_PX
    assert cloud.row_step == cloud.point_step * cloud.width
    points = points_of(cloud)
    assert points["label"].tobytes() == mask.data.tobytes()
    assert points["confidence"].tobytes() == confidence.data.tobytes()
    red, green, blue = (picture[..., i].astype(np.uint32) for i in range(3))
    assert np.array_equal(points["rgb"], red << 16 | green << 8 | blue)
    known = GROUND > 0
    assert not cloud.is_dense
    assert np.array_equal(np.isfinite(points["z"]), known)
    assert np.allclose(points["z"][known], GROUND[known] / 1000)
    # The scene is flat: every point lies one metre below the camera.
    assert np.allclose(points["y"][known], 1.0, atol=0.01)
    columns = np.indices(GROUND.shape)[1]
    across = points["x"][known] / points["z"][known] * FOCAL_PX + (SIZE_PX[0] - 1) / 2
    assert np.allclose(across, columns[known], atol=1e-3)


def expected_tiles(
    mask: np.ndarray, confidence: np.ndarray, wanted_id: int, settings: LayerSettings
) -> dict[Tile, int]:
    """Return the confidence of the tiles of a class, from the geometry of the scene alone."""
    v, u = np.nonzero(GROUND)
    z = GROUND[v, u] / 1000
    x, y = (u - (SIZE_PX[0] - 1) / 2) / FOCAL_PX * z, (v - (SIZE_PX[1] - 1) / 2) / FOCAL_PX * z
    world = np.stack([x, y, z], axis=1) @ AHEAD.T
    far = np.linalg.norm(world, axis=1)
    inside = (far > settings.nearest_m) & (far < settings.farthest_m)
    tiles = np.floor(world[inside, :2] / settings.resolution_m).astype(int)
    best: dict[Tile, tuple[int, int]] = {}
    for tile, row, column in zip(map(tuple, tiles), v[inside], u[inside], strict=True):
        found = int(confidence[row, column]), int(mask[row, column])
        if tile not in best or found[0] > best[tile][0]:
            best[tile] = found
    return {tile: sure for tile, (sure, label) in best.items() if label == wanted_id}


@pytest.mark.parametrize("by_cost", [False, True])
def test_nav2s_layer_marks_the_ground_that_the_scene_has(
    node: Driver,
    cameras: DepthCamera,
    picture: np.ndarray,
    clouds: list[PointCloud2],
    by_cost: bool,
) -> None:
    """The consumer subscribes as the layer does: best effort, three topics of exactly one stamp."""
    masks = node.subscribe(Image, "label_mask", BEST_EFFORT)
    confidences = node.subscribe(Image, "confidence", BEST_EFFORT)
    clouds = node.subscribe(PointCloud2, "points", BEST_EFFORT)
    cameras.wait()
    node.answers(lambda: cameras.shoot(picture, GROUND), clouds)
    node.wait(lambda: same_stamp(masks, confidences, clouds), "all three of one stamp")
    mask, confidence, cloud = same_stamp(masks, confidences, clouds)[-1]
    assert (mask.encoding, mask.step) == ("mono8", mask.width)
    assert (confidence.encoding, confidence.step) == ("mono8", mask.width)
    ids = {label.name: label.id for label in node.label_map().labels}
    assert set(mask.data) <= set(ids.values())
    # The layer was told of the road only, as a costmap that does not care about the sky.
    settings = LayerSettings(costs={"road": 100}, by_cost=by_cost)
    found = observed_tiles(mask, confidence, cloud, ids, settings)
    assert {label for label, _ in found.values()} == {ids["road"]}
    labels, sure = (
        np.frombuffer(image.data, np.uint8).reshape(image.height, image.width)
        for image in (mask, confidence)
    )
    if by_cost:
        # The most costly class counts, however sure another one is.
        sure = np.where(labels == ids["road"], 1, 0)
    expected = expected_tiles(labels, sure, ids["road"], settings)
    assert len(expected) > 300, "the picture shows a road"
    differing = set(found) ^ set(expected)
    assert len(differing) <= 0.01 * len(expected), "but for rounding at the rims of tiles"
    assert max(x for x, _ in found) < 50, "nothing beyond five metres"
    if not by_cost:
        same = [found[tile][1] == expected[tile] for tile in set(found) & set(expected)]
        assert np.mean(same) > 0.99


def diagnosis(node: Driver) -> list[DiagnosticStatus]:
    """Return the growing list of what diagnostics say about points."""
    statuses: list[DiagnosticStatus] = []

    def keep(message: DiagnosticArray) -> None:
        statuses.extend(s for s in message.status if s.name == "ovseg: points")

    node.node.create_subscription(DiagnosticArray, "/diagnostics", keep, RELIABLE)
    return statuses


TROUBLE: dict[str, tuple[dict[str, Any], str]] = {
    "of another camera": ({"frame_id": "depth_optical"}, "is in the frame 'depth_optical'"),
    "of another size": ({"depth": GROUND[:200]}, "320x200 px, its frame 320x240"),
    "of another encoding": ({"encoding": "mono16"}, "encoding 'mono16'; 16UC1"),
    "no size": ({"depth": GROUND[:, :0]}, "0x240 px"),
    "a calibration of another shape": ({"height": 200}, "camera_info is of an image of 320x200"),
    "no calibration": ({"k": np.zeros(9), "p": np.zeros(12)}, "calibrate the camera"),
}


@pytest.mark.parametrize("case", TROUBLE)
def test_bad_depth_is_told_and_masks_go_on(
    node: Driver, cameras: DepthCamera, picture: np.ndarray, clouds: list[PointCloud2], case: str
) -> None:
    options, phrase = TROUBLE[case]
    masks = node.subscribe(Image, "label_mask")
    diagnostics = diagnosis(node)
    cameras.wait()
    shot = {"depth": GROUND, **options}
    began = cameras.shoot(picture, **shot)
    node.answers(lambda: cameras.shoot(picture, **shot), masks)
    node.wait_for_status(lambda s: phrase in s.last_error, f"'{phrase}' in the status")
    node.wait(lambda: diagnostics and phrase in diagnostics[-1].message, "the same in diagnostics")
    assert diagnostics[-1].level == DiagnosticStatus.WARN
    assert all(stamp_of(cloud) < stamp_of(began) for cloud in clouds), "those are of tests before"
    node.answers(lambda: cameras.shoot(picture, GROUND), clouds)
    node.wait(lambda: diagnostics[-1].level == DiagnosticStatus.OK, "that it is well again")
    assert node.target.log.count(f"refused: no points: {phrase}") <= 1


def test_depth_of_another_moment_is_used_within_the_limit(
    node: Driver, cameras: DepthCamera, picture: np.ndarray, clouds: list[PointCloud2]
) -> None:
    cameras.wait()
    cloud = node.answers(lambda: cameras.shoot(picture, GROUND, late_ns=9_000_000), clouds)
    assert cloud.header.frame_id == "camera_optical", "and the cloud has the stamp of the frame"
    assert node.set_parameters(points__max_stamp_gap_ms=0.0) == [""]
    diagnostics = diagnosis(node)
    masks = node.subscribe(Image, "label_mask")
    clouds.clear()
    for _ in range(3):
        node.answers(lambda: cameras.shoot(picture, GROUND, late_ns=1), masks)
    wanted = "the nearest depth on"
    node.wait(lambda: diagnostics and wanted in diagnostics[-1].message, "that depth is missing")
    counts = {value.key: value.value for value in diagnostics[-1].values}
    assert int(counts["without depth"]) >= 1
    assert clouds == []
    assert node.set_parameters(points__max_stamp_gap_ms=20.0) == [""]
    node.answers(lambda: cameras.shoot(picture, GROUND), clouds)


def test_depth_may_come_after_the_mask(
    node: Driver, cameras: DepthCamera, picture: np.ndarray, clouds: list[PointCloud2]
) -> None:
    masks = node.subscribe(Image, "label_mask")
    cameras.wait()
    node.answers(lambda: cameras.shoot(picture, GROUND), clouds)
    mask = node.answers(lambda: node.image(picture), masks)
    node.spin_for(0.2)
    assert stamp_of(clouds[-1]) != stamp_of(mask)
    late = Image(header=mask.header, encoding="16UC1", width=320, height=240, step=640)
    late.data.frombytes(GROUND.tobytes())
    cameras.depth.publish(late)
    node.wait(lambda: stamp_of(clouds[-1]) == stamp_of(mask), "the cloud of the mask")


def test_half_as_large_depth_and_label_colours(
    node: Driver, cameras: DepthCamera, picture: np.ndarray, clouds: list[PointCloud2]
) -> None:
    assert node.set_parameters(points__opacity=1.0) == [""]
    cameras.wait()
    small = (GROUND[::2, ::2] / np.float32(1000)).astype(np.float32)
    cloud = node.answers(lambda: cameras.shoot(picture, small, encoding="32FC1"), clouds)
    points = points_of(cloud)
    known = small.repeat(2, axis=0).repeat(2, axis=1) > 0
    assert np.array_equal(np.isfinite(points["z"]), known)
    assert len(np.unique(points["rgb"])) == len(np.unique(points["label"])) <= 2
    assert node.set_parameters(points__opacity=0.0) == [""]


def test_points_come_back_after_deactivate_and_cleanup(
    node: Driver, cameras: DepthCamera, picture: np.ndarray, clouds: list[PointCloud2]
) -> None:
    for transitions in (
        ("deactivate", "activate"),
        ("deactivate", "cleanup", "configure", "activate"),
    ):
        for transition in transitions:
            assert node.change_state(transition)
        cameras.wait()
        clouds.clear()
        node.answers(lambda: cameras.shoot(picture, GROUND), clouds)


def test_sixteen_bit_ids_are_in_the_cloud(start_node: Start, picture: np.ndarray) -> None:
    node = start_node(parameters={"output.mask.encoding": "mono16"})
    node.bring_up()
    assert node.set_labels(prompts=["kerb=0"], class_ids=[1000]).success
    cameras = DepthCamera(node)
    clouds = node.subscribe(PointCloud2, "points")
    cameras.wait()
    cloud = node.answers(lambda: cameras.shoot(picture, GROUND), clouds)
    points = np.frombuffer(cloud.data, point_type(np.dtype(np.uint16)))
    assert set(np.unique(points["label"])) == {1000}
