"""Common nouns from the WordNet 3.0 dictionary files (`data.noun`, `index.noun`; wndb(5WN))."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.errors import OvsegError

# Lexicographer files of things a camera can see (lexnames(5WN)) and whether a noun of the file
# must be frequent to be taken: species and people lists are long and mostly rare.
_VISIBLE = {
    5: True,  # animal
    6: False,  # artifact
    8: True,  # body
    13: False,  # food
    15: True,  # location
    17: False,  # object
    18: True,  # person
    20: True,  # plant
    27: True,  # substance
}
_LONGEST_WORDS = 3

DEBIAN_FOLDER = Path("/usr/share/wordnet")  # of Debian's package wordnet-base


@dataclass(frozen=True)
class Noun:
    """A noun in its most common sense.

    Attributes:
        name: the noun, words separated by spaces, lower case.
        synonyms: other nouns of the same synset.
    """

    name: str
    synonyms: tuple[str, ...]


def load_nouns(folder: Path, common_words: frozenset[str]) -> list[Noun]:
    """Visible, common nouns of the WordNet files in `folder`, in the files' order.

    A noun is common when all its words are in `common_words` (or, in the short lists, when
    SemCor counted it). Raises OvsegError when the files are missing.
    """
    try:
        synsets = dict(_synsets(folder / "data.noun"))
        index = (folder / "index.noun").read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise OvsegError(
            f"WordNet files not found: {error}; install the package wordnet-base "
            "or name another folder with --wordnet"
        ) from error
    nouns = []
    for line in index:
        if line.startswith("  "):
            continue
        lemma, tagged, first = _parse_index(line)
        category, members = synsets[first]
        if (
            category in _VISIBLE
            and lemma in members
            and _is_common(lemma, tagged, _VISIBLE[category], common_words)
        ):
            others = tuple(_plain(m) for m in members if m != lemma and m.islower())
            nouns.append(Noun(_plain(lemma), others))
    return nouns


def _synsets(path: Path) -> Iterator[tuple[str, tuple[int, tuple[str, ...]]]]:
    """Offset -> lexicographer file and member lemmas as written (proper nouns keep capitals)."""
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):
            continue
        fields = line.split(" ", 4 + 2 * 64)
        count = int(fields[3], 16)
        yield fields[0], (int(fields[1]), tuple(fields[4 : 4 + 2 * count : 2]))


def _parse_index(line: str) -> tuple[str, int, str]:
    """Lemma, number of senses that SemCor counted, offset of the first sense."""
    fields = line.split()
    pointers = int(fields[3])
    return fields[0], int(fields[4 + pointers + 1]), fields[4 + pointers + 2]


def _is_common(lemma: str, tagged: int, must_be_tagged: bool, common: frozenset[str]) -> bool:
    words = lemma.replace("-", "_").split("_")
    if len(words) > _LONGEST_WORDS or not all(len(w) > 1 and w.isalpha() for w in words):
        return False
    known = all(word in common for word in words)
    return (
        known
        and (tagged > 0 or len(words) > 1 or not must_be_tagged)
        or (not must_be_tagged and tagged > 0)
    )


def _plain(lemma: str) -> str:
    return lemma.replace("_", " ").lower()
