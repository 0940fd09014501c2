"""The gate that keeps masks and queries apart: no mask leaves under another query's labels."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ovseg_ros.vocabulary import Vocabulary


class RevisionGate:
    """Announces each vocabulary before the first mask of it and stops the masks of older ones.

    One lock covers announcing and releasing, so a mask is either out before the next vocabulary is
    announced or never.
    """

    def __init__(self, announce: Callable[[Vocabulary], None]) -> None:
        """Start with nothing announced; `announce` publishes the meaning of the ids."""
        self._announce = announce
        self._vocabulary: Vocabulary | None = None
        self._lock = threading.Lock()

    @property
    def vocabulary(self) -> Vocabulary | None:
        """The vocabulary in force; None before the first one."""
        return self._vocabulary

    @property
    def revision(self) -> int:
        """The revision in force; 0 before the first one."""
        return self._vocabulary.revision if self._vocabulary else 0

    def announce(self, vocabulary: Vocabulary) -> None:
        """Make `vocabulary` the one in force, unless it or a newer one is already."""
        with self._lock:
            self._advance(vocabulary)

    def release(self, vocabulary: Vocabulary, publish: Callable[[], None]) -> bool:
        """Call `publish` and return True, or return False if a newer vocabulary is in force.

        A frame may finish under a new vocabulary before the thread that set it comes to announce
        it; then it is announced here.
        """
        with self._lock:
            if vocabulary.revision < self.revision:
                return False
            self._advance(vocabulary)
            publish()
            return True

    def _advance(self, vocabulary: Vocabulary) -> None:
        if vocabulary.revision > self.revision:
            self._announce(vocabulary)
            self._vocabulary = vocabulary
