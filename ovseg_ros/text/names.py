"""Which names the text tower was trained on: is a label known or a guess?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ovseg_ros.errors import PackageError
from ovseg_ros.text.tokenizer import normalize

_ARTICLES = ("a ", "an ", "the ")
_PLURALS = (("s", ""), ("es", ""), ("ies", "y"))


class NameSource(str, Enum):
    """The list a training name comes from.

    CONCEPT: a name of a training label, seen together with images.
    CLIP: a name with a published CLIP text vector, text only.
    LEXICON: a dictionary noun placed by a teacher model, text only.
    """

    CONCEPT = "concept"
    CLIP = "clip"
    LEXICON = "lexicon"


@dataclass(frozen=True)
class TrainedNames:
    """The names of `names.json`.

    Attributes:
        source_of: the list of every normalised training name.
    """

    source_of: dict[str, NameSource]

    @classmethod
    def load(cls, path: Path) -> TrainedNames:
        """Reads `names.json`; raises PackageError when it is missing or malformed."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            source_of = {name: source for source in NameSource for name in data[source.value]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PackageError(
                f"cannot read the trained names {path}: {error!r}; wanted one list for each of "
                f"{', '.join(source.value for source in NameSource)}; restore the model package"
            ) from error
        return cls(source_of)

    def source(self, name: str) -> NameSource | None:
        """The list that holds `name`, or None for a name the tower never saw.

        Case, punctuation, a leading article and the regular plural do not matter, since every
        name was also trained on with articles and in the plural.
        """
        found = (self.source_of.get(form) for form in _forms(normalize(name)))
        return next((source for source in found if source is not None), None)

    def __contains__(self, name: str) -> bool:
        """Whether the tower was trained on `name` from any list."""
        return self.source(name) is not None


def _forms(plain: str) -> Iterator[str]:
    """The normalised name itself, then without its article, then each in the singular."""
    bare = next((plain.removeprefix(a) for a in _ARTICLES if plain.startswith(a)), plain)
    yield plain
    yield bare
    for ending, singular in _PLURALS:
        if bare.endswith(ending):
            yield bare.removesuffix(ending) + singular
