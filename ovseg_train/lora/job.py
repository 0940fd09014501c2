"""One adapter from frames to file: sites, training, place among the scenes, what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ovseg_ros.adapters.adapter import AdapterInfo, AdapterTarget, require_name
from ovseg_ros.adapters.domain import DomainStatistics
from ovseg_ros.adapters.factors import pack
from ovseg_ros.adapters.file import ENDING, write_adapter
from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.engine.torch_network import load_network
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.dataset import LabelledFolder
from ovseg_ros.models.segmenter_graph import SegmenterGraph
from ovseg_ros.output import make_folder
from ovseg_ros.packages import ModelPackage
from ovseg_train.lora.factors import Factors
from ovseg_train.lora.frames import FrameSet, hold_out
from ovseg_train.lora.names import PackageNames
from ovseg_train.lora.progress import Progress
from ovseg_train.lora.reach import split_by_use
from ovseg_train.lora.recipe import LoraRecipe, Run
from ovseg_train.lora.report import base_and_adapted
from ovseg_train.lora.scene import domain_statistics
from ovseg_train.lora.sites import choose_sites
from ovseg_train.lora.trainee import Trainee, make_trainee
from ovseg_train.lora.training import Material, Trainer
from ovseg_train.names.concepts import load_concepts
from ovseg_train.tiny.checkpoint import CHECKPOINT_NAME
from ovseg_train.tiny.label_sampling import PromptBank


@dataclass(frozen=True)
class Job:
    """What is asked for.

    `name` is that of the adapter and of its file in `out`; `groups` are those of its sites (none:
    those of the recipe); `synonyms` the other words of a label; `synthetic` tells rendered or
    altered pictures; `rest` are labelled files to measure it on that it does not learn from.
    """

    package: ModelPackage
    name: str
    domain: str
    out: Path
    frames: FrameSet
    recipe: LoraRecipe
    groups: Sequence[str] = ()
    rank: int = 8
    alpha: float = 16.0
    seed: int = 0
    synthetic: bool = False
    resume: bool = False
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    rest: LabelledFolder | None = None

    @property
    def path(self) -> Path:
        """Where the adapter comes to lie."""
        return self.out / f"{self.name}{ENDING}"

    @property
    def run_folder(self) -> Path:
        """Where the checkpoint and the curves of the run are."""
        return self.out / f"{self.name}.run"


@dataclass(frozen=True)
class Result:
    """The adapter that was written, and how its training went."""

    path: Path
    info: AdapterInfo
    progress: Progress


def require_room(job: Job) -> None:
    """Raise `OvsegError` where the adapter could not be written in the end, before any work."""
    require_name(job.name)
    card = job.package.card
    if not card.base_sha256:
        raise OvsegError(
            f"the card of package '{card.name}' names no base_sha256, so no adapter can be told to "
            "be its own; convert or export the package again with this version"
        )
    if job.resume:
        return
    for path in (job.path, job.run_folder / CHECKPOINT_NAME):
        if path.exists():
            raise OvsegError(
                f"{path} exists already; go on with that run with --resume, choose another --name "
                "or --out, or remove it"
            )


def train_adapter(job: Job, say: Callable[[str], None] = lambda text: None) -> Result:
    """Train the adapter of `job` and write it; `say` is told what happens.

    Raises `OvsegError` where `require_room` does, where sites or frames cannot be used, and where
    training came to nothing.
    """
    require_room(job)
    scenes = domain_statistics(job.package, [frame.image for frame in job.frames.frames])
    graph = load_network(job.package)
    trainee, factors = _prepare(job, graph, say)
    names = PackageNames(job.package, job.synonyms)
    bank = PromptBank(names, load_concepts())
    recipe = job.recipe
    parts = hold_out(job.frames, recipe.hold_out_share, recipe.fewest_to_hold_out, job.seed)
    make_folder(job.run_folder)
    material = Material(*parts, bank)
    trainer = Trainer(trainee, factors, material, _run_of(job, factors, parts[1]), job.run_folder)
    say(_plan_in_words(job, factors, material, trainer.progress.step))
    progress = trainer.run()
    share = _trust(recipe, *parts)
    factors.shrink(share)
    sites = [name for name, _ in factors.sites]
    info = info_of(job, sites, scenes, {**_metrics(trainer, progress), "share": share})
    target = AdapterTarget.of(job.package.card)
    if job.rest is not None:
        packed = pack(info, factors.by_site(), target.sites)
        info = replace(info, metrics={**info.metrics, **_of_the_rest(job, packed, job.rest)})
    path = write_adapter(job.out, info, factors.by_site(), target, scenes.shape, replace=job.resume)
    return Result(path, info, progress)


def _prepare(
    job: Job, graph: SegmenterGraph, say: Callable[[str], None]
) -> tuple[Trainee, Factors]:
    chosen = choose_sites(graph, job.groups or job.recipe.network.groups)
    trainee = make_trainee(graph, [name for name, _ in chosen])
    sites, unused = split_by_use(trainee, chosen, graph.embedding_dim)
    if unused:
        say(f"{len(unused)} sites that the network never uses are left out: {', '.join(unused)}")
    return trainee, Factors(sites, job.rank, job.alpha, job.seed)


def _run_of(job: Job, factors: Factors, held_out: FrameSet) -> Run:
    return Run(
        base_sha256=job.package.card.base_sha256,
        recipe=job.recipe,
        sites=[name for name, _ in factors.sites],
        rank=job.rank,
        alpha=job.alpha,
        seed=job.seed,
        classes=list(job.frames.class_names),
        origin=job.frames.origin,
        held_out=[frame.name for frame in held_out.frames],
    )


def info_of(
    job: Job, sites: Sequence[str], scenes: DomainStatistics, metrics: Mapping[str, Any]
) -> AdapterInfo:
    """Return what the adapter of `job` says of itself: factors at `sites`, and its `scenes`."""
    card = job.package.card
    return AdapterInfo(
        name=job.name,
        domain=job.domain,
        base_sha256=card.base_sha256,
        embedding_space=card.embedding_space,
        centroid=scenes.centroid,
        spread=scenes.spread,
        count=scenes.count,
        rank=job.rank,
        alpha=job.alpha,
        sites=tuple(sites),
        training_data=(job.frames.origin,),
        metrics=metrics,
        synthetic=job.synthetic,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _trust(recipe: LoraRecipe, frames: FrameSet, held_out: FrameSet) -> float:
    """Return how much of what few frames taught is kept, 0..1; all where others confirmed it."""
    count = len(frames.frames)
    return 1.0 if held_out.frames else round(min(1.0, count / recipe.enough_frames), 4)


def _metrics(trainer: Trainer, progress: Progress) -> dict[str, Any]:
    return {
        "steps": progress.step,
        "kept_step": progress.good_step,
        "ending": progress.ending.value if progress.ending else "",
        "first_loss": _rounded(progress.losses[0]),
        "last_loss": _rounded(progress.losses[-1]),
        "training_miou_base": _rounded(trainer.measure_base()),
        "training_miou": _rounded(trainer.measure()),
        "held_out_miou_base": _rounded(progress.base_miou),
        "held_out_miou": _rounded(progress.best_miou),
    }


def _of_the_rest(job: Job, packed: LoraFactors, rest: LabelledFolder) -> dict[str, Any]:
    base, adapted = base_and_adapted(job.package, packed, rest)
    return {
        "rest_frames": len(rest.items),
        "rest_miou_base": _rounded(base),
        "rest_miou": _rounded(adapted),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _plan_in_words(job: Job, factors: Factors, material: Material, step: int) -> str:
    start = f"going on at step {step}, " if step else ""
    count, held = len(material.frames.frames), len(material.held_out.frames)
    return (
        f"{start}rank {job.rank} at {len(factors.sites)} sites, {count} frames to train on, "
        f"{held or 'none'} held out, {len(job.frames.class_names)} classes"
    )
