"""The query grammar: what an operator may type, and what is refused with which words."""

from __future__ import annotations

import json

import pytest

from ovseg_ros.errors import QueryError
from ovseg_ros.query import MAX_QUERY_CHARS, format_query, parse_query, specs_from_prompts
from ovseg_ros.vocabulary import LabelSpec


@pytest.mark.parametrize(
    ("text", "specs"),
    [
        ("car", [LabelSpec("car")]),
        ("car; person", [LabelSpec("car"), LabelSpec("person")]),
        ("car, person\nroad", [LabelSpec("car"), LabelSpec("person"), LabelSpec("road")]),
        ("car;;; person;", [LabelSpec("car"), LabelSpec("person")]),
        ("person | pedestrian|human", [LabelSpec("person", ("pedestrian", "human"))]),
        ("cone = 0.4", [LabelSpec("cone", threshold=0.4)]),
        ("!sky", [LabelSpec("sky", negative=True)]),
        ("!sky|cloud=0.2", [LabelSpec("sky", ("cloud",), 0.2, True)]),
        (
            '["car", {"name": "sky", "negative": true}]',
            [LabelSpec("car"), LabelSpec("sky", (), None, True)],
        ),
        (
            '{"labels": [{"name": "a, b", "synonyms": ["c"], "threshold": 1, "id": 7}]}',
            [LabelSpec("a, b", ("c",), 1.0, False, 7)],
        ),
        (
            '{"prompts": ["car|auto", "bus"], "class_ids": [3, 0]}',
            [LabelSpec("car", ("auto",), pinned_id=3), LabelSpec("bus")],
        ),
        ("", []),
    ],
)
def test_queries_that_parse(text: str, specs: list[LabelSpec]) -> None:
    assert list(parse_query(text).specs) == specs


def test_json_carries_templates() -> None:
    query = parse_query('{"labels": ["car"], "templates": ["a photo of a {}"]}')
    assert query.templates == ("a photo of a {}",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("car=high", "not a number"),
        ("x" * (MAX_QUERY_CHARS + 1), "at most"),
        ('{"labels": [', "not valid JSON"),
        ("[" * 30000, "not valid JSON"),
        ('{"label": ["car"]}', "the fields are labels"),
        ('{"labels": "car"}', "must be a list"),
        ('[{"name": 3}]', "must be a string or an object"),
        ('[{"name": "car", "colour": "red"}]', "unknown field 'colour'"),
        ('[{"name": "car", "threshold": "high"}]', "must be a number"),
        ('[{"name": "car", "threshold": true}]', "must be a number"),
        ('[{"name": "car", "negative": 1}]', "must be true or false"),
        ('[{"name": "car", "id": 1.5}]', "whole numbers"),
        ('{"prompts": ["car"], "class_ids": [1, 2]}', "one id for each prompt"),
    ],
)
def test_queries_that_are_refused(text: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        parse_query(text)


def test_prompts_keep_the_marks_of_the_grammar() -> None:
    specs = specs_from_prompts(["car|auto=0.3", "!sky"], [])
    assert specs == (LabelSpec("car", ("auto",), 0.3), LabelSpec("sky", negative=True))


@pytest.mark.parametrize("text", ["car", "a|b|c=0.25; !sky; d=1", "дорога; 道路"])
def test_formatting_gives_the_query_back(text: str) -> None:
    specs = parse_query(text).specs
    assert parse_query(format_query(specs)).specs == specs


def test_json_and_text_mean_the_same() -> None:
    text = parse_query("person|pedestrian=0.4; !sky").specs
    entries = [
        {"name": "person", "synonyms": ["pedestrian"], "threshold": 0.4},
        {"name": "sky", "negative": True},
    ]
    assert parse_query(json.dumps(entries)).specs == text
