"""`Hub`: between the threads of ROS, which bring frames and news, and those who watch the page.

Nothing queues. A frame that nobody has asked for yet is replaced by the next one; of every kind of
news the latest is kept. A viewer who is slow gets fewer frames, and nobody else notices.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Any

from ovseg_ros.console.moment import Moment
from ovseg_ros.console.wire import EncodedMoment
from ovseg_ros.mailbox import Mailbox
from ovseg_ros.vocabulary import NO_LABEL_ID

MOST_SEATS = 32
_REMEMBERED_MIXES = 300


class News(Enum):
    """What is told besides frames; the values are the types of the messages to the page."""

    LABELS = "labels"
    STATUS = "status"
    DIAGNOSTICS = "diagnostics"


class Seat:
    """The place of one viewer: at most one frame and one message of each kind wait here."""

    def __init__(self, wake: Callable[[], None], news: dict[News, str]) -> None:
        """`wake` is called, from any thread, when there is something to take."""
        self.wake = wake
        self.watching = True
        self.ready = True
        self.frame: EncodedMoment | None = None
        self.news = news

    @property
    def hungry(self) -> bool:
        """Whether a new frame would be shown at once."""
        return self.watching and self.ready and self.frame is None


class Hub:
    """Safe to use from any thread."""

    def __init__(self, on_watched: Callable[[bool], None] = lambda watched: None) -> None:
        """`on_watched` is told when the first viewer comes and when the last one has gone."""
        self.moments: Mailbox[Moment] = Mailbox()
        self.on_watched = on_watched
        self._condition = threading.Condition()
        self._closed = False
        self._seats: list[Seat] = []
        self._watched = False
        self._news: dict[News, dict[str, Any]] = {}
        self._names: dict[int, str] = {}
        self._mixes: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED_MIXES)

    def tell(self, kind: News, value: dict[str, Any]) -> None:
        """Give every viewer the latest of `kind`."""
        text = _message(kind, value)
        with self._condition:
            if kind is News.STATUS:
                self._mixes.append(_mix(value))
            if kind is News.LABELS:
                self._learn(value)
            self._news[kind] = value
            for seat in self._seats:
                seat.news[kind] = text
            seats = list(self._seats)
        _wake(seats)

    def latest(self, kind: News) -> dict[str, Any]:
        """Return the last of `kind`, empty where there was none yet."""
        with self._condition:
            return self._news.get(kind, {})

    def mixes(self) -> list[dict[str, Any]]:
        """Return the adapters of the last minutes, oldest first: {"time_ms", "weights"}."""
        with self._condition:
            return list(self._mixes)

    def names(self) -> dict[int, str]:
        """Return the name of every id that the node has given away so far."""
        with self._condition:
            return dict(self._names)

    def join(self, wake: Callable[[], None]) -> Seat | None:
        """Return a new seat, where the news wait already; None where all of them are taken."""
        with self._condition:
            if len(self._seats) >= MOST_SEATS:
                return None
            news = {kind: _message(kind, value) for kind, value in self._news.items()}
            seat = Seat(wake, news)
            self._seats.append(seat)
        self._changed()
        return seat

    def leave(self, seat: Seat) -> None:
        """Give a seat back."""
        with self._condition:
            self._seats.remove(seat)
        self._changed()

    def watch(self, seat: Seat, watching: bool) -> None:
        """A viewer begins to look, or looks away: then nothing is fetched or encoded for them."""
        with self._condition:
            seat.watching = watching
            if not watching:
                seat.frame = None
        self._changed()

    def acknowledge(self, seat: Seat) -> None:
        """The frame that was sent last has been shown; the next one may come."""
        with self._condition:
            seat.ready = True
        self._changed()

    def take(self, seat: Seat) -> tuple[list[str], EncodedMoment | None]:
        """Return the news and the frame that wait for a viewer, and empty the seat.

        With a frame the viewer counts as busy until it is acknowledged.
        """
        with self._condition:
            news, seat.news = list(seat.news.values()), {}
            frame, seat.frame = seat.frame, None
            if frame is not None:
                seat.ready = False
            return news, frame

    def wait_for_demand(self, timeout_s: float) -> bool:
        """Wait until somebody would show a new frame at once; False after `timeout_s` or close."""
        with self._condition:
            self._condition.wait_for(lambda: self._closed or self._demand, timeout_s)
            return self._demand and not self._closed

    def show(self, frame: EncodedMoment) -> None:
        """Give a frame to every viewer who looks; those who are busy find it when they are done."""
        with self._condition:
            seats = [seat for seat in self._seats if seat.watching]
            for seat in seats:
                seat.frame = frame
        _wake([seat for seat in seats if seat.ready])

    @property
    def closed(self) -> bool:
        """Whether there will be no more frames."""
        return self._closed

    def close(self) -> None:
        """Let the thread that encodes go."""
        self.moments.close()
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _learn(self, labels: dict[str, Any]) -> None:
        """Take note of ids, which keep their names until the node is started anew."""
        if labels["revision"] < self._news.get(News.LABELS, labels)["revision"]:
            self._names.clear()
        self._names.update({label["id"]: label["name"] for label in labels["labels"]})
        self._names.pop(NO_LABEL_ID, None)

    @property
    def _demand(self) -> bool:
        return any(seat.hungry for seat in self._seats)

    def _changed(self) -> None:
        """Wake who waits for demand, and say whether anybody looks at all."""
        with self._condition:
            self._condition.notify_all()
            watched = any(seat.watching for seat in self._seats)
            changed, self._watched = watched != self._watched, watched
            waiting = [seat for seat in self._seats if seat.ready and seat.frame]
        _wake(waiting)
        if changed:
            self.on_watched(watched)


def _message(kind: News, value: dict[str, Any]) -> str:
    return json.dumps({"type": kind.value, **value})


def _mix(status: dict[str, Any]) -> dict[str, Any]:
    names, weights = status.get("adapter_names", []), status.get("adapter_weights", [])
    return {"time_ms": status.get("time_ms"), "weights": dict(zip(names, weights, strict=False))}


def _wake(seats: list[Seat]) -> None:
    for seat in seats:
        seat.wake()
