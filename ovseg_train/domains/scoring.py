"""What each way of using a library is worth on the frames of a domain, by the package's program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from ovseg_ros.adapters.adapter import Array
from ovseg_ros.adapters.fusion import mixed
from ovseg_ros.adapters.index import LibraryIndex
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.adapters.retrieval import Retrieval, retrieve
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.evaluation.confusion import ConfusionMatrix, index_table
from ovseg_ros.evaluation.dataset import LabelledFolder
from ovseg_ros.evaluation.evaluate import read_truth
from ovseg_ros.segmentation import MaskArray, UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import LabelSpec


class Way(Enum):
    """A way of using a library; `OTHERS` are those that do without the adapter of the domain."""

    ZERO_SHOT = "base model"
    UNIFORM = "uniform merge"
    UNIFORM_CHANGES = "uniform merge without anchors"
    RETRIEVED = "retrieval and fusion"
    OWN = "own adapter"
    OTHERS_UNIFORM = "uniform merge of the others"
    OTHERS_RETRIEVED = "retrieval and fusion of the others"


@dataclass
class DomainScore:
    """What was found on the frames of a domain; lists go by frame."""

    matrices: dict[Way, ConfusionMatrix]
    embeddings: list[Array] = field(default_factory=list)
    sequences: list[str] = field(default_factory=list)
    found: list[Retrieval] = field(default_factory=list)
    found_of_others: list[Retrieval] = field(default_factory=list)

    def miou(self, way: Way) -> float:
        """Return the mean IoU in 0..1 over the classes that the ground truth shows."""
        return self.matrices[way].mean_iou() or 0.0


def score_domain(
    segmenter: Segmenter,
    library: AdapterLibrary,
    own: str,
    data: LabelledFolder,
    settings: RetrievalSettings,
    on_frame: Callable[[], None] = lambda: None,
) -> DomainScore:
    """Segment every frame of `data` in each way; `own` is the name of the domain's adapter.

    A library need not have it: then its own adapter is the base model. Every frame is weighed for
    itself, without smoothing over time. Raises `FrameError` for frames that cannot be used.
    """
    names = tuple(data.names.values())
    vocabulary = segmenter.set_labels([LabelSpec(name, threshold=0.0) for name in names])
    predicted = index_table({lab.id: i for i, lab in enumerate(vocabulary.labels, start=1)}, 0)
    score = DomainScore({way: ConfusionMatrix(names) for way in Way})
    index, others = library.index, without(library.index, own)
    fixed = _fixed_mixes(library, own)
    for item in data.items:
        image, truth = item.read_image(), read_truth(item, data)
        base = _segment(segmenter, image, AdapterMix())
        score.embeddings.append(base[1])
        score.sequences.append(item.sequence)
        score.found.append(retrieve(index, base[1], settings, shape_of=library.shape))
        score.found_of_others.append(retrieve(others, base[1], settings, shape_of=library.shape))
        mixes = {
            **fixed,
            Way.RETRIEVED: _mix_of(library, score.found[-1]),
            Way.OTHERS_RETRIEVED: _mix_of(library, score.found_of_others[-1]),
        }
        masks = _masks(segmenter, image, base[0], mixes)
        for way in Way:
            score.matrices[way].add(truth, predicted[masks.get(way, base[0])])
        on_frame()
    return score


def without(index: LibraryIndex, name: str) -> LibraryIndex:
    """Return `index` without the adapter called `name`."""
    return LibraryIndex(index.table[[other != name for other in index.names]])


def _fixed_mixes(library: AdapterLibrary, own: str) -> dict[Way, AdapterMix]:
    others = [name for name in library.names if name != own]
    changing = [name for name in library.names if library.factors(name).b.any()]
    mixes = {
        Way.UNIFORM: _uniform(library, library.names),
        Way.UNIFORM_CHANGES: _uniform(library, changing),
        Way.OTHERS_UNIFORM: _uniform(library, others),
    }
    return {**mixes, Way.OWN: _uniform(library, [own])} if own in library.index else mixes


def _uniform(library: AdapterLibrary, names: Sequence[str]) -> AdapterMix:
    adapters = [library.adapter(name) for name in names]
    weights = [1.0 / len(names)] * len(names)
    return mixed(AdapterMode.PINNED, adapters, weights, [0.0] * len(names), "")


def _mix_of(library: AdapterLibrary, found: Retrieval) -> AdapterMix:
    adapters = [library.adapter(name) for name in found.names]
    return mixed(AdapterMode.AUTO, adapters, found.weights, found.distances, found.gate)


def _masks(
    segmenter: Segmenter, image: UInt8Array, base: MaskArray, mixes: Mapping[Way, AdapterMix]
) -> dict[Way, MaskArray]:
    return {
        way: base if mix.factors is None else _segment(segmenter, image, mix)[0]
        for way, mix in mixes.items()
    }


def _segment(segmenter: Segmenter, image: UInt8Array, mix: AdapterMix) -> tuple[MaskArray, Array]:
    segmenter.set_adapter(mix)
    found = segmenter.infer(image)
    return found.label_mask.copy(), np.array(found.embedding)
