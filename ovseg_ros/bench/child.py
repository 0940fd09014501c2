"""A process of its own that answers questions over a pipe, for what must be measured apart."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ovseg_ros.closing import Closing
from ovseg_ros.errors import OvsegError

# Answers one request, (what, value).
Answer = Callable[[str, Any], Any]


class Child(Closing):
    """A child process, called `name` in messages, that sleeps between requests."""

    def __init__(self, name: str, serve: Callable[..., None], *arguments: Any) -> None:
        """Start `serve(pipe, *arguments)` there; it is one that calls `answer_all`."""
        self._name = name
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, what: str, value: Any = None) -> Any:
        """Return the answer; raises `OvsegError` with the sentence of a child that refuses or died.

        Either ends it.
        """
        try:
            self._pipe.send((what, value))
            refusal, answer = self._pipe.recv()
        except (EOFError, OSError):
            self.close()
            raise OvsegError(
                f"the process of {self._name} ended (exit code {self._process.exitcode}); "
                "see its message above, and whether the memory suffices"
            ) from None
        if refusal:
            self.close()
            raise OvsegError(f"{self._name}: {refusal}")
        return answer

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(10.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def answer_all(pipe: Connection, answer: Answer) -> None:
    """Answer what the other end of `pipe` asks until it closes; what `answer` refuses ends it."""
    try:
        while True:
            pipe.send(("", answer(*pipe.recv())))
    except OvsegError as error:
        pipe.send((str(error), None))
    except (EOFError, KeyboardInterrupt):
        pass
