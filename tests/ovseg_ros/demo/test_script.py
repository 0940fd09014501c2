"""The operator's script."""

import pytest

from ovseg_ros.demo.script import Door, drive_script, dump_script, label_script, load_script
from ovseg_ros.errors import QueryError
from ovseg_ros.query import parse_query
from ovseg_ros.vocabulary import LabelBook

NOUNS = ["road", "sky", "car", "tree", "person", "bus", "bench"]


def answers(steps):
    """Give the queries to a real label book, as the node does."""
    book = LabelBook(capacity=64)
    given = []
    for step in steps:
        try:
            given.append(book.write(parse_query(step.query).specs))
        except QueryError:
            given.append(None)
    return given


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_drive_script_is_answered_as_it_expects(count):
    steps = drive_script(NOUNS[:count], seconds=20.0)
    vocabularies = answers(steps)
    assert [vocabulary is None for vocabulary in vocabularies] == [step.refused for step in steps]
    assert [label.id for label in vocabularies[0].labels] == [
        label.id for label in vocabularies[-1].labels
    ]
    assert {step.door for step in steps} == {Door.TOPIC, Door.SERVICE}
    assert steps[0].at_s == 0.0
    assert all(a.at_s < b.at_s < 20.0 for a, b in zip(steps, steps[1:], strict=False))


def test_a_drive_script_uses_every_part_of_the_grammar():
    labels = [label for v in answers(drive_script(NOUNS, 20.0)) if v for label in v.labels]
    assert any(label.synonyms for label in labels)
    assert any(label.negative for label in labels)
    assert any(label.threshold for label in labels)


@pytest.mark.parametrize("labels", ["car", "car; person|human; !sky; tree=0.4"])
def test_a_script_of_typed_labels_is_accepted_throughout(labels):
    steps = label_script(labels, seconds=10.0)
    assert steps[0].query == steps[-1].query == labels
    assert None not in answers(steps)


def test_a_script_survives_the_way_to_another_process():
    steps = drive_script(NOUNS, 12.0)
    assert load_script(dump_script(steps)) == steps
