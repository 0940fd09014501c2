"""One viewer: a WebSocket, from the handshake to whoever hangs up first."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ovseg_ros.console.allowance import Allowance
from ovseg_ros.console.answering import Answering
from ovseg_ros.console.hub import Hub, Seat
from ovseg_ros.console.requests import (
    MOST_MESSAGE_BYTES,
    Request,
    RequestError,
    RequestKind,
    read_request,
)
from ovseg_ros.console.wire import EncodedMoment

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

# Close codes of RFC 6455: what was sent is against the rules; come back later.
POLICY_VIOLATION, TRY_LATER = 1008, 1013
# A page acknowledges up to 60 frames a second, and a person types.
_MESSAGES_PER_S, _BURST = 100.0, 200
_MOST_UNDER_WAY = 8
_REMEMBERED_FRAMES = 2


class Session:
    """Sends frames and news to one viewer, and answers what they ask."""

    def __init__(self, socket: WebSocket, hub: Hub, answering: Answering) -> None:
        """Serve `socket`, which is not accepted yet."""
        self._socket = socket
        self._hub = hub
        self._answering = answering
        self._allowance = Allowance(_MESSAGES_PER_S, _BURST)
        self._replies: deque[str] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._shown: deque[EncodedMoment] = deque(maxlen=_REMEMBERED_FRAMES)
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Talk to the viewer until one of both hangs up."""
        await self._socket.accept()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            # The loop may be gone by the time ROS has its last word.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._wake.set)

        seat = self._hub.join(wake)
        if seat is None:
            await self._socket.close(TRY_LATER, "too many viewers; close another page")
            return
        sender = asyncio.create_task(self._send(seat))
        try:
            await self._receive(seat)
        finally:
            self._hub.leave(seat)
            for task in (sender, *self._tasks):
                task.cancel()
            await asyncio.gather(sender, *self._tasks, return_exceptions=True)

    async def _send(self, seat: Seat) -> None:
        """Send what waits in the seat, in order: answers, news, then at most one frame."""
        from starlette.websockets import WebSocketDisconnect

        hello = {"type": "hello", **self._answering.about(), "mixes": self._hub.mixes()}
        with contextlib.suppress(WebSocketDisconnect):
            await self._socket.send_text(json.dumps(hello))
            self._wake.set()
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._replies:
                    await self._socket.send_text(self._replies.popleft())
                news, frame = self._hub.take(seat)
                for text in news:
                    await self._socket.send_text(text)
                if frame is not None:
                    self._shown.append(frame)
                    await self._socket.send_bytes(frame.data)

    async def _receive(self, seat: Seat) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                self._obey(seat, self._read(message))
            except RequestError as error:
                await self._socket.close(POLICY_VIOLATION, str(error)[:120])
                return

    def _read(self, message: Mapping[str, Any]) -> Request:
        if not self._allowance.spend():
            raise RequestError(f"more than {_MESSAGES_PER_S:g} messages a second")
        text = message.get("text")
        if text is None:
            raise RequestError("a message was binary; JSON text was wanted")
        if len(text) > MOST_MESSAGE_BYTES:
            raise RequestError(f"a message was longer than {MOST_MESSAGE_BYTES} bytes")
        return read_request(text)

    def _obey(self, seat: Seat, request: Request) -> None:
        if request.kind is RequestKind.SHOWN:
            self._hub.acknowledge(seat)
        elif request.kind is RequestKind.WATCH:
            self._hub.watch(seat, request.on)
        elif len(self._tasks) >= _MOST_UNDER_WAY:
            self._reply(request, {"ok": False, "message": "too much at once; wait for an answer"})
        else:
            # Of this moment: by the time of the answer others may have been sent.
            shown = {frame.number: frame for frame in self._shown}
            task = asyncio.create_task(self._answer(request, shown))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: Request, shown: Mapping[int, EncodedMoment]) -> None:
        self._reply(request, await self._answering.answer(request, shown))

    def _reply(self, request: Request, fields: dict[str, Any]) -> None:
        self._replies.append(json.dumps({"type": "reply", "id": request.number, **fields}))
        self._wake.set()
