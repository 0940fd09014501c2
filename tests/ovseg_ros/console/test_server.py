"""The console over real sockets: who may look, what they get, and what ends a visit."""

import json
import re
import time

import pytest

pytest.importorskip("uvicorn", reason="pip install 'ovseg_ros[console]'")
pytest.importorskip("starlette", reason="pip install 'ovseg_ros[console]'")
websockets = pytest.importorskip("websockets", reason="pip install 'ovseg_ros[console]'")

from console_parts import LABELS, TIMEOUT_S, moment, running_console  # noqa: E402

from ovseg_ros.console.app import PAGE  # noqa: E402
from ovseg_ros.console.hub import MOST_SEATS, News  # noqa: E402
from ovseg_ros.console.requests import MOST_MESSAGE_BYTES  # noqa: E402
from ovseg_ros.console.wire import read_header  # noqa: E402
from ovseg_ros.evaluation.dataset import load_labelled_folder  # noqa: E402

TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="module")
def console(tmp_path_factory):
    with running_console(tmp_path_factory.mktemp("saved")) as console:
        yield console


@pytest.fixture(scope="module")
def locked():
    with running_console(token=TOKEN) as console:
        yield console


def refusal(console, **headers):
    """Return the HTTP status with which a WebSocket is refused."""
    with pytest.raises(websockets.exceptions.InvalidStatus) as caught, console.viewer(**headers):
        pass
    return caught.value.response.status_code


def closed_with(viewer):
    """Return code and reason with which the console hangs up."""
    with pytest.raises(websockets.exceptions.ConnectionClosed) as caught:
        while True:
            viewer.socket.recv(TIMEOUT_S)
    return caught.value.rcvd.code, caught.value.rcvd.reason


def test_every_file_of_the_page_is_served_under_a_strict_policy(console):
    index = console.get("/")
    assert index.status == 200
    policy = index.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    named = set(re.findall(rb'(?:src|href)="(page/[^"]+)"', index.body))
    assert len(named) >= 3
    for path in PAGE.iterdir():
        assert console.get(f"/page/{path.name}").status == 200
    scripts = b"".join(path.read_bytes() for path in PAGE.glob("*.js"))
    assert not re.search(rb"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(", scripts)
    for wrong in ("/page/../app.py", "/page/%2e%2e/app.py", "/nothing"):
        assert console.get(wrong).status == 404


def test_without_a_token_only_this_machine_is_answered(console):
    port = console.port
    for host in (f"localhost:{port}", "127.0.0.1", f"[::1]:{port}"):
        assert console.get("/", Host=host).status == 200
    for host in ("evil.example", f"localhost.evil.example:{port}", ""):
        assert console.get("/", Host=host).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_pages_of_others_may_not_open_a_socket(console, origin):
    assert refusal(console, Origin=origin) == 403
    with console.viewer(Origin=f"http://127.0.0.1:{console.port}") as viewer:
        assert viewer.hello["node"] == "/ovseg"


def test_a_token_is_asked_for_and_becomes_a_cookie(locked):
    assert locked.get("/").status == 401
    for path in ("/?token=wrong", "/?token=", f"/?tokens={TOKEN}", "/page/main.js"):
        assert locked.get(path).status == 401
    assert locked.get("/", Authorization="Bearer wrong").status == 401
    assert locked.get("/", Cookie=f"ovseg_console_{locked.port}={TOKEN}").status == 401
    assert b"<form" in locked.get("/").body and TOKEN.encode() not in locked.get("/").body
    assert locked.get("/", Authorization=f"Bearer {TOKEN}", Host="robot.local").status == 200
    entry = locked.get(f"/?token={TOKEN}")
    assert (entry.status, entry.headers["Location"]) == (303, "/")
    cookie = entry.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "samesite=strict" in cookie.lower() and TOKEN not in cookie
    pair = cookie.partition(";")[0]
    assert locked.get("/", Cookie=f"other=1; {pair}").status == 200
    assert refusal(locked) == 401
    assert refusal(locked, Authorization="Bearer no") == 401
    assert refusal(locked, Cookie=pair, Origin="http://evil.example") == 403
    with locked.viewer(Cookie=pair) as viewer:
        assert viewer.next("labels")["revision"] == LABELS["revision"]


def test_the_next_frame_waits_until_the_last_one_is_shown(console):
    with console.viewer() as viewer:
        assert viewer.next("labels")["labels"] == LABELS["labels"]
        console.hub.moments.put(moment(1))
        assert read_header(viewer.next("frame"))["stamp_ns"] == "1"
        for stamp in (2, 3, 4):
            console.hub.moments.put(moment(stamp))
        assert viewer.ask("check", text="car")["ok"]
        viewer.send("shown")
        assert read_header(viewer.next("frame"))["stamp_ns"] == "4", "the others were replaced"


