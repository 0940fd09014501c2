"""What the console answers to the requests of a page; it does not matter which page asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from ovseg_ros.adapters.pinning import parse_choice
from ovseg_ros.console.hub import Hub, News
from ovseg_ros.console.moments import MomentFolder
from ovseg_ros.console.requests import Request, RequestKind
from ovseg_ros.console.robot import Answer, Robot
from ovseg_ros.console.wire import EncodedMoment
from ovseg_ros.errors import OvsegError
from ovseg_ros.query import parse_query
from ovseg_ros.vocabulary import IdSpace, LabelSpec, validate_specs, validate_templates

ANSWER_TIMEOUT_S = 15.0
_STATUS_OF_A_MOMENT = ("package", "backend", "adapter_mode", "adapter_names", "adapter_weights")

Reply = dict[str, Any]


@dataclass(frozen=True)
class Answering:
    """Answers requests with the help of the robot, the hub, and the folder of moments, if any."""

    robot: Robot
    hub: Hub
    folder: MomentFolder | None
    node: str
    image_topic: str

    def about(self) -> Reply:
        """Return what a page has to know of this console."""
        return {"node": self.node, "image_topic": self.image_topic, "save": self.folder is not None}

    async def answer(self, request: Request, shown: Mapping[int, EncodedMoment]) -> Reply:
        """Return {"ok", "message", ...} for `request`; `shown` are the frames the page may save."""
        try:
            return await self._answer(request, shown)
        except OvsegError as error:
            return {"ok": False, "message": str(error)}

    async def _answer(self, request: Request, shown: Mapping[int, EncodedMoment]) -> Reply:
        if request.kind is RequestKind.CHECK:
            labels = [_label(spec) for spec in checked_specs(request.text)]
            return {"ok": True, "message": "", "labels": labels}
        if request.kind is RequestKind.QUERY:
            checked_specs(request.text)
            return await _wait(self.robot.set_labels(request.text), "~/set_labels")
        if request.kind is RequestKind.ADAPTER:
            mode, names, weights = parse_choice(request.text)
            return await _wait(self.robot.set_adapter(mode.value, names, weights), "~/set_adapter")
        if request.kind is RequestKind.ENABLE:
            return await _wait(self.robot.enable(request.on), "~/enable")
        return await self._save(request, shown)

    async def _save(self, request: Request, shown: Mapping[int, EncodedMoment]) -> Reply:
        if self.folder is None:
            raise OvsegError("nothing is saved here; start the console with --save DIR")
        frame = shown.get(request.frame)
        if frame is None:
            raise OvsegError("that frame is gone; freeze the picture, then save")
        about = self._about(frame, request.text)
        names = self.hub.names()
        stem = await asyncio.to_thread(self.folder.save, frame.moment, names, about)
        return {"ok": True, "message": f"saved as {stem}", "name": stem}

    def _about(self, frame: EncodedMoment, query: str) -> Reply:
        status = self.hub.latest(News.STATUS)
        return {
            "query": query,
            "labels": frame.labels.get("labels", []),
            "revision": frame.labels.get("revision", 0),
            **{name: status.get(name) for name in _STATUS_OF_A_MOMENT},
            "node": self.node,
            "frame_id": frame.moment.picture.frame_id,
            "stamp_ns": frame.moment.stamp_ns,
            "saved_ns": time.time_ns(),
        }


def checked_specs(text: str) -> tuple[LabelSpec, ...]:
    """Return the labels of a query; raises `QueryError` saying what is wrong with it.

    What only the node knows is left to it: its capacity, and the ids it has given away.
    """
    query = parse_query(text)
    validate_templates(query.templates)
    return validate_specs(query.specs, IdSpace.MONO16.last_id)


def _label(spec: LabelSpec) -> Reply:
    return {
        "name": spec.name,
        "synonyms": list(spec.synonyms),
        "threshold": spec.threshold,
        "negative": spec.negative,
    }


async def _wait(future: Future[Answer], what: str) -> Reply:
    try:
        answer = await asyncio.wait_for(asyncio.wrap_future(future), ANSWER_TIMEOUT_S)
    except (asyncio.TimeoutError, TimeoutError):
        raise OvsegError(
            f"{what} did not answer within {ANSWER_TIMEOUT_S:g} s; the node's log says what it did"
        ) from None
    return {"ok": answer.success, "message": answer.message}
