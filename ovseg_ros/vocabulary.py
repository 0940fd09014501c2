"""Labels and vocabularies: what the robot looks for, with ids that never change meaning.

An id belongs to one label name for the life of a `LabelBook` and is never given to another name:
map layers downstream remember ids, so a re-used id would re-label what they have already seen.
"""

from __future__ import annotations

import colorsys
import hashlib
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from ovseg_ros.errors import QueryError

NO_LABEL_ID = 0
NOT_EVALUATED_ID = 255
# No label has that id, so among the codes of a query it marks a row that is not there.
PAD_CODE = NOT_EVALUATED_ID
MAX_NAME_CHARS = 128
MAX_SYNONYMS = 32
MAX_TEMPLATES = 16
# Of many numbers the one that keeps the names robots ask for most the furthest apart.
_COLOR_SALT = 5843


class IdSpace(Enum):
    """How many ids a mask can carry: `mono8` 1..254, `mono16` 1..65535 without 255."""

    MONO8 = "mono8"
    MONO16 = "mono16"

    @property
    def last_id(self) -> int:
        """The largest id a label may have in this space."""
        return 254 if self is IdSpace.MONO8 else 65535


@dataclass(frozen=True)
class LabelSpec:
    """One label as asked for, before it has an id.

    `threshold` is the confidence in 0..1 below which a pixel is given no label (None: the package's
    default); `negative` labels compete for pixels but are never published; `pinned_id` asks for a
    particular id (None: the next free one).
    """

    name: str
    synonyms: tuple[str, ...] = ()
    threshold: float | None = None
    negative: bool = False
    pinned_id: int | None = None

    @property
    def prompts(self) -> tuple[str, ...]:
        """The name followed by its synonyms: the texts whose embeddings make up the label."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class Label:
    """One label in force. `id` is 0 for a negative label; `color` is RGB, each 0..255."""

    id: int
    name: str
    synonyms: tuple[str, ...]
    threshold: float | None
    negative: bool
    color: tuple[int, int, int]

    @property
    def prompts(self) -> tuple[str, ...]:
        """The name followed by its synonyms."""
        return (self.name, *self.synonyms)


@dataclass(frozen=True)
class Vocabulary:
    """The labels in force at one revision; N = len(labels), negatives included.

    An empty `templates` means the templates of the model package's card.
    """

    revision: int
    labels: tuple[Label, ...]
    templates: tuple[str, ...] = ()

    @property
    def published(self) -> tuple[Label, ...]:
        """The labels that can appear in a mask, that is all but the negatives."""
        return tuple(label for label in self.labels if not label.negative)

    def by_id(self) -> dict[int, Label]:
        """Map each published id to its label."""
        return {label.id: label for label in self.published}


def normalise_name(text: str) -> str:
    """Return `text` in NFKC form with runs of white space folded to one blank and no blank ends."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def color_of(name: str) -> tuple[int, int, int]:
    """Return the RGB colour (each 0..255) that belongs to `name`, the same on every machine.

    Hue, saturation and value come from the SHA-256 of the case-folded name, salted; Python's own
    `hash` is salted per process and would change the colours at every start.
    """
    salted = f"{_COLOR_SALT}/{normalise_name(name).casefold()}"
    digest = hashlib.sha256(salted.encode()).digest()
    hue = int.from_bytes(digest[:4], "big") / 2**32
    saturation = 0.45 + 0.55 * digest[4] / 255
    value = 0.6 + 0.4 * digest[5] / 255
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def validate_specs(specs: Sequence[LabelSpec], capacity: int) -> tuple[LabelSpec, ...]:
    """Return `specs` with normalised names, or raise `QueryError` saying what is wrong with them.

    `capacity` is the largest number of labels, negatives included, that the package can run.
    """
    if not specs:
        raise QueryError(
            "the query has no labels; give at least one, for example 'car; person; road'"
        )
    if len(specs) > capacity:
        raise QueryError(
            f"the query has {len(specs)} labels but this model package takes at most {capacity}; "
            "ask for fewer labels"
        )
    clean = tuple(_validate_spec(spec) for spec in specs)
    _refuse_duplicates(clean)
    if all(spec.negative for spec in clean):
        raise QueryError("every label of the query is negative ('!name'); add one to publish")
    return clean


def validate_templates(templates: Sequence[str]) -> tuple[str, ...]:
    """Return prompt `templates` unchanged, or raise `QueryError`; each must hold '{}' just once."""
    if len(templates) > MAX_TEMPLATES:
        raise QueryError(f"{len(templates)} prompt templates given; at most {MAX_TEMPLATES} fit")
    for template in templates:
        if template.count("{}") != 1 or len(template) > MAX_NAME_CHARS:
            raise QueryError(
                f"prompt template {_shown(template)} must hold '{{}}' exactly once and have at "
                f"most {MAX_NAME_CHARS} characters, for example 'a photo of a {{}}'"
            )
        _refuse_controls(template)
    return tuple(templates)


def _validate_spec(spec: LabelSpec) -> LabelSpec:
    if len(spec.synonyms) > MAX_SYNONYMS:
        raise QueryError(
            f"label {_shown(spec.name)} has {len(spec.synonyms)} synonyms; at most {MAX_SYNONYMS}"
        )
    if spec.threshold is not None and not 0.0 <= spec.threshold <= 1.0:
        raise QueryError(
            f"label {_shown(spec.name)} has threshold {spec.threshold:g}; "
            "a threshold is a confidence from 0 to 1"
        )
    if spec.negative and spec.pinned_id is not None:
        raise QueryError(f"label {_shown(spec.name)} is negative, so it cannot have an id")
    return LabelSpec(
        name=_validate_name(spec.name),
        synonyms=tuple(_validate_name(name) for name in spec.synonyms),
        threshold=spec.threshold,
        negative=spec.negative,
        pinned_id=spec.pinned_id,
    )


