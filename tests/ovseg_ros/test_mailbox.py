"""The mailbox: one slot for each sender, the latest item wins, and the caller learns of losses."""

from __future__ import annotations

import threading

from ovseg_ros.mailbox import Mailbox, everything


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


def test_closing_tells_of_lost_items_and_takes_nothing_more() -> None:
    box: Mailbox[int] = Mailbox()
    box.put(1, "front")
    box.put(2, "rear")
    assert box.close() == ("front", "rear")
    assert box.close() == ()
    assert box.put(3, "front") is True
    assert box.take() is None
    assert box.take_some(everything) == {}


def test_every_item_is_taken_or_told_under_load() -> None:
    box: Mailbox[int] = Mailbox()
    taken: list[int] = []

    def take_all() -> None:
        while (item := box.take()) is not None:
            taken.append(item)

    taker = threading.Thread(target=take_all)
    taker.start()
    lost = sum(box.put(item) for item in range(20_000)) + len(box.close())
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


def test_senders_replace_their_own_items_alone() -> None:
    box: Mailbox[int] = Mailbox()
    assert [box.put(1, "front"), box.put(2, "rear"), box.put(3, "front")] == [False, False, True]
    assert box.take_some(everything) == {"front": 3, "rear": 2}


def test_the_sender_served_longest_ago_is_next_however_often_others_put() -> None:
    box: Mailbox[str] = Mailbox()
    served = []
    for _ in range(6):
        for sender in ("fast", "slow", "slower"):
            box.put(sender, sender)
        box.put("fast", "fast")
        served.append(box.take())
    assert served == ["fast", "slow", "slower"] * 2
    assert box.take_some(lambda waiting: waiting[:2]) == {"fast": "fast", "slow": "slow"}
    for sender in ("fast", "slow", "slower"):
        box.put(sender, sender)
    assert box.take() == "slower"