def test_questions_are_answered(console):
    with console.viewer() as viewer:
        good = viewer.ask("check", text="car|auto=0.4; !sky")
        assert good["labels"][0] == {
            "name": "car",
            "synonyms": ["auto"],
            "threshold": 0.4,
            "negative": False,
        }
        for text in ("", "car=x", "!sky", "car; car", '{"labels": 3}'):
            reply = viewer.ask("check", text=text)
            assert not reply["ok"] and len(reply["message"]) > 10
            assert not viewer.ask("query", text=text)["ok"]
        hostile = '["<img src=x onerror=alert(1)>"]'
        assert viewer.ask("query", text=hostile)["ok"]
        assert viewer.ask("query", text="trouble") == {
            "type": "reply",
            "id": 13,
            "ok": False,
            "message": "no such thing",
        }
        assert viewer.ask("adapter", text="fog=0.7, rain=0.3")["ok"]
        assert viewer.ask("adapter", text="none")["ok"]
        assert not viewer.ask("adapter", text="fog=lots")["ok"]
        assert viewer.ask("enable", on=False)["ok"]
        assert console.robot.asked[-5:] == [
            ("labels", hostile),
            ("labels", "trouble"),
            ("adapter", "pinned", ("fog", "rain"), (0.7, 0.3)),
            ("adapter", "none", (), ()),
            ("enable", False),
        ]


def test_the_frame_that_was_shown_is_saved_with_its_query(console, tmp_path):
    with running_console(tmp_path) as console, console.viewer() as viewer:
        assert viewer.hello["save"]
        console.hub.tell(News.STATUS, {"package": "tiny", "time_ms": 0})
        console.hub.moments.put(moment(77))
        frame = read_header(viewer.next("frame"))["frame"]
        reply = viewer.ask("save", frame=frame, text="car; road")
        assert reply["name"] == "0_000000077"
        assert "gone" in viewer.ask("save", frame=frame + 9)["message"]
    assert len(load_labelled_folder(tmp_path).items) == 1
    about = json.loads((tmp_path / "queries" / "0_000000077.json").read_text())
    assert (about["query"], about["package"], about["revision"]) == ("car; road", "tiny", 3)
    assert about["labels"] == LABELS["labels"]


def test_without_a_folder_nothing_is_saved(locked):
    with locked.viewer(Authorization=f"Bearer {TOKEN}") as viewer:
        assert not viewer.hello["save"]
        assert "--save" in viewer.ask("save", frame=1)["message"]


@pytest.mark.parametrize(
    "message", ["garbage", b"\x00\xff", '{"type": "format disk"}', '{"type": "save", "frame": "1"}']
)
def test_garbage_ends_that_visit_and_no_other(console, message):
    with console.viewer() as other, console.viewer() as viewer:
        viewer.socket.send(message)
        code, reason = closed_with(viewer)
        assert code == 1008 and reason.startswith(("a message", "the field"))
        assert other.ask("check", text="car")["ok"]


def test_a_message_too_long_ends_the_visit(console):
    with console.viewer() as viewer:
        viewer.socket.send("x" * (MOST_MESSAGE_BYTES + 1))
        assert closed_with(viewer)[0] in (1008, 1009)


def test_a_flood_ends_that_visit_and_no_other(console):
    with console.viewer() as other, console.viewer() as viewer:
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            for _ in range(100_000):
                viewer.send("shown")
        assert "messages a second" in closed_with(viewer)[1]
        assert other.ask("check", text="car")["ok"]


def test_who_leaves_in_the_middle_of_a_frame_is_not_missed(console):
    big = moment(1)
    with console.viewer() as other:
        for _ in range(5):
            with console.viewer() as viewer:
                console.hub.moments.put(big)
                # No goodbye: the cable is pulled.
                viewer.socket.socket.close()
        other.send("shown")
        console.hub.moments.put(moment(9))
        while read_header(other.next("frame"))["stamp_ns"] != "9":
            other.send("shown")


def test_too_many_viewers_are_turned_away_kindly(console):
    end = time.monotonic() + TIMEOUT_S
    viewers = []
    try:
        for _ in range(MOST_SEATS):
            context = console.viewer()
            viewers.append((context, context.__enter__()))
        with pytest.raises(websockets.exceptions.ConnectionClosed) as caught, console.viewer():
            pass
        assert (caught.value.rcvd.code, "too many" in caught.value.rcvd.reason) == (1013, True)
    finally:
        for context, _ in viewers:
            context.__exit__(None, None, None)
    assert time.monotonic() < end


def test_cameras_are_listened_to_only_while_somebody_looks():
    told = []
    with running_console(on_watched=told.append) as console, console.viewer() as viewer:
        viewer.send("watch", on=False)
        assert viewer.ask("check", text="car")["ok"]
        assert told == [True, False]
        viewer.send("watch", on=True)
        assert viewer.ask("check", text="car")["ok"]
    assert told == [True, False, True, False]
