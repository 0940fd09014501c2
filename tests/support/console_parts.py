"""A console without ROS: moments made up by tests, a robot that notes what it is asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from ovseg_ros.console.address import listen
from ovseg_ros.console.answering import Answering
from ovseg_ros.console.app import make_app
from ovseg_ros.console.encoder import EncoderThread
from ovseg_ros.console.hub import Hub, News
from ovseg_ros.console.moment import Moment, Picture
from ovseg_ros.console.moments import MomentFolder
from ovseg_ros.console.robot import Answer
from ovseg_ros.console.server import ServerThread

TIMEOUT_S = 20.0
LABELS = {
    "revision": 3,
    "labels": [
        {"id": 1, "name": "road", "negative": False, "threshold": 0.35},
        {"id": 4, "name": "car", "negative": False, "threshold": 0.4},
        {"id": 0, "name": "sky", "negative": True, "threshold": 0.35},
    ],
}


def picture(height: int = 6, width: int = 8, value: int = 90) -> Picture:
    """Return a grey frame."""
    image = np.full((height, width, 3), value, np.uint8)
    return Picture("camera", lambda: image, image.nbytes)


def moment(stamp_ns: int = 5, **parts: Any) -> Moment:
    """Return a frame whose upper half is 'car' (id 4); the lower one has no label."""
    mask = np.zeros((6, 8), np.uint8)
    mask[:3] = 4
    confidence = np.full((6, 8), 200, np.uint8)
    given = {"picture": picture(), "mask": mask, "confidence": confidence, **parts}
    return Moment(stamp_ns, **given)


class NotingRobot:
    """Does what it is asked at once, and remembers it; a query for 'trouble' is refused."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def set_labels(self, query: str) -> Future[Answer]:
        return self._answer(("labels", query), "trouble" not in query)

    def set_adapter(
        self, mode: str, names: Sequence[str], weights: Sequence[float]
    ) -> Future[Answer]:
        return self._answer(("adapter", mode, tuple(names), tuple(weights)))

    def enable(self, on: bool) -> Future[Answer]:
        return self._answer(("enable", on))

    def _answer(self, what: Any, success: bool = True) -> Future[Answer]:
        self.asked.append(what)
        future: Future[Answer] = Future()
        future.set_result(Answer(success, "done" if success else "no such thing"))
        return future


class Console:
    """What runs behind the page, on a free port of this machine."""

    def __init__(self, hub: Hub, robot: NotingRobot, port: int, token: str) -> None:
        self.hub, self.robot, self.port, self.token = hub, robot, port, token

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        """Fetch a page; the body has been read into `.body`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        with contextlib.closing(connection):
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.body = response.read()  # type: ignore[attr-defined]
        return response

    @contextlib.contextmanager
    def viewer(self, **headers: str) -> Iterator[Viewer]:
        """Open a WebSocket, as a page does."""
        url = f"ws://127.0.0.1:{self.port}/socket"
        with connect(url, additional_headers=headers, max_size=None, proxy=None) as socket:
            yield Viewer(socket)


class Viewer:
    """One end of a WebSocket, and everything it has heard."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.hello = self.next("hello")
        self._number = 0

    def next(self, kind: str) -> Any:
        """Return the next message of a kind, 'frame' for frames; others are passed over."""
        while True:
            data = self.socket.recv(TIMEOUT_S)
            if isinstance(data, bytes):
                if kind == "frame":
                    return data
            elif (message := json.loads(data))["type"] == kind:
                return message

    def send(self, kind: str, **fields: Any) -> None:
        """Send a message of the page's own kind."""
        self.socket.send(json.dumps({"type": kind, **fields}))

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return the reply to it."""
        self._number += 1
        self.send(kind, id=self._number, **fields)
        while (reply := self.next("reply"))["id"] != self._number:
            continue
        return dict(reply)


@contextlib.contextmanager
def running_console(
    folder: Path | None = None, token: str = "", on_watched: Callable[[bool], None] | None = None
) -> Iterator[Console]:
    """Run a console with two labels in force."""
    hub, robot = Hub(on_watched or (lambda watched: None)), NotingRobot()
    hub.tell(News.LABELS, LABELS)
    listener = listen("127.0.0.1", 0, token)
    port = listener.getsockname()[1]
    saved = MomentFolder(folder, "test") if folder else None
    answering = Answering(robot, hub, saved, "/ovseg", "/camera/image")
    refused: list[str] = []
    ended = threading.Event()
    with (
        EncoderThread(hub, 100.0, refused.append),
        ServerThread(make_app(answering, token, port), listener, ended.set),
    ):
        yield Console(hub, robot, port, token)
    assert ended.is_set()
