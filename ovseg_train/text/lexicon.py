"""Which names the tower is trained on, and from which source each comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ovseg_ros.text.tokenizer import normalize
from ovseg_train.names import Concept
from ovseg_train.names.plurals import plural
from ovseg_train.text.clip_names import ClipNames
from ovseg_train.text.wordnet import Noun

FIELD_NOUNS_FILE = Path(__file__).parents[1] / "names" / "field_nouns.txt"


class Source(str, Enum):
    """Where a training name comes from; earlier ones win where lists overlap."""

    CONCEPT = "concept"
    CLIP = "clip"
    LEXICON = "lexicon"


@dataclass(frozen=True)
class Entry:
    """One training name.

    Attributes:
        name: normalised text.
        source: the list it comes from.
        concept: index of its concept, -1 for none.
        clip: row of its CLIP vector, -1 for none.
        synonyms: normalised WordNet synonyms (lexicon entries only).
    """

    name: str
    source: Source
    concept: int = -1
    clip: int = -1
    synonyms: tuple[str, ...] = ()


def load_field_nouns(path: Path = FIELD_NOUNS_FILE) -> tuple[Noun, ...]:
    """The names of `field_nouns.txt` as nouns without synonyms."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(Noun(line, ()) for line in lines if line and not line.startswith("#"))


def collect_entries(
    concepts: tuple[Concept, ...], clip: ClipNames, nouns: Iterable[Noun]
) -> list[Entry]:
    """Every training name once, held-out names (singular and plural) left out everywhere."""
    banned = held_out_names(concepts)
    clip_rows: dict[str, int] = {}
    for row, name in enumerate(clip.names):
        clip_rows.setdefault(normalize(name), row)
    entries: dict[str, Entry] = {}
    for index, concept in enumerate(concepts):
        for name in map(normalize, concept.training_names):
            entries[name] = Entry(name, Source.CONCEPT, index, clip_rows.get(name, -1))
    for name, row in clip_rows.items():
        entries.setdefault(name, Entry(name, Source.CLIP, clip=row))
    for noun in nouns:
        name = normalize(noun.name)
        synonyms = tuple(normalize(other) for other in noun.synonyms)
        entries.setdefault(name, Entry(name, Source.LEXICON, synonyms=synonyms))
    return [entry for entry in entries.values() if entry.name not in banned]


def held_out_names(concepts: tuple[Concept, ...]) -> frozenset[str]:
    """Normalised names that must not be trained on, in both numbers."""
    names = {normalize(name) for concept in concepts for name in concept.unseen}
    return frozenset(names | {plural(name) for name in names})
