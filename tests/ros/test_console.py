"""The operator's page in a real browser: a camera, the node and the console are real processes."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.ros
pytest.importorskip("rclpy")
pytest.importorskip("uvicorn", reason="pip install 'ovseg_ros[console]'")
pytest.importorskip("websockets", reason="pip install 'ovseg_ros[console]'")
sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")

from console_parts import Console  # noqa: E402
from console_process import Program  # noqa: E402
from generated_drive import write_drive  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402

from ovseg_ros.demo import topics  # noqa: E402
from ovseg_ros.evaluation.dataset import load_labelled_folder  # noqa: E402

TIMEOUT_MS = 20_000
HOSTILE = "<img src=x onerror='window.hacked=1'>"


@pytest.fixture(scope="module")
def world(start_node: Any, tmp_path_factory: Any) -> Iterator[SimpleNamespace]:
    """A camera that plays, an active node that gives every pixel a label, a console, a page."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium is installed: apt-get install chromium")
    folder = tmp_path_factory.mktemp("console")
    drive = write_drive(folder / "drive", frames=20)
    driver = start_node(
        parameters={
            "input.transport": "compressed",
            "query.labels": "'road=0; sky=0'",
            "status.period_s": 0.25,
        },
        arguments=("-r", f"image/compressed:={topics.CAMERA_COMPRESSED}"),
    )
    driver.bring_up()
    (folder / "go").touch()
    with ExitStack() as stack:
        camera = ["--drive", str(drive), "--seconds", "300", "--go", str(folder / "go")]
        stack.enter_context(Program(folder / "camera", "ovseg_ros.nodes.demo.camera", *camera))
        words = ["console", "--port", "0", "--save", str(folder / "saved")]
        words += ["--node", driver.target.name, "--image-topic", topics.CAMERA_RAW]
        console = stack.enter_context(Program(folder / "console", "ovseg_ros.cli", *words))
        driver.wait(lambda: "Ctrl-C" in console.log, "the console")
        port = port_of(console.log)
        playwright = stack.enter_context(sync_api.sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        stack.callback(browser.close)
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.set_default_timeout(TIMEOUT_MS)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.goto(f"http://127.0.0.1:{port}/")
        until(page.locator("#waiting").is_hidden, "the first frame")
        yield SimpleNamespace(
            driver=driver,
            page=page,
            browser=browser,
            url=f"http://127.0.0.1:{port}/",
            console=Console(None, None, port, ""),  # type: ignore[arg-type]
            saved=folder / "saved",
            complaints=complaints,
            program=console,
        )
        assert complaints == []
        page.close()
        assert console.stop() == 0, console.log
        assert "Traceback" not in console.log


def port_of(log: str) -> int:
    """Return the port in what a console prints when it is ready."""
    found = re.search(r"http://[^ ]+:(\d+)", log)
    assert found is not None, log
    return int(found[1])


def pixels(page: Any) -> list[int]:
    """Return the colours of a row of the canvas."""
    return page.evaluate(
        "Array.from(document.getElementById('view').getContext('2d')"
        ".getImageData(0, 20, 64, 1).data)"
    )


def until(done: Callable[[], Any], what: str) -> Any:
    """Wait until `done` returns something true, and return that."""
    end = time.monotonic() + TIMEOUT_MS / 1000
    while not (result := done()):
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)
    return result


def send_query(page: Any, text: str) -> str:
    """Type a query, send it with the keyboard, and return the answer."""
    page.locator("body").click(position={"x": 3, "y": 3})
    page.keyboard.press("/")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)
    page.locator("#answer").evaluate("element => { element.textContent = ''; }")
    page.keyboard.press("Enter")
    return str(until(page.locator("#answer").inner_text, "the answer"))


def test_frames_and_numbers_come_to_the_screen(world: SimpleNamespace) -> None:
    first = pixels(world.page)
    until(lambda: pixels(world.page) != first, "another frame")
    until(lambda: "Hz" in world.page.locator("#rate").inner_text(), "the rate")
    until(lambda: "ms" in world.page.locator("#delay").inner_text(), "the delay")
    until(lambda: "segmenting" in world.page.locator("#diagnostics").inner_text(), "diagnostics")
    assert world.page.locator("#facts").inner_text().count("active") == 1
    assert world.page.locator("#alarm").is_hidden()