def _validate_name(name: str) -> str:
    if len(name) > MAX_NAME_CHARS:
        raise QueryError(
            f"a label has {len(name)} characters ({_shown(name)}); at most {MAX_NAME_CHARS}"
        )
    clean = normalise_name(name)
    _refuse_controls(clean)
    if not clean:
        raise QueryError("a label is empty; remove the extra separator or give it a name")
    return clean


def _refuse_controls(text: str) -> None:
    for char in text:
        if unicodedata.category(char) in {"Cc", "Cs", "Co", "Cn"}:
            raise QueryError(
                f"label {_shown(text)} holds the control character U+{ord(char):04X}; remove it"
            )


def _refuse_duplicates(specs: tuple[LabelSpec, ...]) -> None:
    owner: dict[str, str] = {}
    for spec in specs:
        for prompt in dict.fromkeys(p.casefold() for p in spec.prompts):
            if prompt in owner:
                raise QueryError(
                    f"{_shown(prompt)} stands in two labels ({_shown(owner[prompt])} and "
                    f"{_shown(spec.name)}); name each thing once"
                )
            owner[prompt] = spec.name


def _shown(text: str) -> str:
    """Quote `text` for an error, cut so that a huge label cannot flood the log."""
    return ascii(text) if len(text) <= 40 else ascii(text[:40]) + "..."


class LabelBook:
    """Gives labels their ids and vocabularies their revisions. Safe to call from any thread."""

    def __init__(self, capacity: int, id_space: IdSpace = IdSpace.MONO8) -> None:
        """Start with no ids given; `capacity` is the label capacity of the model package."""
        self._capacity = capacity
        self._id_space = id_space
        self._ids: dict[str, int] = {}
        self._revision = 0
        self._lock = threading.Lock()

    def set_capacity(self, capacity: int) -> None:
        """Go on with another model package of that label capacity; all ids keep their labels."""
        self._capacity = capacity

    def write(self, specs: Sequence[LabelSpec], templates: Sequence[str] = ()) -> Vocabulary:
        """Return the vocabulary for `specs` with the next revision; all or nothing.

        Raises `QueryError`, with no id given away and no revision used, where a spec is refused.
        """
        clean = validate_specs(specs, self._capacity)
        kept_templates = validate_templates(templates)
        with self._lock:
            ids = self._assign(clean)
            self._ids.update({name: i for name, i in ids.items() if i != NO_LABEL_ID})
            self._revision += 1
            labels = tuple(self._label(spec, ids[spec.name.casefold()]) for spec in clean)
            return Vocabulary(self._revision, labels, kept_templates)

    def renew(self, vocabulary: Vocabulary) -> Vocabulary:
        """Return `vocabulary`, which this book has written, with the next revision."""
        with self._lock:
            self._revision += 1
            return replace(vocabulary, revision=self._revision)

    def _assign(self, specs: tuple[LabelSpec, ...]) -> dict[str, int]:
        assigned: dict[str, int] = {}
        taken = {i: name for name, i in self._ids.items()}
        for spec in specs:
            if spec.pinned_id is not None:
                self._check_pin(spec, taken)
                assigned[spec.name.casefold()] = spec.pinned_id
                taken[spec.pinned_id] = spec.name.casefold()
        free = self._free_ids(taken)
        for spec in specs:
            key = spec.name.casefold()
            if spec.negative:
                assigned[key] = NO_LABEL_ID
            elif key not in assigned:
                assigned[key] = self._ids[key] if key in self._ids else next(free)
        return assigned

    def _check_pin(self, spec: LabelSpec, taken: dict[int, str]) -> None:
        pin, key = spec.pinned_id, spec.name.casefold()
        assert pin is not None
        if not 1 <= pin <= self._id_space.last_id or pin == NOT_EVALUATED_ID:
            raise QueryError(
                f"label {_shown(spec.name)} asks for id {pin}; ids go from 1 to "
                f"{self._id_space.last_id} and {NOT_EVALUATED_ID} means 'not evaluated'"
            )
        if taken.get(pin, key) != key:
            raise QueryError(
                f"id {pin} belongs to {_shown(taken[pin])} for the life of this node; "
                f"give {_shown(spec.name)} another id, or 0 to let the node choose"
            )
        if self._ids.get(key, pin) != pin:
            raise QueryError(
                f"label {_shown(spec.name)} has had id {self._ids[key]} since it was first asked "
                f"for and cannot change to {pin}; ask for {self._ids[key]} or restart the node"
            )

    def _free_ids(self, taken: dict[int, str]) -> Iterator[int]:
        for candidate in range(1, self._id_space.last_id + 1):
            if candidate not in taken and candidate != NOT_EVALUATED_ID:
                yield candidate
        raise QueryError(
            f"all {self._id_space.last_id} ids of {self._id_space.value} masks have been given to "
            "labels; restart the node, or set output.mask.encoding to 'mono16'"
        )

    def _label(self, spec: LabelSpec, label_id: int) -> Label:
        return Label(
            id=label_id,
            name=spec.name,
            synonyms=spec.synonyms,
            threshold=spec.threshold,
            negative=spec.negative,
            color=color_of(spec.name),
        )
