"""Configurations in one line, and what they are asked for."""

from pathlib import Path

import numpy as np
import pytest

from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.footage.footage import Source
from ovseg_ros.evaluation.run.configuration import Configuration, parse_against
from ovseg_ros.evaluation.run.label_plan import plan_of_names, plan_of_query, translated
from ovseg_ros.vocabulary import LabelBook

BASE = Configuration("tiny", adapters="auto", threshold=0.3)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("package=other", Configuration("other", adapters="auto", threshold=0.3)),
        ("adapters=none,threshold=card", Configuration("tiny", threshold=None)),
        (
            "adapters=fog=0.7,rain=0.3,threshold=0",
            Configuration("tiny", adapters="fog=0.7,rain=0.3", threshold=0.0),
        ),
        (
            "labels=car|automobile=0.2,!sky; road",
            Configuration(
                "tiny", adapters="auto", labels="car|automobile=0.2,!sky; road", threshold=0.3
            ),
        ),
        (
            "backend=openvino,precision=bf16,adapter-dir=some/where",
            Configuration(
                "tiny",
                EngineChoice.of("openvino", "bf16"),
                adapters="auto",
                adapter_dir=Path("some/where"),
                threshold=0.3,
            ),
        ),
    ],
)
def test_what_a_line_changes(text, wanted):
    assert parse_against(text, BASE) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("auto", "does not begin with a key"),
        ("colour=red", "with the keys package, backend"),
        ("threshold=2", "0 to 1 nor 'card'"),
        ("backend=abacus", "abacus"),
        ("camera=wide", "wide"),
    ],
)
def test_lines_that_are_refused(text, message):
    with pytest.raises(OvsegError, match=message):
        parse_against(text, BASE)


def indices(plan, ids, names):
    source = Source(Path("x"), "x", names, frozenset({255}))
    return plan.truth_indices(np.array([ids], np.uint8), source).tolist()[0]


def test_a_plan_of_names_keeps_order_and_merges():
    plan = plan_of_names(["sky", "car", "Sky"], {"car": ["automobile"]}, 0.0)
    assert plan.names == ("sky", "car")
    assert plan.specs[1].prompts == ("car", "automobile")
    assert indices(plan, [7, 8, 9, 255], {7: "car", 8: "Sky", 9: "sky"}) == [2, 1, 1, 255]


def test_a_plan_of_other_names_scores_under_its_own():
    plan = plan_of_names(["sky", "car"], {}, 0.0, asked=["heaven", "automobile"])
    assert plan.names == ("sky", "car")
    assert plan.asked == ("heaven", "automobile")
    assert indices(plan, [1, 2], {1: "car", 2: "sky"}) == [2, 1]


def test_a_plan_of_a_query_takes_synonyms_and_negatives():
    plan = plan_of_query("car|truck=0.4; !sky; road", 0.1)
    assert plan.names == ("car", "road")
    assert [spec.threshold for spec in plan.specs] == [0.4, 0.1, 0.1]
    found = {1: "Truck", 2: "sky", 3: "road", 4: "tree"}
    assert indices(plan, [1, 2, 3, 4, 255], found) == [1, 0, 2, 255, 255]
    vocabulary = LabelBook(8).write(plan.specs)
    ids = [label.id for label in vocabulary.published]
    mask = np.array([[0, *ids]], np.uint8)
    assert plan.mask_indices(mask, vocabulary).tolist() == [[0, 1, 2]]
    other = plan_of_query("road; tree", 0.1)
    assert translated(np.array([[0, 1, 2]], np.uint8), plan, other).tolist() == [[0, 0, 1]]


def test_no_names_are_refused():
    with pytest.raises(OvsegError, match="has no names"):
        plan_of_names([], {}, 0.0)
