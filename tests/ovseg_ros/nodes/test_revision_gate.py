"""The gate between queries and masks."""

from __future__ import annotations

import threading

from ovseg_ros.nodes.revision_gate import RevisionGate
from ovseg_ros.vocabulary import Vocabulary


def vocabulary(revision: int) -> Vocabulary:
    return Vocabulary(revision, ())


def test_labels_are_announced_once_and_before_the_first_mask() -> None:
    events: list[str] = []
    gate = RevisionGate(lambda v: events.append(f"labels {v.revision}"))
    assert (gate.revision, gate.vocabulary) == (0, None)
    assert gate.release(vocabulary(1), lambda: events.append("mask 1"))
    gate.announce(vocabulary(1))
    gate.announce(vocabulary(2))
    assert gate.release(vocabulary(2), lambda: events.append("mask 2"))
    assert events == ["labels 1", "mask 1", "labels 2", "mask 2"]


def test_a_mask_of_an_older_query_does_not_pass() -> None:
    events: list[str] = []
    gate = RevisionGate(lambda v: events.append(f"labels {v.revision}"))
    gate.announce(vocabulary(5))
    assert not gate.release(vocabulary(4), lambda: events.append("mask 4"))
    gate.announce(vocabulary(3))
    assert (events, gate.revision) == (["labels 5"], 5)


def test_masks_and_announcements_do_not_overlap() -> None:
    """Two threads at once; the order of events must be explainable one after the other."""
    events: list[tuple[str, int]] = []
    gate = RevisionGate(lambda v: events.append(("labels", v.revision)))

    def announce() -> None:
        for revision in range(1, 500):
            gate.announce(vocabulary(revision))

    def publish() -> None:
        for _ in range(2000):
            revision = gate.revision
            gate.release(vocabulary(revision), lambda r=revision: events.append(("mask", r)))

    threads = [threading.Thread(target=work) for work in (announce, publish)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    in_force = 0
    for kind, revision in events:
        if kind == "labels":
            in_force = revision
        assert revision == in_force
