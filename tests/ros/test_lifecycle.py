"""Lifecycle, bad model packages, signals and crashes: refuse with a sentence, end cleanly."""

from __future__ import annotations

import itertools
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus  # noqa: E402
from ros_driver import RELIABLE, Driver  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import String  # noqa: E402

from ovseg_ros.packages import seal  # noqa: E402

if TYPE_CHECKING:
    from conftest import Start

GIB = 1 << 30


def flip_a_byte(package: Path) -> None:
    path = package / "segmenter.onnx"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def cut_the_graph(package: Path) -> None:
    path = package / "segmenter.onnx"
    path.write_bytes(path.read_bytes()[:100])
    reseal(package)


def break_the_tokenizer(package: Path) -> None:
    (package / "tokenizer.json").write_text("{", encoding="utf-8")
    reseal(package)


def spoil_the_insides(package: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed; run `make build-torch`")
    model = onnx.load(package / "segmenter.onnx")
    for node in model.graph.node:
        node.input[:] = ["squeezed" if name == "image" else name for name in node.input]
    size = onnx.numpy_helper.from_array(np.array([1, 7, 7, 3]), "size")
    squeeze = onnx.helper.make_node("Reshape", ["image", "size"], ["squeezed"])
    model.graph.initializer.append(size)
    model.graph.node.insert(0, squeeze)
    onnx.save(model, package / "segmenter.onnx")
    reseal(package)


def reseal(package: Path) -> None:
    """Write the card again with the hashes of the files as they are."""
    card = yaml.safe_load((package / "card.yaml").read_text(encoding="utf-8"))
    seal(package, {key: value for key, value in card.items() if key not in ("format", "files")})


BAD_PACKAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "hash mismatch": (flip_a_byte, "was altered: SHA-256"),
    "corrupt graph": (cut_the_graph, "cannot be loaded by ONNX Runtime"),
    "missing graph": (lambda p: (p / "segmenter.onnx").unlink(), "but is missing"),
    "missing text tower": (lambda p: (p / "text.onnx").unlink(), "but is missing"),
    "corrupt tokenizer": (break_the_tokenizer, "tokenizer.json"),
    "missing card": (lambda p: (p / "card.yaml").unlink(), "no model package at"),
    "card is not YAML": (lambda p: (p / "card.yaml").write_text("a: [", "utf-8"), "card.yaml"),
    "card is empty": (lambda p: (p / "card.yaml").write_text("", "utf-8"), "no mapping of fields"),
    "card of the future": (
        lambda p: (p / "card.yaml").write_text(
            (p / "card.yaml").read_text("utf-8").replace("format: 1", "format: 99"), "utf-8"
        ),
        "format 99 was found",
    ),
    "missing folder": (shutil.rmtree, "no model package at"),
}


