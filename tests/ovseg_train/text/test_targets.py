"""Geometry of the text space and where names shall land in it."""

from __future__ import annotations

import numpy as np

from ovseg_train.names import Concept
from ovseg_train.text.clip_names import ClipNames
from ovseg_train.text.evaluation import close_pairs, measure_names, measure_retrieval
from ovseg_train.text.lexicon import collect_entries
from ovseg_train.text.space import directions, on_sphere, unit
from ovseg_train.text.targets import make_targets, spread
from ovseg_train.text.wordnet import Noun


def _unit_rows(count: int, dim: int, seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32))


def test_directions_and_on_sphere_are_inverse() -> None:
    centre = 0.86 * _unit_rows(1, 16, 1)[0]
    vectors = _unit_rows(50, 16, 2)
    back = on_sphere(directions(vectors, centre), centre)
    np.testing.assert_allclose(back, vectors, atol=1e-5)


def test_spread_parts_close_anchors_and_leaves_the_rest() -> None:
    anchors = _unit_rows(4, 64, 3)
    anchors[1] = unit(anchors[0] + 0.2 * anchors[1])
    moved = spread(anchors, largest=0.45)
    assert anchors[0] @ anchors[1] > 0.9
    assert moved[0] @ moved[1] < 0.47
    assert (moved[:2] * anchors[:2]).sum(1).min() > 0.8
    np.testing.assert_allclose(moved[2:], anchors[2:], atol=1e-6)


def test_targets_follow_clip_then_teacher_and_draw_synonyms_together(
    concepts: tuple[Concept, ...], clip: ClipNames
) -> None:
    nouns = [Noun("lorry", ("van",)), Noun("van", ("lorry",)), Noun("kite", ())]
    entries = collect_entries(concepts, clip, nouns)
    row = {entry.name: index for index, entry in enumerate(entries)}
    teacher, known = _unit_rows(len(entries), 512, 4), _unit_rows(len(clip.names), 512, 5)
    targets = make_targets(entries, teacher, known)
    found = targets.entries
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(found[row["apple"]], known[clip.names.index("apple")])
    np.testing.assert_array_equal(found[row["kite"]], teacher[row["kite"]])
    np.testing.assert_array_equal(found[row["road"]], targets.anchors[1])
    assert found[row["automobile"]] @ targets.anchors[0] > 0.9
    assert found[row["lorry"]] @ found[row["van"]] > teacher[row["lorry"]] @ teacher[row["van"]]


def test_retrieval_ranks_a_name_among_all() -> None:
    gallery, centre = _unit_rows(30, 32, 6), np.zeros(32, np.float32)
    found = gallery[[3, 4]].copy()
    found[1] = unit(gallery[4] + 1.2 * gallery[9])
    measured = measure_retrieval(found, np.array([3, 4]), gallery, centre)
    assert (measured.top1, measured.top5, measured.median_rank) == (0.5, 1.0, 1.5)


def test_margins_and_close_pairs_name_the_nearest_other_concept() -> None:
    centre = np.zeros(3, np.float32)
    space = dict(zip(("car", "bus", "sky"), np.eye(3, dtype=np.float32), strict=True))
    space["bus"] = unit(np.array([0.8, 0.6, 0.0], np.float32))
    (measured,) = measure_names([("coach", "bus")], space["car"][None], space, centre)
    assert (measured.other, measured.margin < 0) == ("car", True)
    ((first, second, cosine),) = close_pairs(space, centre, above=0.5)
    assert (first, second, round(cosine, 3)) == ("car", "bus", 0.8)
