"""The progress bar of commands that work through many items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ovseg_ros.engine.tensorrt.progress import BuildProgress, OnProgress


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar for `total` items on stderr and yield the function that advances it by one."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total)
        yield lambda: progress.advance(task)


@contextmanager
def byte_bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a bar of bytes on stderr and yield the function that sets (bytes so far, bytes in all).

    The total may be None as long as it is not known.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def build_bar(title: str) -> Iterator[OnProgress]:
    """Show a bar of a whole build on stderr, and below it one of the phase that it is in.

    Yields what TensorRT's progress is reported to, from any thread.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        whole = progress.add_task(title, total=None)
        part = progress.add_task("", total=None, visible=False)

        def show(now: BuildProgress) -> None:
            progress.update(whole, completed=now.done, total=now.total)
            progress.update(
                part, description=now.phase, completed=now.step, total=now.steps, visible=True
            )

        yield show
        progress.remove_task(part)
        progress.update(whole, completed=progress.tasks[0].total)