@pytest.fixture(scope="module")
def unloaded(start_node: Start, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """A node in the state unconfigured, which the tests leave in that state; its cache is empty."""
    return start_node(env={"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))})


@pytest.mark.parametrize("case", BAD_PACKAGES)
def test_a_bad_package_is_refused_and_the_node_survives(
    unloaded: Driver, tiny_package: Path, tmp_path: Path, case: str
) -> None:
    spoil, phrase = BAD_PACKAGES[case]
    package = Path(shutil.copytree(tiny_package, tmp_path / "package"))
    spoil(package)
    assert unloaded.set_parameters(model__package=str(package)) == [""]
    assert not unloaded.change_state("configure")
    assert unloaded.state() == "unconfigured"
    unloaded.wait_for_status(lambda s: phrase in s.last_error, "the reason in the status")
    assert phrase in unloaded.target.log
    assert "Traceback" not in unloaded.target.log


@pytest.mark.openvino
def test_an_engine_that_passed_no_check_is_refused(unloaded: Driver, tiny_package: Path) -> None:
    phrase = "run  ovseg check --"
    package = {"model__package": str(tiny_package)}
    engine = {"engine__backend": "openvino", "engine__precision": "fp32"}
    assert set(unloaded.set_parameters(**package, **engine)) == {""}
    assert not unloaded.change_state("configure")
    unloaded.wait_for_status(lambda s: phrase in s.last_error, "the reason in the status")
    assert "Traceback" not in unloaded.target.log
    reference = {"engine__backend": "onnxruntime", "engine__precision": "fp32"}
    assert set(unloaded.set_parameters(**reference)) == {""}


def test_the_same_node_then_takes_a_good_package(
    unloaded: Driver, tiny_package: Path, picture: np.ndarray
) -> None:
    assert not unloaded.change_state("activate"), "only a configured node can be activated"
    assert unloaded.set_parameters(model__package=str(tiny_package)) == [""]
    unloaded.bring_up()
    masks = unloaded.subscribe(Image, "label_mask")
    unloaded.answers(lambda: unloaded.image(picture), masks)
    assert unloaded.change_state("deactivate")
    unloaded.wait(lambda: not unloaded.camera.get_subscription_count(), "the end of subscription")
    assert unloaded.change_state("activate")
    unloaded.answers(lambda: unloaded.image(picture), masks)
    assert unloaded.change_state("deactivate")
    assert unloaded.change_state("cleanup")
    status = unloaded.wait_for_status(lambda s: s.state == "unconfigured", "the cleanup")
    assert (status.package, list(status.labels)) == ("", [])


def test_a_bad_first_query_is_refused(unloaded: Driver) -> None:
    assert unloaded.set_parameters(query__labels="car=7") == [""]
    assert not unloaded.change_state("configure")
    unloaded.wait_for_status(lambda s: "threshold 7" in s.last_error, "the reason")
    assert unloaded.set_parameters(query__labels="") == [""]
    assert unloaded.change_state("configure"), "without a query the node waits for one"
    assert unloaded.status().revision == 0
    assert unloaded.set_labels("car").success
    assert unloaded.change_state("cleanup")
    assert unloaded.set_parameters(query__labels="car; road") == [""]


def test_an_engine_that_fails_takes_the_node_back_to_unconfigured(
    unloaded: Driver, tiny_package: Path, tmp_path: Path, picture: np.ndarray
) -> None:
    """The graph loads but cannot run: its insides take frames of 7x7 pixels only."""
    package = Path(shutil.copytree(tiny_package, tmp_path / "package"))
    spoil_the_insides(package)
    assert unloaded.set_parameters(model__package=str(package)) == [""]
    unloaded.bring_up()
    diagnostics: list[DiagnosticArray] = []
    unloaded.node.create_subscription(DiagnosticArray, "/diagnostics", diagnostics.append, RELIABLE)
    unloaded.subscribe(Image, "label_mask")
    unloaded.wait_for_camera()

    def gave_up() -> bool:
        unloaded.camera.publish(unloaded.image(picture))
        return unloaded.status().state == "unconfigured"

    unloaded.wait(gave_up, "the node to give up")
    assert "inference stopped" in unloaded.status().last_error
    unloaded.wait(
        lambda: any(
            status.level == DiagnosticStatus.ERROR and "inference stopped" in status.message
            for message in diagnostics
            for status in message.status
        ),
        "an error in the diagnostics",
    )
    assert unloaded.set_parameters(model__package=str(tiny_package)) == [""]
    unloaded.bring_up()
    masks = unloaded.subscribe(Image, "label_mask")
    unloaded.answers(lambda: unloaded.image(picture), masks)
    assert unloaded.change_state("deactivate")
    assert unloaded.change_state("cleanup")


def test_transitions_under_load_break_nothing(
    unloaded: Driver, tiny_package: Path, picture: np.ndarray
) -> None:
    """The camera, queries and reports go on while the node is taken up and down."""
    assert unloaded.set_parameters(model__package=str(tiny_package)) == [""]
    small = picture[:60, :80]
    camera = unloaded.node.create_timer(
        0.005, lambda: unloaded.camera.publish(unloaded.image(small))
    )
    texts = itertools.cycle(["car; road", "tree; sky", "=", "person"])
    operator = unloaded.node.create_timer(
        0.01, lambda: unloaded.queries.publish(String(data=next(texts)))
    )
    for _ in range(8):
        for transition in ("configure", "activate", "deactivate", "cleanup"):
            assert unloaded.change_state(transition), unloaded.target.log
            unloaded.spin_for(0.05)
    unloaded.node.destroy_timer(camera)
    unloaded.node.destroy_timer(operator)
    assert unloaded.state() == "unconfigured"
    assert "Traceback" not in unloaded.target.log.rpartition("inference stopped")[2]


def to_unconfigured(driver: Driver, _picture: np.ndarray) -> None:
    assert driver.state() == "unconfigured"


def to_inactive(driver: Driver, _picture: np.ndarray) -> None:
    assert driver.change_state("configure")


def to_active(driver: Driver, picture: np.ndarray) -> None:
    """Also with frames under way."""
    driver.bring_up()
    masks = driver.subscribe(Image, "label_mask")
    driver.answers(lambda: driver.image(picture), masks)
    for _ in range(20):
        driver.camera.publish(driver.image(picture))


def to_finalized(driver: Driver, _picture: np.ndarray) -> None:
    assert driver.change_state("configure")
    assert driver.change_state("shutdown")
    assert driver.state() == "finalized"
    driver.wait_for_status(lambda s: s.state == "finalized", "the end in the status")


def to_configuring(driver: Driver, _picture: np.ndarray) -> None:
    """The hash of a very large file takes a while: the signal comes during configure."""
    driver.start_change("configure")
    driver.target.wait_for_log("loading model package")
    assert "is ready" not in driver.target.log


STATES = {
    "unconfigured": to_unconfigured,
    "inactive": to_inactive,
    "active": to_active,
    "finalized": to_finalized,
    "configuring": to_configuring,
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("state", STATES)
def test_a_signal_ends_the_process_cleanly(
    start_briefly: Start,
    tiny_package: Path,
    tmp_path: Path,
    picture: np.ndarray,
    state: str,
    number: signal.Signals,
) -> None:
    package = tiny_package
    if state == "configuring":
        package = Path(shutil.copytree(tiny_package, tmp_path / "package"))
        with (package / "zeros.bin").open("wb") as stream:
            stream.truncate(GIB)
        card = yaml.safe_load((package / "card.yaml").read_text(encoding="utf-8"))
        card["files"] = {"zeros.bin": "0" * 64, **card["files"]}
        (package / "card.yaml").write_text(yaml.safe_dump(card, sort_keys=False), "utf-8")
    driver = start_briefly(parameters={"model.package": package})
    STATES[state](driver, picture)
    assert driver.target.stop(number) == 0, driver.target.log
    for sign_of_a_crash in ("Traceback", "terminate called", "Aborted", "Segmentation fault"):
        assert sign_of_a_crash not in driver.target.log


def test_a_killed_node_can_be_started_again(start_node: Start, picture: np.ndarray) -> None:
    """A consumer that stays gets masks from the second process without doing anything."""
    first = start_node()
    first.bring_up()
    masks = first.subscribe(Image, "label_mask")
    first.answers(lambda: first.image(picture), masks)
    first.target.process.kill()
    first.target.process.wait()
    second = start_node(namespace=first.target.namespace)
    first.target = second.target
    second.bring_up()
    masks.clear()
    first.answers(lambda: first.image(picture), masks)
    assert second.set_labels("gate; wall").success
