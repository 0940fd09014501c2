"""The web server, in a thread of its own: signals are for the main thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ovseg_ros.closing import Closing
from ovseg_ros.console.requests import MOST_MESSAGE_BYTES
from ovseg_ros.errors import MissingExtraError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_GOODBYE_S = 2
_PING_S = 10.0


class ServerThread(Closing):
    """Serves an application on a socket until it is closed."""

    def __init__(
        self, app: ASGIApp, listener: socket.socket, on_end: Callable[[], None] = lambda: None
    ) -> None:
        """Start to serve; `on_end` is told that it is over. Raises `MissingExtraError`."""
        try:
            import uvicorn
            import websockets  # noqa: F401  (what uvicorn speaks WebSocket with)
        except ImportError as error:
            raise MissingExtraError(error.name or "uvicorn", "console") from None
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            ws_max_size=MOST_MESSAGE_BYTES,
            ws_ping_interval=_PING_S,
            ws_ping_timeout=_PING_S,
            # JPEG and packed masks do not get smaller, only slower.
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=_GOODBYE_S,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._on_end = on_end
        self._thread = threading.Thread(target=self._run, name="console server", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up on every viewer and stop."""
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    @property
    def running(self) -> bool:
        """Whether the thread is alive."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._on_end()
