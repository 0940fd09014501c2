"""The frames around a change of adapters: which they are, and that the script changes something."""

import random

import pytest

from ovseg_ros.adapters.pinning import parse_choice, pinned_weights
from ovseg_ros.bench.switch import frames_at_switches, switch_script
from ovseg_ros.demo.script import Door, dump_script, load_script
from ovseg_ros.errors import AdapterError


def test_every_choice_can_be_pinned_and_is_another_than_the_one_before() -> None:
    steps = switch_script("car", ["fog", "rain", "dusk"], 60, random.Random(1))
    assert load_script(dump_script(steps)) == steps
    assert [step.door for step in steps] == [Door.SERVICE] + [Door.ADAPTER] * 60
    choices = [step.query for step in steps[1:]]
    assert choices[0] != "none"
    assert all(a != b for a, b in zip(choices, choices[1:], strict=False))
    for choice in set(choices) - {"none"}:
        _, names, weights = parse_choice(choice)
        assert sum(pinned_weights(names, weights)) == pytest.approx(1)


def test_one_adapter_is_nothing_to_change_between() -> None:
    with pytest.raises(AdapterError, match="1 adapters change something"):
        switch_script("car", ["fog"], 3, random.Random(1))


@pytest.mark.parametrize(
    ("sent", "near"),
    [
        ([], set()),
        ([5], {0, 1, 2}),
        ([10], {0, 1, 2}),
        ([11], {1, 2, 3}),
        ([31, 45], {3, 4, 5}),
        ([99], set()),
    ],
)
def test_frames_at_a_switch_are_those_published_after_it_was_sent(
    sent: list[int], near: set[int]
) -> None:
    masks = [{"published_ns": at} for at in (10, 20, 30, 40, 50, 60)]
    assert frames_at_switches(masks, [{"sent_ns": at} for at in sent]) == near