def test_a_query_changes_the_labels(world: SimpleNamespace) -> None:
    answer = send_query(world.page, "wall|fence=0; car=0.25; !sky")
    assert answer.startswith("revision ")
    names = world.page.locator("#labels .name")
    until(lambda: names.count() == 3, "three labels")
    assert names.nth(0).inner_text().split("\n")[:2] == ["wall", "fence"]
    assert world.page.locator("#labels output").nth(1).inner_text() == "0.25"
    by_name = {label.name: label for label in world.driver.label_map().labels}
    assert by_name["car"].threshold == pytest.approx(0.25) and by_name["sky"].negative


def test_typing_is_checked_and_a_refusal_is_shown(world: SimpleNamespace) -> None:
    page = world.page
    page.locator("#query").fill("car=much")
    check = page.locator("#query-check")
    until(lambda: "is not a number" in check.inner_text(), "the complaint")
    assert page.locator("#query").get_attribute("aria-invalid") == "true"
    assert "is not a number" in send_query(page, "car=much")
    assert "is negative" in send_query(page, "!sky")
    page.locator("#query").fill("car; wall|fence=0.5")
    until(lambda: "wall|fence=0.5" in check.inner_text(), "the labels as they are read")
    assert "at most" in send_query(page, "; ".join(f"thing {i}" for i in range(300)))


