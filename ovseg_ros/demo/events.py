"""What the processes of a demo tell the one that started them: JSON objects, a line each."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Any


class EventKind(str, Enum):
    """What an event is about."""

    READY = "ready"  # the process is on the graph and does its work
    ACTIVE = "active"  # the node was configured and activated
    QUERY = "query"  # a query was sent and answered
    ADAPTERS = "adapters"  # a choice of adapters was sent and answered
    TICK = "tick"  # the numbers of the last second
    DONE = "done"  # the process has done all of its work
    FAULT = "fault"  # something was made to go wrong, on purpose, from `began_ns` to `ended_ns`
    ERROR = "error"  # the process cannot go on; `message` says why


@dataclass(frozen=True)
class Event:
    """One event and its fields, all of JSON types."""

    kind: EventKind
    fields: dict[str, Any]


def emit(kind: EventKind, **fields: Any) -> None:
    """Write one event to stdout."""
    sys.stdout.write(json.dumps({"event": kind.value, **fields}) + "\n")
    sys.stdout.flush()


def parse_event(line: str) -> Event | None:
    """Return the event in a line of output, or None for any other text."""
    try:
        fields = json.loads(line)
        return Event(EventKind(fields.pop("event")), fields)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
