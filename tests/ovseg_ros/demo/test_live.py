"""What the demo shows while it runs."""

import io

import pytest
from rich.console import Console

from ovseg_ros.demo.events import Event, EventKind
from ovseg_ros.demo.live import LiveView

STATUS = {"replaced": 1, "stale": 2, "superseded": 3, "rejected": 4} | {
    "adapter_names": ["fog", "night"]
}
TICK = Event(
    EventKind.TICK,
    {"status": STATUS, "masks": 15, "age_p50_ms": 40.2, "age_p95_ms": None}
    | {"query_mean_iou": 0.5, "broken": 0},
)
QUERY = Event(
    EventKind.QUERY,
    {"query": "car; [b]tree", "accepted": True, "revision": 7, "door": "topic", "message": ""},
)
REFUSAL = Event(
    EventKind.QUERY,
    {"query": "car; car", "accepted": False, "revision": 7, "door": "topic", "message": "twice"},
)
DONE = Event(EventKind.DONE, {"sent": 9})


def shown(events, terminal):
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=120)
    with LiveView(console) as view:
        for name, event in events:
            view.show(name, event)
    return text.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_numbers_and_query_are_shown(terminal):
    text = shown([("operator", QUERY), ("recorder", TICK)], terminal)
    for part in ("15 Hz", "40 ms", "0.500", "10", "7", "fog+night", "[b]tree"):
        assert part in text


def test_without_a_terminal_each_second_and_each_answer_is_a_line():
    events = [("operator", QUERY), ("recorder", TICK), ("operator", REFUSAL), ("recorder", TICK)]
    lines = shown(events, terminal=False).splitlines()
    assert [line.split()[0] for line in lines] == ["query", "rate", "query", "rate"]
    assert lines[2].endswith("-> twice")


def test_the_seconds_after_the_stream_are_not_shown():
    events = [("recorder", TICK), ("camera", DONE), ("recorder", TICK)]
    assert len(shown(events, terminal=False).splitlines()) == 1
