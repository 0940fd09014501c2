"""`LabelPlan`: what a configuration is asked for, and how its masks are set beside ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.confusion import index_table
from ovseg_ros.evaluation.footage.footage import Source
from ovseg_ros.query import parse_query
from ovseg_ros.segmentation import MaskArray, UInt8Array
from ovseg_ros.vocabulary import NOT_EVALUATED_ID, LabelSpec, Vocabulary, color_of

_NO_LABEL = 0


@dataclass(frozen=True)
class LabelPlan:
    """The labels of an evaluation.

    `specs` are asked for; `names` are what the published ones are called in the report, in the same
    order. `truth_of` maps a name of the ground truth, case-folded, to an index of a tally: i for
    `names[i-1]`, 0 where no label is right (a negative); other names are not evaluated.
    """

    names: tuple[str, ...]
    specs: tuple[LabelSpec, ...]
    templates: tuple[str, ...]
    truth_of: Mapping[str, int]

    @property
    def colors(self) -> dict[str, tuple[int, int, int]]:
        """The colour of each name."""
        return {name: color_of(name) for name in self.names}

    @property
    def asked(self) -> tuple[str, ...]:
        """The names that the published labels are asked by, in the order of `names`."""
        return tuple(spec.name for spec in self.specs if not spec.negative)

    def truth_indices(self, ids: UInt8Array, source: Source) -> UInt8Array:
        """Return ids of `source` uint8 [H, W] as indices of a tally; they must all have names."""
        indices = {
            label_id: self.truth_of.get(name.casefold(), NOT_EVALUATED_ID)
            for label_id, name in source.names.items()
        }
        for label_id in source.ignored:
            indices[label_id] = NOT_EVALUATED_ID
        table: npt.NDArray[np.uint8] = index_table(indices, otherwise=NOT_EVALUATED_ID)
        return table[ids]

    def mask_indices(self, mask: MaskArray, vocabulary: Vocabulary) -> UInt8Array:
        """Return a mask of label ids [H, W] as indices of a tally."""
        published = enumerate(vocabulary.published, start=1)
        table = index_table({label.id: i for i, label in published}, otherwise=_NO_LABEL)
        return table[mask]


def translated(indices: UInt8Array, source: LabelPlan, target: LabelPlan) -> UInt8Array:
    """Return indices [H, W] of one plan as those of another; labels it has not got become 0."""
    places = {name: i for i, name in enumerate(target.names, start=1)}
    table = index_table(
        {i: places.get(name, _NO_LABEL) for i, name in enumerate(source.names, start=1)},
        otherwise=_NO_LABEL,
    )
    return table[indices]


def plan_of_names(
    names: Iterable[str],
    synonyms: Mapping[str, Sequence[str]],
    threshold: float | None,
    asked: Sequence[str] = (),
) -> LabelPlan:
    """Return the plan that asks for the names of the ground truth.

    `synonyms` are asked for together with a name; `asked` takes the place of the names, in their
    order. Raises `OvsegError` where there is no name.
    """
    unique: dict[str, str] = {}
    for name in names:
        unique.setdefault(name.casefold(), name)
    ordered = tuple(unique.values())
    if not ordered:
        raise OvsegError(
            "the ground truth has no names; give them in a --label-map under 'ids', or --labels"
        )
    known = {name.casefold(): tuple(words) for name, words in synonyms.items()}
    specs = tuple(
        LabelSpec(word, () if asked else known.get(name.casefold(), ()), threshold)
        for name, word in zip(ordered, asked or ordered, strict=True)
    )
    truth_of = {name.casefold(): i for i, name in enumerate(ordered, start=1)}
    return LabelPlan(ordered, specs, (), truth_of)


def plan_of_query(text: str, threshold: float | None) -> LabelPlan:
    """Return the plan of a query: a name of the ground truth belongs to the label that it prompts.

    Labels without a threshold get `threshold`. Raises `QueryError`.
    """
    query = parse_query(text)
    specs = tuple(
        replace(spec, threshold=threshold) if spec.threshold is None else spec
        for spec in query.specs
    )
    published = [spec for spec in specs if not spec.negative]
    truth_of = {
        prompt.casefold(): _NO_LABEL if spec.negative else published.index(spec) + 1
        for spec in specs
        for prompt in spec.prompts
    }
    return LabelPlan(tuple(spec.name for spec in published), specs, query.templates, truth_of)
