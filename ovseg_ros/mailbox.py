"""The mailbox on the way into a thread: one slot for each sender, in which the latest item wins."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
# Of the senders that wait, the one served longest ago first, those to take now; at least one.
Choose = Callable[[Sequence[str]], Sequence[str]]


def everything(waiting: Sequence[str]) -> Sequence[str]:
    """Choose all that wait."""
    return waiting


class Mailbox(Generic[T]):
    """Holds at most one item of each sender; nothing is queued.

    `put` replaces what was not taken and says so. Whoever was served longest ago is next, however
    often others put: a fast sender never keeps a slow one waiting for more than a turn.
    """

    def __init__(self) -> None:
        """Start empty and open."""
        self._items: dict[str, T] = {}
        self._turn_of: dict[str, int] = {}
        self._turn = 0
        self._closed = False
        self._condition = threading.Condition()

    def put(self, item: T, sender: str = "") -> bool:
        """Leave `item`; return whether one was lost: the one it replaced, or itself once closed."""
        with self._condition:
            lost = self._closed or sender in self._items
            if not self._closed:
                self._items[sender] = item
                self._condition.notify()
            return lost

    @property
    def closed(self) -> bool:
        """Whether no item will come any more."""
        return self._closed

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for an item and return that of the sender whose turn it is; None once closed.

        Also None where nothing came within `timeout_s`; `closed` tells which it was.
        """
        taken = self.take_some(lambda waiting: waiting[:1], timeout_s)
        return next(iter(taken.values()), None)

    def take_some(self, choose: Choose, timeout_s: float | None = None) -> Mapping[str, T]:
        """Wait for an item and return those that `choose` picks, by sender and in its order.

        Nothing once closed, or where nothing came within `timeout_s`. `choose` must not wait.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._items or self._closed, timeout_s)
            if self._closed or not self._items:
                return {}
            self._turn += 1
            chosen = choose(sorted(self._items, key=lambda sender: self._turn_of.get(sender, 0)))
            self._turn_of.update(dict.fromkeys(chosen, self._turn))
            return {sender: self._items.pop(sender) for sender in chosen}

    def close(self) -> tuple[str, ...]:
        """Wake the taker for good; return the senders whose items were not taken and are lost."""
        with self._condition:
            self._closed = True
            lost = tuple(self._items)
            self._items.clear()
            self._condition.notify_all()
            return lost
