"""The console as an ASGI application: the page's files, and one WebSocket for each viewer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ovseg_ros.console.answering import Answering
from ovseg_ros.console.guard import Guard
from ovseg_ros.console.session import Session
from ovseg_ros.errors import MissingExtraError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

PAGE = Path(__file__).resolve().parent / "page"


def make_app(answering: Answering, token: str, port: int) -> ASGIApp:
    """Return the application that listens on `port`; raises `MissingExtraError`."""
    try:
        from starlette.applications import Starlette
        from starlette.responses import FileResponse
        from starlette.routing import Mount, Route, WebSocketRoute
        from starlette.staticfiles import StaticFiles
    except ImportError:
        raise MissingExtraError("starlette", "console") from None

    async def index(request: Request) -> Response:
        return FileResponse(PAGE / "index.html")

    async def viewer(socket: WebSocket) -> None:
        await Session(socket, answering.hub, answering).run()

    routes = [
        Route("/", index),
        WebSocketRoute("/socket", viewer),
        Mount("/page", StaticFiles(directory=PAGE)),
    ]
    return Guard(Starlette(routes=routes), token, port)
