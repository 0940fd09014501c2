"""Adapters in a running node: it follows the scene and the library, and loses no frame over it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from ros_driver import RELIABLE, Driver, stamp_of  # noqa: E402
from scene_adapters import (  # noqa: E402
    draw_scene,
    package_with_adapters,
    package_with_base,
    scene_statistics,
    write_scene_adapter,
)
from sensor_msgs.msg import Image  # noqa: E402

from ovseg_ros.msg import SegmentationStatus  # noqa: E402
from ovseg_ros.srv import SetAdapter  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start

QUERY = "road=0; sky=0; building=0; tree=0"
RATE_HZ = 20.0
FATES = ("published", "replaced")


@pytest.fixture(scope="module")
def package(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "tiny"
    return package_with_adapters(tiny_package, folder, ("noon", "sunset"))


@pytest.fixture(scope="module")
def follower(start_node: Start, package: Path) -> Driver:
    """An active node whose package has adapters for noon and sunset."""
    driver: Driver = start_node(
        parameters={
            "model.package": package,
            "query.labels": f"'{QUERY}'",
            "adapter.smoothing_s": 0.1,
            "adapter.min_dwell_s": 0.1,
        }
    )
    driver.bring_up()
    return driver


class Drive:
    """A camera that goes from scene to scene, and everything that the node publishes."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self.masks = driver.subscribe(Image, "label_mask")
        self.statuses: list[SegmentationStatus] = []
        topic = f"{driver.target.name}/status"
        self._subscription = driver.node.create_subscription(
            SegmentationStatus, topic, self.statuses.append, RELIABLE
        )
        driver.wait_for_camera()
        self._number = 0

    def through(self, scene: str, done: Callable[[SegmentationStatus], object]) -> None:
        """Show frames of `scene` at the rate of a camera until a status is as wanted."""

        def publish() -> None:
            self._driver.camera.publish(self._driver.image(draw_scene(scene, self._number)))
            self._number += 1

        timer = self._driver.node.create_timer(1 / RATE_HZ, publish)
        try:
            self._driver.wait(
                lambda: self.statuses and done(self.statuses[-1]), f"the adapters of {scene}"
            )
        finally:
            self._driver.node.destroy_timer(timer)

    def close(self) -> None:
        """Hear no more."""
        self._driver.node.destroy_subscription(self._subscription)


@pytest.fixture
def drive(follower: Driver) -> Iterator[Drive]:
    """A camera for the node, which is in the mode auto again."""
    assert choose(follower, "auto").success
    made = Drive(follower)
    yield made
    made.close()


def choose(driver: Driver, mode: str, *names: str, weights: Any = ()) -> SetAdapter.Response:
    """Call `~/set_adapter`."""
    request = SetAdapter.Request(mode=mode, names=list(names), weights=list(weights))
    return driver.call(SetAdapter, "set_adapter", request)


def runs(*names: str) -> Callable[[SegmentationStatus], bool]:
    """Return whether a status names exactly these adapters."""
    return lambda status: tuple(status.adapter_names) == names


def one_mask(driver: Driver, pixels: np.ndarray) -> np.ndarray:
    """Return the mask of a frame that is sent now."""
    masks = driver.subscribe(Image, "label_mask")
    answer = driver.answers(lambda: driver.image(pixels), masks)
    return np.frombuffer(answer.data, np.uint8).copy()


def test_the_node_follows_the_scene_and_loses_no_frame(follower: Driver, drive: Drive) -> None:
    """Noon, sunset, noon: nobody says anything, and every frame comes back, in order."""
    before = follower.status()
    for scene in ("noon", "sunset", "noon"):
        drive.through(scene, runs(scene))

    def all_fates_are_known() -> bool:
        """A busy machine may replace a frame in the mailbox; nothing else may become of it."""
        status = follower.status()
        published, replaced = (getattr(status, f) - getattr(before, f) for f in FATES)
        return bool(status.received - before.received == published + replaced)

    follower.wait(all_fates_are_known, "the frames that were under way")
    after = follower.status()
    assert after.adapter_mode == "auto"
    assert after.adapter_switches - before.adapter_switches >= 3
    for fate in ("rejected", "stale", "superseded"):
        assert getattr(after, fate) == getattr(before, fate), fate
    stamps = [stamp_of(mask) for mask in drive.masks]
    assert stamps == sorted(set(stamps))
    assert after.last_error == ""


def test_status_and_diagnostics_say_what_is_mixed(follower: Driver, drive: Drive) -> None:
    diagnostics: list[DiagnosticArray] = []
    follower.node.create_subscription(DiagnosticArray, "/diagnostics", diagnostics.append, RELIABLE)
    drive.through("sunset", runs("sunset"))
    status = follower.status()
    assert list(status.adapter_weights) == [pytest.approx(1.0)]
    assert 0.0 < status.adapter_distances[0] < 1.0
    assert status.adapter_gate == ""
    assert status.adapter_entropy_bits == pytest.approx(0.0, abs=1e-3)
    follower.wait(
        lambda: any(
            value.key == "adapters" and value.value == "auto: sunset 1.00"
            for message in diagnostics
            for part in message.status
            for value in part.values
        ),
        "the mix in the diagnostics",
    )


def test_where_nothing_is_near_the_base_model_runs_and_says_so(
    follower: Driver, drive: Drive
) -> None:
    drive.through("noon", runs("noon"))
    drive.through("night", lambda status: "no near adapter" in status.adapter_gate)
    assert list(follower.status().adapter_names) == []


