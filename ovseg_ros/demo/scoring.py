"""Scoring the masks of a demo against the drive's ground truth, by the names in force."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ovseg_ros.demo.ledger import LabelMapRecord
from ovseg_ros.evaluation.confusion import ConfusionMatrix, index_table
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.vocabulary import NOT_EVALUATED_ID


class QueryScorer:
    """Counts the masks of one query.

    A noun of the ground truth stands for the label that has it as its name or a synonym. Nouns
    that were asked for as negatives should get no label; nouns that were not asked for at all are
    not evaluated.
    """

    def __init__(self, query: LabelMapRecord, nouns: Mapping[int, str]) -> None:
        """Prepare for the masks of `query`; `nouns` maps ground-truth ids to names."""
        published = [label for label in query.labels if not label.negative]
        index_of = {
            prompt.casefold(): 0 if label.negative else published.index(label) + 1
            for label in query.labels
            for prompt in (label.name, *label.synonyms)
        }
        self._truth_table = index_table(
            {
                noun_id: index_of[name.casefold()]
                for noun_id, name in nouns.items()
                if name.casefold() in index_of
            },
            otherwise=NOT_EVALUATED_ID,
        )
        self._mask_table = index_table(
            {label.id: index for index, label in enumerate(published, start=1)}, otherwise=0
        )
        self.matrix = ConfusionMatrix([label.name for label in published])

    def add(self, truth: UInt8Array, mask: UInt8Array) -> ConfusionMatrix:
        """Count one mask against its ground truth, both uint8 [H, W], and return its own counts."""
        one = ConfusionMatrix(self.matrix.names)
        one.add(self._truth_table[truth], self._mask_table[mask])
        self.matrix.counts += one.counts
        return one


def ids_in(mask: UInt8Array) -> frozenset[int]:
    """Return the distinct values of a uint8 mask."""
    return frozenset(np.flatnonzero(np.bincount(mask.ravel(), minlength=256)).tolist())
