"""Scores by the names in force: synonyms, negatives and nouns that were not asked for."""

import numpy as np
import pytest

from ovseg_ros.demo.ledger import LabelEntry, LabelMapRecord
from ovseg_ros.demo.scoring import QueryScorer, ids_in

NOUNS = {1: "Car", 2: "tree", 3: "sky", 4: "bench"}
TRUTH = np.array([[1, 1, 2, 2, 3, 3, 4, 255]], np.uint8)


def query(*labels):
    return LabelMapRecord(1, 0, labels)


@pytest.mark.parametrize(
    ("labels", "mask", "wanted"),
    [
        pytest.param(
            [LabelEntry(5, "car"), LabelEntry(9, "tree")],
            [5, 5, 9, 9, 5, 9, 9, 9],
            {"car": 1.0, "tree": 1.0},
            id="nouns-not-asked-for-are-not-evaluated",
        ),
        pytest.param(
            [LabelEntry(5, "automobile", ("car",)), LabelEntry(9, "tree")],
            [5, 9, 9, 9, 0, 0, 0, 0],
            {"automobile": 1 / 2, "tree": 2 / 3},
            id="a-synonym-names-the-noun",
        ),
        pytest.param(
            [LabelEntry(5, "car"), LabelEntry(0, "sky", negative=True)],
            [5, 5, 0, 0, 5, 5, 0, 0],
            {"car": 2 / 4},
            id="a-negative-noun-should-get-no-label",
        ),
        pytest.param(
            [LabelEntry(5, "car"), LabelEntry(6, "zebra")],
            [5, 6, 0, 0, 0, 0, 0, 0],
            {"car": 1 / 2, "zebra": None},
            id="a-label-the-drive-never-shows-is-absent",
        ),
    ],
)
def test_iou_by_name(labels, mask, wanted):
    scorer = QueryScorer(query(*labels), NOUNS)
    scorer.add(TRUTH, np.array([mask], np.uint8))
    found = {score.name: score.iou for score in scorer.matrix.scores()}
    assert found == {n: None if v is None else pytest.approx(v) for n, v in wanted.items()}


def test_add_returns_the_counts_of_one_mask():
    scorer = QueryScorer(query(LabelEntry(5, "car")), NOUNS)
    mask = np.full_like(TRUTH, 5)
    first, second = scorer.add(TRUTH, mask), scorer.add(TRUTH, mask)
    assert (first.counts == second.counts).all()
    assert (scorer.matrix.counts == 2 * first.counts).all()


def test_ids_in_a_mask():
    assert ids_in(np.array([[0, 7], [255, 7]], np.uint8)) == {0, 7, 255}
