"""The demo while it runs: a live table on a terminal, a line per second anywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ovseg_ros.demo.events import Event, EventKind

_DROPS = ("replaced", "stale", "superseded", "rejected")


class LiveView:
    """Shows the events of a session."""

    def __init__(self, console: Console) -> None:
        """Show on `console`."""
        self._console = console
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._query = "waiting for the node"
        self._revision = 0
        self._tick: dict[str, Any] = {}
        self._streaming = True

    def __enter__(self) -> LiveView:
        """Start showing."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        if self._live is not None:
            self._live.stop()

    def show(self, name: str, event: Event) -> None:
        """Take one event of the process `name`."""
        if event.kind is EventKind.QUERY:
            self._show_query(event.fields)
        elif event.kind is EventKind.TICK and event.fields["status"] and self._streaming:
            self._tick = event.fields
        elif event.kind is EventKind.DONE and name == "camera":
            # What comes now is a pipeline running empty; keep the last full second in view.
            self._streaming = False
            return
        else:
            return
        if self._live is not None:
            self._live.update(self._table())
        elif event.kind is EventKind.TICK:
            cells = "  ".join(f"{key} {value}" for key, value in self._cells().items())
            self._console.print(Text(cells), soft_wrap=True)

    def _show_query(self, query: dict[str, Any]) -> None:
        if query["accepted"]:
            self._query, self._revision = query["query"], query["revision"]
        if self._live is None:
            answer = f"revision {query['revision']}" if query["accepted"] else query["message"]
            self._console.print(
                Text(f"query by {query['door']}: {query['query']} -> {answer}"), soft_wrap=True
            )

    def _cells(self) -> dict[str, str]:
        tick, status = self._tick, self._tick["status"]
        return {
            "rate": f"{tick['masks']} Hz",
            "age p50": _ms(tick["age_p50_ms"]),
            "age p95": _ms(tick["age_p95_ms"]),
            "mIoU": "-" if tick["query_mean_iou"] is None else f"{tick['query_mean_iou']:.3f}",
            "drops": str(sum(status[name] for name in _DROPS)),
            "broken": str(tick["broken"]),
            "revision": str(self._revision),
            "adapters": "+".join(status["adapter_names"]) or "base",
        }

    def _table(self) -> Table:
        table = Table(title="camera > node > recorder", caption=Text(self._query), expand=False)
        cells = self._cells() if self._tick else {"state": "starting"}
        for name in cells:
            table.add_column(name)
        table.add_row(*cells.values())
        return table


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms"
