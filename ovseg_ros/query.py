"""The query grammar: the line of text an operator types, turned into label specs.

    car; person | pedestrian; traffic cone=0.4; !sky

Labels are split by ';', ',' or a new line; 'a|b|c' are synonyms of one label, the first being its
name; 'name=0.4' sets a threshold; '!name' is a negative. JSON with the same fields is accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ovseg_ros.errors import QueryError
from ovseg_ros.vocabulary import LabelSpec

MAX_QUERY_CHARS = 65536
_LABEL_FIELDS = ("name", "synonyms", "threshold", "negative", "id")
_QUERY_FIELDS = ("labels", "templates", "prompts", "class_ids")


@dataclass(frozen=True)
class Query:
    """A parsed query, not yet validated against a package: label specs and prompt templates."""

    specs: tuple[LabelSpec, ...]
    templates: tuple[str, ...] = ()


def parse_query(text: str) -> Query:
    """Parse the grammar above, or JSON when `text` starts with '[' or '{'.

    Raises `QueryError` for text that is too long, malformed JSON or a malformed threshold.
    """
    if len(text) > MAX_QUERY_CHARS:
        raise QueryError(
            f"the query has {len(text)} characters; at most {MAX_QUERY_CHARS} are read"
        )
    if text.lstrip()[:1] in ("[", "{"):
        return _parse_json(text)
    items = [item for item in re.split(r"[;,\n]", text) if item.strip()]
    return Query(tuple(_parse_item(item) for item in items))


def specs_from_prompts(prompts: Sequence[str], class_ids: Sequence[int]) -> tuple[LabelSpec, ...]:
    """Return specs for parallel lists of prompts and ids (0 or no list: let the node choose).

    Each prompt may use the synonyms, threshold and negative marks of the grammar. Raises
    `QueryError` where the lists differ in length.
    """
    if class_ids and len(class_ids) != len(prompts):
        raise QueryError(
            f"{len(prompts)} prompts came with {len(class_ids)} class ids; "
            "give one id for each prompt, or none at all"
        )
    ids = class_ids or [0] * len(prompts)
    return tuple(
        _parse_item(prompt, int(class_id) or None)
        for prompt, class_id in zip(prompts, ids, strict=True)
    )


def format_query(specs: Sequence[LabelSpec]) -> str:
    """Return `specs` in the grammar, so that `parse_query` gives them back (ids aside)."""
    return "; ".join(_format_item(spec) for spec in specs)


def _format_item(spec: LabelSpec) -> str:
    mark = "!" if spec.negative else ""
    threshold = "" if spec.threshold is None else f"={spec.threshold:g}"
    return f"{mark}{'|'.join(spec.prompts)}{threshold}"


def _parse_item(item: str, pinned_id: int | None = None) -> LabelSpec:
    body = item.strip()
    negative = body.startswith("!")
    body = body.removeprefix("!")
    body, equals, number = body.partition("=")
    threshold = _parse_threshold(number, item) if equals else None
    name, *synonyms = (part.strip() for part in body.split("|"))
    return LabelSpec(name, tuple(synonyms), threshold, negative, pinned_id)


def _parse_threshold(number: str, item: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise QueryError(
            f"{ascii(item.strip()[:60])}: {ascii(number[:20])} after '=' is not a number; "
            "a threshold is written like 'car=0.4'"
        ) from None


def _parse_json(text: str) -> Query:
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise QueryError(
            f"the query starts like JSON but is not valid JSON: {error}; "
            'write {"labels": [{"name": "car", "threshold": 0.4}]} or plain text: car=0.4'
        ) from None
    if isinstance(data, list):
        data = {"labels": data}
    _refuse_unknown(data, _QUERY_FIELDS, "query")
    if "prompts" in data:
        prompts = _strings(data["prompts"], "prompts")
        specs = specs_from_prompts(prompts, _ids(data.get("class_ids", [])))
    else:
        labels = data.get("labels", [])
        if not isinstance(labels, list):
            raise QueryError(f"'labels' must be a list, not {type(labels).__name__}")
        specs = tuple(_spec_from_json(entry) for entry in labels)
    return Query(specs, tuple(_strings(data.get("templates", []), "templates")))


def _spec_from_json(entry: Any) -> LabelSpec:
    if isinstance(entry, str):
        return LabelSpec(entry)
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise QueryError(
            f"a label in the JSON query is {ascii(str(entry)[:60])}; "
            'it must be a string or an object such as {"name": "car"}'
        )
    _refuse_unknown(entry, _LABEL_FIELDS, "label")
    return LabelSpec(
        name=entry["name"],
        synonyms=tuple(_strings(entry.get("synonyms", []), "synonyms")),
        threshold=_json_threshold(entry.get("threshold")),
        negative=_json_bool(entry.get("negative", False)),
        pinned_id=(_ids([entry.get("id", 0)])[0] or None),
    )


def _refuse_unknown(entry: dict[str, Any], known: tuple[str, ...], what: str) -> None:
    unknown = sorted(set(entry) - set(known))
    if unknown:
        raise QueryError(
            f"unknown field {ascii(unknown[0][:40])} in the JSON {what}; "
            f"the fields are {', '.join(known)}"
        )


def _strings(value: Any, field: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise QueryError(f"'{field}' must be a list of strings")
    return value


def _ids(value: Any) -> list[int]:
    if not isinstance(value, list) or not all(type(item) is int for item in value):
        raise QueryError("ids must be whole numbers, 0 to let the node choose")
    return value


def _json_threshold(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise QueryError(
            f"'threshold' is {ascii(str(value)[:20])}; it must be a number from 0 to 1"
        )
    return float(value)


def _json_bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise QueryError(f"'negative' is {ascii(str(value)[:20])}; it must be true or false")
    return value