def test_a_switch_is_told_at_once(start_node: Start, package: Path) -> None:
    """The next report is ten minutes away; the status of the switch does not wait for it."""
    driver = start_node(parameters={"model.package": package, "status.period_s": 60.0})
    driver.bring_up()
    statuses: list[SegmentationStatus] = []
    subscription = driver.node.create_subscription(
        SegmentationStatus, f"{driver.target.name}/status", statuses.append, RELIABLE
    )
    driver.wait(subscription.get_publisher_count, "the publisher of the status")
    assert choose(driver, "pinned", "noon", "sunset", weights=[0.5, 0.25]).success
    driver.wait(lambda: statuses, "a status of the switch")
    (status,) = statuses
    assert (status.adapter_mode, status.adapter_switches) == ("pinned", 1)
    assert list(status.adapter_weights) == [0.5, 0.25]
    assert status.adapter_entropy_bits == pytest.approx(1.5)


def test_a_pinned_mix_stays_and_none_is_the_base_model(follower: Driver, drive: Drive) -> None:
    answer = choose(follower, "pinned", "sunset")
    assert (answer.success, answer.message) == (True, "pinned: sunset 1.00; pinned")
    seen = len(drive.masks)
    drive.through("noon", lambda _: len(drive.masks) >= seen + 10)
    assert list(follower.status().adapter_names) == ["sunset"]
    assert choose(follower, "none").success
    status = follower.status()
    assert (status.adapter_mode, list(status.adapter_names)) == ("none", [])


@pytest.mark.parametrize(
    ("request_", "phrase"),
    [
        pytest.param(("pinned", "fog"), "'fog' is unknown; there are: noon, sunset", id="unknown"),
        pytest.param(("pinned", "noon", "noon"), "named twice", id="twice"),
        pytest.param(("auto", "noon"), "takes no names", id="names-for-auto"),
        pytest.param(("pinned",), "no adapter is named", id="no-name"),
    ],
)
def test_a_refused_choice_changes_nothing(
    follower: Driver, drive: Drive, request_: tuple[str, ...], phrase: str
) -> None:
    drive.through("noon", runs("noon"))
    answer = choose(follower, *request_)
    assert (answer.success, phrase in answer.message) == (False, True), answer.message
    status = follower.wait_for_status(lambda s: phrase in s.last_error, "the refusal in the status")
    assert (status.adapter_mode, list(status.adapter_names)) == ("auto", ["noon"])


def test_there_and_back_is_bit_equal(follower: Driver) -> None:
    pixels = draw_scene("noon", 77)
    masks = []
    for mode, *names in (
        ("pinned", "noon"),
        ("pinned", "sunset"),
        ("pinned", "noon"),
        ("none",),
        ("pinned", "noon"),
    ):
        assert choose(follower, mode, *names).success
        masks.append(one_mask(follower, pixels))
    assert np.array_equal(masks[0], masks[2])
    assert np.array_equal(masks[0], masks[4])
    assert (masks[0] != masks[1]).any()
    assert (masks[0] != masks[3]).any()


def test_settings_of_the_selection_are_live(follower: Driver, drive: Drive) -> None:
    drive.through("noon", runs("noon"))
    assert follower.set_parameters(adapter__gate=0.01) == [""]
    drive.through("noon", lambda status: "no near adapter" in status.adapter_gate)
    assert follower.set_parameters(adapter__gate=1.7) == [""]
    drive.through("noon", runs("noon"))


def test_adapters_come_go_and_are_refused_while_the_node_runs(
    start_node: Start, tiny_package: Path, tmp_path: Path
) -> None:
    """A folder of its own, empty at first; the node never stops segmenting."""
    package, folder = package_with_base(tiny_package, tmp_path / "tiny"), tmp_path / "library"
    driver = start_node(
        parameters={"model.package": package, "adapter.dir": folder, "adapter.min_dwell_s": 0.1}
    )
    driver.bring_up()
    drive = Drive(driver)
    drive.through("noon", lambda status: "no adapters" in status.adapter_gate)
    good = write_scene_adapter(folder, package, "noon", scene_statistics(package, "noon"))
    drive.through("noon", runs("noon"))
    damaged = folder / "damaged.safetensors"
    shutil.copy(good, damaged.with_suffix(".part"))
    with damaged.with_suffix(".part").open("r+b") as stream:
        stream.truncate(good.stat().st_size // 2)
    damaged.with_suffix(".part").rename(damaged)
    drive.through("noon", lambda s: "'damaged' is refused" in s.last_error)
    assert "truncated or damaged" in driver.status().last_error
    assert list(driver.status().adapter_names) == ["noon"]
    good.unlink()
    drive.through("noon", lambda status: not status.adapter_names)
    seen = len(drive.masks)
    drive.through("noon", lambda _: len(drive.masks) > seen)
    assert driver.state() == "active"
    assert "Traceback" not in driver.target.log


def test_the_thread_ends_with_the_pipeline(start_node: Start, package: Path) -> None:
    """Configured, taken down, configured again, and ended by a signal with a mix in force."""
    driver = start_node(parameters={"model.package": package})
    for _ in range(2):
        assert driver.change_state("configure")
        assert choose(driver, "pinned", "noon").success
        assert driver.change_state("cleanup")
    assert driver.change_state("configure")
    assert driver.status().adapter_mode == "auto"
    assert driver.status().adapter_switches == 0
    began = time.monotonic()
    assert driver.target.stop() == 0, driver.target.log
    assert time.monotonic() - began < 30
