"""Labels that no position ranks high are given up before the aggregation."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.models.rejection import original_number, pick_labels, promising  # noqa: E402


def test_labels_go_by_where_they_win_and_then_by_how_close_they_come() -> None:
    cost = torch.zeros(1, 6, 2, 2)
    cost[0, 1] = 0.5  # wins three positions
    cost[0, 4, 0, 0] = 0.9  # wins one
    cost[0, 2] = 0.4  # wins none, comes close
    cost[0, 5] = 0.1
    assert [set(promising(cost, most)[0].tolist()) for most in (1, 2, 3, 4)] == [
        {1},
        {1, 4},
        {1, 4, 2},
        {1, 4, 2, 5},
    ]


def test_every_image_keeps_its_own_labels() -> None:
    cost = torch.zeros(2, 9, 1, 1)
    cost[0, 7], cost[1, 2] = 0.5, 0.5
    kept = promising(cost, 1)
    assert kept.tolist() == [[7], [2]]
    assert pick_labels(cost, kept).flatten().tolist() == [0.5, 0.5]


def test_few_labels_are_all_kept() -> None:
    assert sorted(promising(torch.rand(1, 3, 2, 2), 5)[0].tolist()) == [0, 1, 2]


def test_a_place_among_the_kept_is_a_number_among_all() -> None:
    kept = torch.tensor([[4, 0], [7, 3]])
    place = torch.tensor([[[0, 1]], [[1, 1]]])
    assert original_number(place, kept).tolist() == [[[4, 0]], [[3, 3]]]
