"""The one-slot mailbox between a camera callback and the inference thread: the latest frame wins."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Holds at most one item. `put` replaces and counts what was not taken; nothing is queued."""

    def __init__(self) -> None:
        """Start empty and open."""
        self._item: T | None = None
        self._closed = False
        self._replaced = 0
        self._condition = threading.Condition()

    @property
    def replaced(self) -> int:
        """How many items were replaced by a newer one before they were taken."""
        with self._condition:
            return self._replaced

    def put(self, item: T) -> None:
        """Leave `item`, replacing an item that was not taken. Ignored once closed."""
        with self._condition:
            if self._closed:
                return
            self._replaced += self._item is not None
            self._item = item
            self._condition.notify()

    def take(self) -> T | None:
        """Wait for an item and return it, or None once the mailbox is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
            return None if self._closed else item

    def close(self) -> None:
        """Wake the taker for good; an item that was not taken counts as replaced."""
        with self._condition:
            self._closed = True
            self._replaced += self._item is not None
            self._item = None
            self._condition.notify_all()
