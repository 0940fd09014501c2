"""Who may talk to the console: a layer around the whole application.

Without a token only programs on this machine reach the socket, but so do web pages in a browser on
it: therefore the Host must be this machine (a page elsewhere cannot take its name), and the Origin
of a WebSocket must be the console itself. With a token, it comes once, as `?token=` or in a header,
and then as a cookie that no script can read.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from ovseg_ros.console.address import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_ASK = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>ovseg console</title>
<meta name="viewport" content="width=device-width"><h1>ovseg console</h1>
<p>This console asks for the token that it was started with.</p>
<form method="get" action="/"><label>Token <input type="password" name="token" autofocus></label>
<button>Open</button></form></html>"""


class Guard:
    """Refuses what must not pass with 401 or 403, and puts the security headers on what does."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        """Protect `app`, which listens on `port`; an empty `token` is none."""
        self._app = app
        self._token = token
        self._cookie_name = f"ovseg_console_{port}"
        # Not the token itself, so that a stolen cookie does not give it away.
        digest = hmac.new(token.encode(), b"ovseg console", hashlib.sha256)
        self._cookie = digest.hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self._foreign(scope, headers)
        if refusal:
            await _answer(scope, receive, send, 403, refusal)
        elif self._token and not self._knows_token(scope, headers):
            await _answer(scope, receive, send, 401, _ASK)
        elif self._token and scope["type"] == "http" and b"token=" in scope["query_string"]:
            await self._give_cookie(scope, receive, send)
        else:
            await self._app(scope, receive, _with_headers(send))

    def _foreign(self, scope: Scope, headers: dict[str, str]) -> str:
        """Return why a connection comes from another web page, empty where it does not."""
        host = headers.get("host", "")
        if not self._token and not is_loopback(_name_of(host)):
            return f"this console is for this machine only; {ascii(host[:80])} is another name"
        origin = headers.get("origin")
        if scope["type"] == "websocket" and origin and urlsplit(origin).netloc != host:
            return f"a page of {ascii(origin[:80])} may not talk to this console"
        return ""

    def _knows_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            given = bearer
        return _same(given, self._token) or _same(
            _cookies(headers.get("cookie", "")).get(self._cookie_name, ""), self._cookie
        )

    async def _give_cookie(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the token out of the address bar, for a cookie."""
        from starlette.responses import RedirectResponse

        response = RedirectResponse(scope["path"], status_code=303)
        response.set_cookie(
            self._cookie_name, self._cookie, httponly=True, samesite="strict", max_age=30 * 86400
        )
        await response(scope, receive, _with_headers(send))


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _name_of(host: str) -> str:
    """Return the name in a Host header, without the port."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _cookies(header: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, _, value in pairs}


async def _answer(scope: Scope, receive: Receive, send: Send, status: int, text: str) -> None:
    from starlette.responses import HTMLResponse, PlainTextResponse, Response

    kind: type[Response] = HTMLResponse if status == 401 else PlainTextResponse
    response = kind(text, status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if scope["type"] == "http":
        await response(scope, receive, _with_headers(send))
    elif "websocket.http.response" in scope.get("extensions", {}):
        await response(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": ""})


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return sending