def test_the_slider_the_negative_and_the_cross_change_the_query(world: SimpleNamespace) -> None:
    page, driver = world.page, world.driver
    send_query(page, "road=0; sky=0; car=0.3")
    slider = page.get_by_label("threshold of car")
    until(lambda: slider.count() == 1, "the slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    until(lambda: threshold_of(driver, "car") == pytest.approx(0.31), "the threshold")
    page.get_by_role("button", name="car is a negative").click()
    until(lambda: threshold_of(driver, "car", negative=True) is not None, "the negative")
    page.get_by_role("button", name="remove car").click()
    until(lambda: len(driver.label_map().labels) == 2, "one label less")


def threshold_of(driver: Any, name: str, negative: bool = False) -> float | None:
    """Return the threshold of a label in force, None where there is no such label."""
    found = [x for x in driver.label_map().labels if (x.name, x.negative) == (name, negative)]
    return found[0].threshold if found else None


def test_what_is_under_the_cursor_is_read(world: SimpleNamespace) -> None:
    page = world.page
    send_query(page, "road=0; sky=0")
    box = page.locator("#view").bounding_box()
    reading = re.compile(r"^(road|sky) \d+ %$")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(lambda: reading.match(page.locator("#tip").inner_text()), "the label under the mouse")
    page.mouse.move(2, 2)
    until(page.locator("#tip").is_hidden, "the tip to go")
    page.locator("#view").focus()
    page.keyboard.press("ArrowDown")
    until(lambda: reading.match(page.locator("#reading").inner_text()), "the label by keyboard")
    page.locator("#view").blur()


def test_colours_can_be_hidden(world: SimpleNamespace) -> None:
    page = world.page
    page.keyboard.press("Space")
    coloured = pixels(page)
    page.get_by_label("Opacity of the label colours").fill("0")
    plain = pixels(page)
    assert plain != coloured
    page.get_by_label("Opacity of the label colours").fill("60")
    for name in ("show road", "show sky"):
        page.get_by_label(name).uncheck()
    assert pixels(page) == plain
    for name in ("show road", "show sky"):
        page.get_by_label(name).check()
    page.locator("body").click(position={"x": 3, "y": 3})
    page.keyboard.press("Space")


def test_markup_in_a_query_is_only_text(world: SimpleNamespace) -> None:
    page = world.page
    answer = send_query(page, json.dumps([HOSTILE, {"name": "road", "threshold": 0}]))
    assert HOSTILE in answer
    until(lambda: HOSTILE in page.locator("#labels .name").first.inner_text(), "the label")
    page.locator("#keep").click()
    assert HOSTILE in page.locator("#kept").inner_text()
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img").count() == 0
    page.get_by_label("forget").click()
    assert page.locator("#kept button").count() == 0


def test_a_moment_is_saved_for_training(world: SimpleNamespace) -> None:
    page = world.page
    send_query(page, "road=0; sky=0")
    page.locator("body").click(position={"x": 3, "y": 3})
    until(lambda: page.locator("#revision").inner_text(), "the revision")
    page.keyboard.press("s")
    until(lambda: "saved as" in page.locator("#toast").inner_text(), "the answer")
    loaded = load_labelled_folder(world.saved, "train")
    assert set(loaded.names.values()) <= {"road", "sky", HOSTILE}
    assert loaded.items[0].read_image().shape[:2] == loaded.items[0].read_ids().shape
    about = json.loads(next((world.saved / "queries").iterdir()).read_text())
    assert about["query"] == "road=0; sky=0" and about["package"] == "tiny"


def test_space_freezes_the_view(world: SimpleNamespace) -> None:
    page = world.page
    page.locator("body").click(position={"x": 3, "y": 3})
    page.keyboard.press("Space")
    assert page.locator("#frozen").is_visible()
    still = pixels(page)
    driver = world.driver
    published = driver.status().published
    # Who does not look costs the node nothing: nobody else subscribes to its masks.
    driver.wait(lambda: driver.status().published == driver.status().published, "rest")
    assert driver.status().published >= published and pixels(page) == still
    page.keyboard.press("Space")
    until(lambda: pixels(page) != still, "the view to go on")


def test_adapters_and_the_node_itself_are_controlled(world: SimpleNamespace) -> None:
    page, driver = world.page, world.driver
    mode = page.get_by_label("Who chooses the adapters")
    mode.select_option("pinned")
    page.get_by_label("Pinned adapters with their weights").fill("nowhere=0.5")
    page.keyboard.press("Enter")
    until(lambda: "nowhere" in page.locator("#adapter-answer").inner_text(), "the refusal")
    page.get_by_label("Pinned adapters with their weights").fill("fog=0.5")
    page.keyboard.press("Enter")
    driver.wait_for_status(lambda s: list(s.adapter_names) == ["fog"], "the pinned adapter")
    until(lambda: "fog 50 %" in page.locator("#adapter-legend").inner_text(), "the legend")
    mode.select_option("auto")
    driver.wait_for_status(lambda s: s.adapter_mode == "auto", "the choice by the scene")
    page.locator("#enable").click()
    until(lambda: "paused by" in page.locator("#diagnostics").inner_text(), "the pause")
    page.get_by_role("button", name="Resume segmenting").click()
    until(lambda: ": segmenting" in page.locator("#diagnostics").inner_text(), "to go on")


def test_a_client_that_misbehaves_is_closed_and_nobody_else_notices(
    world: SimpleNamespace,
) -> None:
    with world.console.viewer() as garbage, world.console.viewer() as flood:
        garbage.next("frame")
        garbage.socket.send(b"\0")
        with pytest.raises(ConnectionClosed, match="binary"):
            garbage.next("nothing")
        with pytest.raises(ConnectionClosed):
            while True:
                flood.send("shown")
    still = pixels(world.page)
    until(lambda: pixels(world.page) != still, "another frame for the page")
    assert world.page.locator("#link").inner_text() == "connected"


def test_it_fits_a_phone_and_the_page_comes_back(world: SimpleNamespace) -> None:
    page = world.browser.new_page(viewport={"width": 375, "height": 740}, has_touch=True)
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(world.url)
    until(page.locator("#waiting").is_hidden, "the first frame")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    box = page.locator("#view").bounding_box()
    page.touchscreen.tap(box["x"] + 60, box["y"] + 60)
    until(lambda: "%" in page.locator("#reading").inner_text(), "the label under the finger")
    order = []
    for _ in range(8):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert len(set(order)) == 8, f"the keyboard walks through the page: {order}"
    page.close()


def test_a_page_of_another_origin_gets_nothing(world: SimpleNamespace) -> None:
    assert world.console.get("/", Host="evil.example").status == 403
    page = world.browser.new_page()
    page.goto("about:blank")
    opened = page.evaluate(
        """url => new Promise(done => {
            const socket = new WebSocket(url);
            socket.onopen = () => done("open");
            socket.onclose = () => done("closed");
        })""",
        world.url.replace("http", "ws") + "socket",
    )
    page.close()
    assert opened == "closed"


def test_a_token_opens_the_page_in_a_browser(world: SimpleNamespace, tmp_path: Path) -> None:
    token = "a-token-of-this-test"
    (tmp_path / "token").write_text(token + "\n")
    words = ["console", "--port", "0", "--host", "0.0.0.0", "--node", world.driver.target.name]
    words += ["--token-file", str(tmp_path / "token")]
    with Program(tmp_path / "log", "ovseg_ros.cli", *words) as console:
        world.driver.wait(lambda: "Ctrl-C" in console.log, "the console")
        url = f"http://127.0.0.1:{port_of(console.log)}/"
        assert token not in console.log
        page = world.browser.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        assert page.goto(url).status == 401
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button").click()
        assert page.get_by_label("Token").is_visible()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button").click()
        until(lambda: page.locator("#link").inner_text() == "connected", "the page")
        assert token not in page.url
        assert page.evaluate("document.cookie") == ""
        page.close()
    assert console.process.returncode == 0, console.log
