"""What the demo's operator does: the queries, when, and by which door."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum

from ovseg_ros.query import format_query, parse_query
from ovseg_ros.vocabulary import LabelSpec

_KEPT_NOUNS = 6
_MANY_NOUNS = 12
# Other words for nouns that drives show; a query may use either.
_SYNONYMS = {
    "bicycle": "bike",
    "bus": "coach",
    "car": "automobile",
    "pavement": "sidewalk",
    "pedestrian": "person on foot",
    "person": "human",
    "road": "street",
    "traffic cone": "pylon",
    "tree": "trees",
    "truck": "lorry",
}


class Door(str, Enum):
    """How a query reaches the node; `ADAPTER` is for choices of adapters instead."""

    TOPIC = "topic"
    SERVICE = "service"
    ADAPTER = "adapter"


@dataclass(frozen=True)
class Step:
    """One action of the operator, `at_s` seconds after the stream began.

    At the door `ADAPTER` the `query` is a choice of adapters, such as 'auto' or 'fog=0.7,rain=0.3'.
    """

    at_s: float
    door: Door
    query: str
    refused: bool = False


def drive_script(nouns: Sequence[str], seconds: float) -> tuple[Step, ...]:
    """Return the script for a drive whose ground truth has `nouns`, most frequent first.

    A dozen nouns first, then few of them under synonyms, one as a negative, a query that must be
    refused, one with a high threshold, all nouns there are, and the dozen again, whose ids must be
    those of the first time.
    """
    dozen = format_query([LabelSpec(name) for name in nouns[:_MANY_NOUNS]])
    everything = format_query([LabelSpec(name) for name in nouns])
    few = list(nouns[:_KEPT_NOUNS])
    synonyms = [_with_synonym(name) for name in few]
    with_negative = [LabelSpec(few[0], negative=len(few) > 1), *map(_with_synonym, few[1:])]
    strict = [LabelSpec(name, threshold=0.6 if i == 0 else 0.2) for i, name in enumerate(few)]
    steps = (
        (0.0, Door.SERVICE, dozen, False),
        (0.25, Door.TOPIC, format_query(synonyms), False),
        (0.40, Door.TOPIC, format_query(with_negative), False),
        (0.50, Door.SERVICE, f"{few[0]}; {few[0]}", True),
        (0.55, Door.SERVICE, format_query(strict), False),
        (0.70, Door.SERVICE, everything, False),
        (0.82, Door.TOPIC, dozen, False),
    )
    return tuple(Step(share * seconds, door, query, no) for share, door, query, no in steps)


def label_script(labels: str, seconds: float) -> tuple[Step, ...]:
    """Return the script for labels that a user typed: theirs, each half of them, theirs again.

    Raises `QueryError` where `labels` does not parse.
    """
    specs = parse_query(labels).specs
    published = [spec for spec in specs if not spec.negative]
    half = max(1, len(published) // 2)
    steps = (
        (0.0, Door.SERVICE, labels),
        (0.35, Door.TOPIC, format_query(published[:half])),
        (0.60, Door.SERVICE, format_query(published[-half:])),
        (0.80, Door.TOPIC, labels),
    )
    return tuple(Step(share * seconds, door, query) for share, door, query in steps)


def dump_script(steps: Sequence[Step]) -> str:
    """Return a script as JSON, for the operator process."""
    return json.dumps([asdict(step) for step in steps])


def load_script(text: str) -> tuple[Step, ...]:
    """Return the script in the JSON of `dump_script`."""
    return tuple(Step(**{**entry, "door": Door(entry["door"])}) for entry in json.loads(text))


def _with_synonym(name: str) -> LabelSpec:
    synonym = _SYNONYMS.get(name)
    return LabelSpec(name, (synonym,) if synonym else ())
