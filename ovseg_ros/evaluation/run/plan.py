"""`EvalPlan`: everything that is to be done, decided before anything is segmented."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.footage.footage import Footage
from ovseg_ros.evaluation.footage.label_map import LabelMap
from ovseg_ros.evaluation.run.configuration import Configuration
from ovseg_ros.evaluation.run.evaluator import Job
from ovseg_ros.evaluation.run.label_plan import LabelPlan, plan_of_names, plan_of_query
from ovseg_ros.evaluation.run.segment import Segment, cut
from ovseg_ros.packages import SEGMENTER_NAME, ModelPackage


@dataclass(frozen=True)
class EvalPlan:
    """The footage, the jobs on it, and the segments of the work. The first job is the one shown.

    `about` says in words which frames were chosen, and what else a report should tell; `modes` how
    the masks of each job came about, where that is not the same.
    """

    footages: tuple[Footage, ...]
    jobs: tuple[Job, ...]
    segments: tuple[Segment, ...]
    about: Mapping[str, str] = field(default_factory=dict)
    modes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return sum(len(segment.frames) for segment in self.segments)

    @property
    def source(self) -> str:
        """What the data is called."""
        return ", ".join(footage.source.name for footage in self.footages)

    def fingerprint(self) -> str:
        """Return what changes whenever the frames, the labels, the options or a package do."""
        digest = hashlib.sha256()
        for job in self.jobs:
            digest.update(repr((job, segmenter_sha256(job.configuration))).encode())
        for segment in self.segments:
            digest.update(repr(segment).encode())
        return digest.hexdigest()


def segmenter_sha256(configuration: Configuration) -> str:
    """Return the hash of the program of a configuration; raises `PackageError`."""
    return str(ModelPackage.load(configuration.package).card.files[SEGMENTER_NAME])


def make_plan(
    footages: Sequence[Footage],
    labels: LabelMap,
    configurations: Sequence[Configuration],
    asked: Sequence[Sequence[str]] = (),
) -> EvalPlan:
    """Return the plan of all `configurations` on `footages`.

    For each of `asked`, the first configuration runs once more and asks for the names of the ground
    truth by those. Raises `OvsegError` for footage without ground truth where no labels are given.
    """
    labels.require_known(names_of(footages))
    renamed = tuple(
        Footage(footage.source.renamed(labels), footage.frames, footage.notes)
        for footage in footages
    )
    for footage in renamed:
        if not footage.labelled and not all(c.labels for c in configurations):
            raise OvsegError(
                f"{footage.source.path} has no ground truth; give it with --truth, or give "
                "--labels to see masks and how much they flicker"
            )
    jobs = [Job(c, _plan_of(renamed, labels, c)) for c in configurations]
    jobs += [Job(configurations[0], _plan_of(renamed, labels, configurations[0], a)) for a in asked]
    return EvalPlan(renamed, tuple(jobs), cut(renamed))


def names_of(footages: Sequence[Footage]) -> tuple[str, ...]:
    """Return the names of the ground truth of all footage, each once, in order."""
    names = (name for footage in footages for name in footage.source.names.values())
    return tuple(dict.fromkeys(names))


def _plan_of(
    footages: Sequence[Footage],
    labels: LabelMap,
    configuration: Configuration,
    asked: Sequence[str] = (),
) -> LabelPlan:
    if configuration.labels:
        return plan_of_query(configuration.labels, configuration.threshold)
    return plan_of_names(names_of(footages), labels.synonyms, configuration.threshold, asked)
