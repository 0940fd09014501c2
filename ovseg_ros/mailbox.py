"""The one-slot mailbox on the way into a thread: the latest item wins."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds at most one item. `put` replaces what was not taken and says so; nothing is queued."""

    def __init__(self) -> None:
        """Start empty and open."""
        self._item: T | None = None
        self._closed = False
        self._condition = threading.Condition()

    def put(self, item: T) -> bool:
        """Leave `item`; return whether one was lost: the one it replaced, or itself once closed."""
        with self._condition:
            lost = self._closed or self._item is not None
            if not self._closed:
                self._item = item
                self._condition.notify()
            return lost

    @property
    def closed(self) -> bool:
        """Whether no item will come any more."""
        return self._closed

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for an item and return it, or None once the mailbox is closed.

        Also None where nothing came within `timeout_s`; `closed` tells which it was.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            item, self._item = self._item, None
            return None if self._closed else item

    def close(self) -> bool:
        """Wake the taker for good; return whether an item that was not taken was lost."""
        with self._condition:
            self._closed = True
            lost = self._item is not None
            self._item = None
            self._condition.notify_all()
            return lost
