"""The one-slot mailbox: the latest item wins, and the caller learns what was lost."""

from __future__ import annotations

import threading

from ovseg_ros.mailbox import Mailbox


def test_the_latest_item_is_taken_and_every_loss_is_told() -> None:
    box: Mailbox[int] = Mailbox()
    assert [box.put(item) for item in range(4)] == [False, True, True, True]
    assert box.take() == 3
    assert box.put(4) is False


def test_closing_wakes_a_waiting_taker() -> None:
    box: Mailbox[int] = Mailbox()
    taken: list[int | None] = []
    taker = threading.Thread(target=lambda: taken.append(box.take()))
    taker.start()
    box.close()
    taker.join(10)
    assert taken == [None]


def test_closing_tells_of_a_lost_item_and_takes_nothing_more() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(1)
    assert box.close() is True
    assert box.close() is False
    assert box.put(2) is True
    assert box.take() is None


def test_every_item_is_taken_or_told_under_load() -> None:
    box: Mailbox[int] = Mailbox()
    taken: list[int] = []

    def take_all() -> None:
        while (item := box.take()) is not None:
            taken.append(item)

    taker = threading.Thread(target=take_all)
    taker.start()
    lost = sum(box.put(item) for item in range(20_000)) + box.close()
    taker.join(10)
    assert len(taken) + lost == 20_000
    assert taken == sorted(taken)


def test_a_taker_that_waited_long_enough_goes_on() -> None:
    box: Mailbox[int] = Mailbox()
    assert box.take(timeout_s=0.0) is None
    assert not box.closed
    box.close()
    assert box.take(timeout_s=0.0) is None
    assert box.closed
