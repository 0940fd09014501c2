"""Training material as arrays: names, targets, adjective phrases and their sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ovseg_ros.text.tokenizer import normalize
from ovseg_train.names import Concept
from ovseg_train.text.clip_names import ClipNames
from ovseg_train.text.lexicon import Entry, Source, held_out_names
from ovseg_train.text.paraphrases import ADJECTIVES, paraphrase
from ovseg_train.text.space import Vectors, directions
from ovseg_train.text.targets import make_targets, with_adjective
from ovseg_train.text.teacher import SentenceEmbedder, Teacher

BATCH_SHARE = {Source.CONCEPT: 0.3, Source.CLIP: 0.25, Source.LEXICON: 0.45}
PHRASE_SHARE = 0.1  # of a batch are adjective phrases, the rest names
_ADJECTIVES_PER_CONCEPT_NAME = 6


@dataclass(frozen=True)
class TextDataset:
    """Names and where they shall land.

    Attributes:
        entries: the training names.
        targets: f32 [N, D] unit directions, row by row with `entries`.
        phrases: adjective phrases ("red car").
        phrase_targets: f32 [P, D] unit directions of the phrases.
        anchors: f32 [K, D] unit directions of the concepts.
        centre: f32 [D], the centre of the space.
        teacher: what gave the targets of names without a CLIP vector.
    """

    entries: tuple[Entry, ...]
    targets: Vectors
    phrases: tuple[str, ...]
    phrase_targets: Vectors
    anchors: Vectors
    centre: Vectors
    teacher: Teacher


def build_dataset(
    entries: list[Entry],
    concepts: tuple[Concept, ...],
    clip: ClipNames,
    embedder: SentenceEmbedder,
    seed: int,
    on_progress: Callable[[str, int, int], None],
) -> TextDataset:
    """Embeds all names, fits the teacher on the CLIP names and computes every target.

    `on_progress` hears what is embedded, how many of it are done and how many there are.
    """
    centre = clip.vectors.mean(0)
    clip_directions = directions(clip.vectors, centre)
    rows, phrases = _adjective_phrases(entries, concepts, seed)

    def embed(what: str, texts: list[str]) -> Vectors:
        return embedder.embed(texts, lambda done: on_progress(what, done, len(texts)))

    teacher = Teacher.fit(embed("CLIP names", list(clip.names)), clip_directions)
    plain = teacher.predict(embed("training names", [entry.name for entry in entries]))
    described = teacher.predict(embed("adjective phrases", phrases))
    targets = make_targets(entries, plain, clip_directions)
    return TextDataset(
        entries=tuple(entries),
        targets=targets.entries,
        phrases=tuple(phrases),
        phrase_targets=with_adjective(targets.entries[rows], plain[rows], described),
        anchors=targets.anchors,
        centre=centre,
        teacher=teacher,
    )


def _adjective_phrases(
    entries: list[Entry], concepts: tuple[Concept, ...], seed: int
) -> tuple[np.ndarray, list[str]]:
    """Entry rows and phrases: a few adjectives per concept name, one per CLIP name."""
    rng = np.random.default_rng(seed)
    banned = held_out_names(concepts) | {entry.name for entry in entries}
    rows, phrases = [], []
    for row, entry in enumerate(entries):
        count = {Source.CONCEPT: _ADJECTIVES_PER_CONCEPT_NAME, Source.CLIP: 1}.get(entry.source, 0)
        for adjective in rng.permutation(ADJECTIVES)[:count]:
            phrase = normalize(f"{adjective} {entry.name}")
            if phrase not in banned:
                rows.append(row)
                phrases.append(phrase)
    return np.array(rows), phrases


class BatchSampler:
    """Draws batches of texts; batch `step` depends on the seed and the step alone."""

    def __init__(self, dataset: TextDataset, batch_size: int, seed: int) -> None:
        """Prepares to draw batches of `batch_size` texts from `dataset`."""
        self._dataset = dataset
        self._batch_size = batch_size
        self._seed = seed
        sources = np.array([entry.source.value for entry in dataset.entries])
        rows = {source: np.flatnonzero(sources == source.value) for source in Source}
        self._rows = {source: found for source, found in rows.items() if len(found)}

    def draw(self, step: int) -> tuple[list[str], Vectors]:
        """Texts and unit target directions f32 [B, D] of batch `step`."""
        rng = np.random.default_rng((self._seed, step))
        data = self._dataset
        phrases = int(self._batch_size * PHRASE_SHARE) if data.phrases else 0
        picked = rng.integers(len(data.phrases), size=phrases) if phrases else np.zeros(0, int)
        rows = self._draw_rows(self._batch_size - phrases, rng)
        texts = [data.phrases[i] for i in picked]
        texts += [paraphrase(data.entries[row].name, rng) for row in rows]
        return texts, np.concatenate([data.phrase_targets[picked], data.targets[rows]])

    def _draw_rows(self, count: int, rng: np.random.Generator) -> np.ndarray:
        shares = np.array([BATCH_SHARE[source] for source in self._rows])
        counts = rng.multinomial(count, shares / shares.sum())
        pools = zip(counts, self._rows.values(), strict=True)
        return np.concatenate([rng.choice(pool, size=n) for n, pool in pools])


def dataset_names(dataset: TextDataset) -> dict[str, list[str]]:
    """Training names by source, sorted; the content of `names.json`."""
    return {
        source.value: sorted(e.name for e in dataset.entries if e.source is source)
        for source in Source
    }
