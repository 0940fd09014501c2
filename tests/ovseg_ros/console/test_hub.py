"""Between ROS and the viewers: the latest wins, and nobody waits for anybody."""

from console_parts import LABELS, moment

from ovseg_ros.console.hub import MOST_SEATS, Hub, News
from ovseg_ros.console.wire import encode_moment


def frame(number):
    return encode_moment(number, moment(number), LABELS, 0.0)


def number_of(taken):
    _, shown = taken
    return shown.number if shown else None


def test_news_keep_their_latest_and_wait_for_late_comers():
    hub, woken = Hub(), []
    hub.tell(News.LABELS, LABELS)
    seat = hub.join(lambda: woken.append(True))
    for rate in (1, 2, 3):
        hub.tell(News.DIAGNOSTICS, {"rate": rate})
    news, shown = hub.take(seat)
    assert len(news) == 2 and '"revision": 3' in news[0] and '"rate": 3' in news[1]
    assert shown is None and len(woken) == 3
    assert hub.take(seat) == ([], None)


def test_a_slow_viewer_gets_the_latest_frame_and_delays_nobody():
    hub = Hub()
    quick, slow = hub.join(lambda: None), hub.join(lambda: None)
    hub.show(frame(1))
    assert [number_of(hub.take(seat)) for seat in (quick, slow)] == [1, 1]
    for number in (2, 3, 4):
        assert not hub.wait_for_demand(0.0), "both are busy"
        hub.acknowledge(quick)
        assert hub.wait_for_demand(0.0)
        hub.show(frame(number))
        assert number_of(hub.take(quick)) == number
    hub.acknowledge(slow)
    assert number_of(hub.take(slow)) == 4


def test_nothing_is_encoded_for_those_who_look_away():
    told = []
    hub = Hub(told.append)
    assert not hub.wait_for_demand(0.0)
    one, other = hub.join(lambda: None), hub.join(lambda: None)
    hub.watch(one, False)
    assert told == [True] and hub.wait_for_demand(0.0)
    hub.leave(other)
    assert told == [True, False] and not hub.wait_for_demand(0.0)
    hub.show(frame(1))
    assert number_of(hub.take(one)) is None
    hub.watch(one, True)
    assert told == [True, False, True] and hub.wait_for_demand(0.0)
    hub.close()
    assert not hub.wait_for_demand(0.0)


def test_there_are_only_so_many_seats():
    hub = Hub()
    seats = [hub.join(lambda: None) for _ in range(MOST_SEATS)]
    assert hub.join(lambda: None) is None
    hub.leave(seats[0])
    assert hub.join(lambda: None) is not None


def test_ids_keep_their_names_until_the_node_starts_anew():
    hub = Hub()
    hub.tell(News.LABELS, LABELS)
    hub.tell(News.LABELS, {"revision": 4, "labels": [{"id": 9, "name": "tree"}]})
    assert hub.names() == {1: "road", 4: "car", 9: "tree"}
    hub.tell(News.LABELS, {"revision": 1, "labels": [{"id": 1, "name": "wall"}]})
    assert hub.names() == {1: "wall"}


def test_the_mixes_of_the_last_minutes_are_remembered():
    hub = Hub()
    for second in range(400):
        status = {"time_ms": second, "adapter_names": ["fog"], "adapter_weights": [0.5]}
        hub.tell(News.STATUS, status)
    mixes = hub.mixes()
    assert (len(mixes), mixes[-1]) == (300, {"time_ms": 399, "weights": {"fog": 0.5}})
