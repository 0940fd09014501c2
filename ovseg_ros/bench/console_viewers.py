"""Viewers of the console for measuring: plain WebSocket clients, and one real browser."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from ovseg_ros.closing import Closing
from ovseg_ros.console.wire import read_header
from ovseg_ros.errors import MissingExtraError, OvsegError

_CONNECT_S = 30.0
_BROWSERS = ("chromium", "google-chrome", "chrome")
_COLLECT = """() => {
    window.shows = [];
    document.addEventListener("frame-shown", (event) => window.shows.push(event.detail));
}"""


@dataclass
class Phase:
    """A stretch of time with so many viewers: what they received, and when it began and ended.

    `delays_ms` are the times from the camera's stamp to the reception of a frame by a client, or to
    its being drawn in a browser.
    """

    viewers: int
    browser: bool = False
    start_ns: int = 0
    end_ns: int = 0
    frames: int = 0
    bytes: int = 0
    delays_ms: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.end_ns - self.start_ns) / 1e9


class Viewer(Closing):
    """A client that takes every frame, throws it away and asks for the next."""

    def __init__(self, url: str) -> None:
        """Connect; raises `OSError` where nobody listens."""
        from websockets.sync.client import connect

        self._stack = ExitStack()
        self._socket = self._stack.enter_context(connect(url, max_size=None, proxy=None))
        self._lock = threading.Lock()
        self._shown: list[tuple[int, float]] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self) -> list[tuple[int, float]]:
        """Return (bytes, ms from stamp to reception) of each frame since the last call."""
        with self._lock:
            shown, self._shown = self._shown, []
            return shown

    def close(self) -> None:
        """Hang up."""
        self._stack.close()
        self._thread.join()

    def _run(self) -> None:
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed):
            for data in self._socket:
                if isinstance(data, bytes):
                    delay_ms = (time.time_ns() - int(read_header(data)["stamp_ns"])) / 1e6
                    with self._lock:
                        self._shown.append((len(data), delay_ms))
                    self._socket.send(json.dumps({"type": "shown"}))


class ViewerSchedule(threading.Thread):
    """Goes through phases of `phase_s` each; the first `settle_s` of a phase do not count."""

    def __init__(self, port: int, phases: Sequence[Phase], phase_s: float, settle_s: float) -> None:
        """Nothing happens before `start`."""
        super().__init__(name="viewers", daemon=True)
        self.phases = tuple(phases)
        self.failure: Exception | None = None
        self._port = port
        self._phase_s, self._settle_s = phase_s, settle_s

    def run(self) -> None:
        """Go through the phases, in order."""
        try:
            for phase in self.phases:
                if phase.browser:
                    self._browse(phase)
                else:
                    self._view(phase)
        # What is raised in this thread is raised again where the result is wanted.
        except Exception as error:
            self.failure = error

    def _view(self, phase: Phase) -> None:
        with ExitStack() as stack:
            viewers = [stack.enter_context(self._connected()) for _ in range(phase.viewers)]
            with self._counted(phase):
                for viewer in viewers:
                    viewer.take()
            for viewer in viewers:
                self._add(phase, viewer.take())

    def _browse(self, phase: Phase) -> None:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_browser(), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"http://127.0.0.1:{self._port}/")
            with self._counted(phase):
                page.evaluate(_COLLECT)
            shows: list[dict[str, Any]] = page.evaluate("window.shows")
            self._add(phase, [(int(s["bytes"]), s["drawn"] - s["stamp"]) for s in shows])
            browser.close()

    @contextmanager
    def _counted(self, phase: Phase) -> Iterator[None]:
        """Let viewers settle, do what the block says, and let the time that counts pass."""
        time.sleep(self._settle_s)
        yield
        phase.start_ns = time.time_ns()
        time.sleep(max(0.0, self._phase_s - self._settle_s))
        phase.end_ns = time.time_ns()

    def _add(self, phase: Phase, shown: Sequence[tuple[int, float]]) -> None:
        phase.frames += len(shown)
        phase.bytes += sum(size for size, _ in shown)
        phase.delays_ms += [delay_ms for _, delay_ms in shown]

    def _connected(self) -> Viewer:
        give_up = time.monotonic() + _CONNECT_S
        while True:
            try:
                return Viewer(f"ws://127.0.0.1:{self._port}/socket")
            except OSError:
                if time.monotonic() > give_up:
                    raise OvsegError(
                        f"the console did not come up within {_CONNECT_S:g} s; see its log"
                    ) from None
                time.sleep(0.1)


def require_websockets() -> None:
    """Raise `MissingExtraError` where viewers cannot connect."""
    try:
        import websockets  # noqa: F401
    except ImportError:
        raise MissingExtraError("websockets", "console") from None


def find_browser() -> str | None:
    """Return the path of an installed Chromium, None where there is none."""
    return next((path for path in map(shutil.which, _BROWSERS) if path), None)


def can_browse() -> bool:
    """Say whether a real browser can be driven here."""
    from importlib.util import find_spec

    return find_spec("playwright") is not None and find_browser() is not None
