"""What a page may send: small JSON objects of a few kinds. Everything else is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from ovseg_ros.errors import OvsegError
from ovseg_ros.query import MAX_QUERY_CHARS

MOST_MESSAGE_BYTES = 2 * MAX_QUERY_CHARS
T = TypeVar("T")


class RequestError(OvsegError):
    """A message that no page of ours sends; who sent it is disconnected."""


class RequestKind(Enum):
    """What a page may ask for."""

    SHOWN = "shown"  # the last frame is on the screen, the next one may come
    WATCH = "watch"  # whether anybody looks at the page
    CHECK = "check"  # whether a query could be sent as it is typed
    QUERY = "query"  # new labels
    ADAPTER = "adapter"  # how domain adapters are chosen
    ENABLE = "enable"  # whether the node segments
    SAVE = "save"  # keep a frame that was shown


@dataclass(frozen=True)
class Request:
    """One message of a page; `number` comes back in the reply. Fields not of its kind are unset."""

    kind: RequestKind
    number: int = 0
    text: str = ""
    on: bool = False
    frame: int = 0


def read_request(text: str) -> Request:
    """Return the request in a message; raises `RequestError` for anything else."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise RequestError("a message was no JSON") from None
    if not isinstance(fields, dict):
        raise RequestError("a message was no JSON object")
    try:
        kind = RequestKind(fields.get("type"))
    except ValueError:
        raise RequestError("a message was of no known type") from None
    return Request(
        kind,
        _field(fields, "id", int, 0),
        _field(fields, "text", str, ""),
        _field(fields, "on", bool, False),
        _field(fields, "frame", int, 0),
    )


def _field(fields: dict[str, Any], name: str, kind: type[T], default: T) -> T:
    value = fields.get(name, default)
    # Not isinstance: to Python true is a number.
    if type(value) is not kind:
        raise RequestError(f"the field {name} of a message was of the wrong kind")
    if isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value):
        raise RequestError(f"the field {name} of a message was no text")
    return value
