"""An engine that really is stuck: the node says so, goes back to unconfigured, and lives on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")
pytest.importorskip("onnx_ir", reason="onnx_ir is not installed; run `make build-torch`")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from edited_packages import stuck_on_bright_corners, with_program  # noqa: E402
from ros_driver import RELIABLE, Driver, stamp_of  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from ovseg_ros.packages import ModelPackage  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start

LIMIT_S = 0.5
# How bright the first value of a frame is: the engine then needs half a second, some, or minutes.
SLOW, LATE, STUCK = 1, 8, 255
SIGNS_OF_A_CRASH = ("Traceback", "terminate called", "Aborted", "Segmentation fault")


@pytest.fixture(scope="module")
def sticky_package(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default package with a program that some frames keep busy for a long time."""
    folder = tmp_path_factory.mktemp("sticky") / "package"
    with_program(ModelPackage.load(tiny_package), folder, stuck_on_bright_corners)
    return folder


@pytest.fixture
def running(start_node: Start, sticky_package: Path, picture: np.ndarray) -> Driver:
    """An active node on that package that has segmented a few frames."""
    parameters = {"model.package": sticky_package, "engine.stall_timeout_s": LIMIT_S}
    driver = start_node(parameters=parameters)
    driver.bring_up()
    masks = driver.subscribe(Image, "label_mask")
    for _ in range(3):
        driver.answers(frames(driver, picture, 0), masks)
    return driver


def frames(driver: Driver, picture: np.ndarray, brightness: int) -> Callable[[], Image]:
    """Return what makes new messages of `picture` with its first value set."""
    pixels = picture.copy()
    pixels[0, 0, 0] = brightness
    return lambda: driver.image(pixels)


def send(driver: Driver, frame: Image) -> None:
    """Publish `frame` and wait until the node has taken it."""
    before = driver.status().received
    driver.camera.publish(frame)
    driver.wait(lambda: driver.status().received > before, "the frame to be taken")


def ends_well(driver: Driver) -> None:
    assert driver.target.stop(signal.SIGINT) == 0, driver.target.log
    assert not [sign for sign in SIGNS_OF_A_CRASH if sign in driver.target.log], driver.target.log


def test_a_stuck_engine_is_told_and_another_one_is_loaded(
    running: Driver, picture: np.ndarray
) -> None:
    diagnostics: list[DiagnosticArray] = []
    running.node.create_subscription(DiagnosticArray, "/diagnostics", diagnostics.append, RELIABLE)
    lost = frames(running, picture, LATE)()
    masks = running.subscribe(Image, "label_mask")
    running.camera.publish(lost)
    status = running.wait_for_status(lambda s: s.state == "unconfigured", "the node to give up")
    assert "did not come back from an inference within " in status.last_error
    assert "engine.stall_timeout_s" in status.last_error
    assert running.state() == "unconfigured"

    def judged() -> bool:
        found = [status for message in diagnostics for status in message.status]
        return any(
            status.level == DiagnosticStatus.ERROR
            and "did not come back" in status.message
            and ("stuck engines", "1") in {(pair.key, pair.value) for pair in status.values}
            for status in found
        )

    running.wait(judged, "an error in the diagnostics")
    running.bring_up()
    running.answers(frames(running, picture, 0), masks)
    running.target.wait_for_log("the inference that was given up came back", timeout_s=60.0)
    running.answers(frames(running, picture, 0), masks)
    assert stamp_of(lost) not in [stamp_of(mask) for mask in masks]
    assert running.state() == "active"
    ends_well(running)


def test_a_transition_does_not_wait_for_a_stuck_engine(
    running: Driver, picture: np.ndarray
) -> None:
    send(running, frames(running, picture, STUCK)())
    assert not running.change_state("deactivate")
    assert running.state() == "unconfigured"
    ends_well(running)


def test_a_signal_ends_a_process_whose_engine_is_stuck(
    running: Driver, picture: np.ndarray
) -> None:
    send(running, frames(running, picture, STUCK)())
    ends_well(running)


def test_a_process_that_was_stopped_for_a_while_has_no_stuck_engine(
    running: Driver, picture: np.ndarray
) -> None:
    """Half of the time that an inference takes is spent stopped, as on a machine that is loaded."""
    assert running.set_parameters(engine__stall_timeout_s=2.0) == [""]
    masks = running.subscribe(Image, "label_mask")
    send(running, frames(running, picture, SLOW)())
    running.target.process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)
    running.target.process.send_signal(signal.SIGCONT)
    running.wait(lambda: masks, "the mask of the frame that took long")
    assert running.state() == "active"
    assert "did not come back" not in running.target.log
