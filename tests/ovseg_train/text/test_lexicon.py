"""Which names are trained on, and that held-out names are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ovseg_ros.errors import OvsegError
from ovseg_ros.text.tokenizer import normalize
from ovseg_train.names import Concept, load_concepts
from ovseg_train.text.clip_names import ClipNames, load_clip_names
from ovseg_train.text.lexicon import Source, collect_entries, held_out_names, load_field_nouns
from ovseg_train.text.paraphrases import paraphrase
from ovseg_train.text.wordnet import Noun, load_nouns

COMMON = frozenset({"fire", "truck", "lorry", "oak", "carriageway", "redness", "lincoln"})


def test_wordnet_gives_common_visible_nouns_with_their_synonyms(wordnet_folder: Path) -> None:
    assert load_nouns(wordnet_folder, COMMON) == [
        Noun("carriageway", ("lorry",)),
        Noun("fire truck", ("fire engine",)),
        Noun("lorry", ("carriageway",)),
    ]


def test_missing_wordnet_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(OvsegError, match="wordnet-base"):
        load_nouns(tmp_path, COMMON)


def test_concepts_win_over_clip_over_lexicon_and_held_out_names_are_nowhere(
    concepts: tuple[Concept, ...], clip: ClipNames, wordnet_folder: Path
) -> None:
    nouns = [*load_nouns(wordnet_folder, COMMON), Noun("apple", ()), Noun("motor vehicles", ())]
    entries = {entry.name: entry for entry in collect_entries(concepts, clip, nouns)}
    assert entries["car"].source is Source.CONCEPT and clip.names[entries["car"].clip] == "car"
    assert entries["street"].concept == 1 and entries["street"].clip == -1
    assert entries["apple"].source is Source.CLIP
    assert entries["lorry"].source is Source.LEXICON
    assert not held_out_names(concepts) & entries.keys()
    assert "carriageway" not in entries and "motor vehicles" not in entries


def test_no_paraphrase_of_a_real_training_name_is_a_held_out_name() -> None:
    concepts = load_concepts()
    held_out = held_out_names(concepts)
    rng = np.random.default_rng(0)
    written = {
        normalize(paraphrase(name, rng))
        for concept in concepts
        for name in concept.training_names
        for _ in range(100)
    }
    assert not written & held_out


def test_field_nouns_are_clean_and_unique() -> None:
    names = [noun.name for noun in load_field_nouns()]
    assert len(names) == len(set(names)) > 100
    assert all(name == normalize(name) for name in names)
    assert not set(names) & held_out_names(load_concepts())


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"names": ["a"]}, "emb"),
        ({"names": ["a"], "emb": [[1.0, 0.0], [0.0, 1.0]]}, "do not fit"),
        ({"names": ["a"], "emb": [[np.nan, 0.0]]}, "do not fit"),
    ],
)
def test_unusable_clip_files_are_refused(tmp_path: Path, arrays: dict, message: str) -> None:
    path = tmp_path / "bad.npz"
    np.savez(path, **{name: np.array(value) for name, value in arrays.items()})
    with pytest.raises(OvsegError, match=message):
        load_clip_names(path)
