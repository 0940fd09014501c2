"""One adapter for each domain, by the usual recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ovseg_ros.adapters.adapter import AdapterTarget
from ovseg_ros.adapters.factors import SiteFactors
from ovseg_ros.adapters.file import ENDING, write_adapter
from ovseg_ros.packages import ModelPackage
from ovseg_train.domains.domain import Domain, open_domain
from ovseg_train.lora.frames import Choice, read_frames
from ovseg_train.lora.job import Job, info_of, train_adapter
from ovseg_train.lora.recipe import load_recipe
from ovseg_train.lora.scene import domain_statistics
from ovseg_train.lora.training import NoBetterFactorsError


def train_library(
    domains: Sequence[Domain],
    roots: Sequence[Path],
    package: ModelPackage,
    out: Path,
    frames: int,
    seed: int,
    say: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Train the adapters of `domains` that are not in `out` yet, from `frames` frames each.

    Where no factors were better than the base model on the frames held out of those to learn from,
    the domain gets an anchor: an adapter without any change, so that its scenes are known to be the
    base model's and no neighbour takes them. Returns a sentence for each of these.
    """
    anchored = []
    for domain in domains:
        if (out / f"{domain.name}{ENDING}").exists():
            continue
        job = _job(domain, roots, package, out, frames, seed)
        say(f"{domain.title}:")
        try:
            result = train_adapter(job, say)
        except NoBetterFactorsError as error:
            write_anchor(job)
            anchored.append(f"{domain.name}: an anchor, since {error}")
            say(anchored[-1])
            continue
        say(f"{result.path}: {dict(result.info.metrics)}")
    return anchored


def write_anchor(job: Job) -> Path:
    """Write an adapter for the frames of `job` that changes nothing, and return its path."""
    card = job.package.card
    scenes = domain_statistics(job.package, [frame.image for frame in job.frames.frames])
    site = min(card.lora_sites, key=lambda site: site.c_in + site.c_out)
    note = {"anchor": "no factors were better than the base model on frames held out"}
    info = info_of(replace(job, rank=1, alpha=1.0), [site.name], scenes, note)
    nothing = SiteFactors(
        np.zeros((1, site.c_in), np.float32), np.zeros((site.c_out, 1), np.float32)
    )
    return write_adapter(job.out, info, {site.name: nothing}, AdapterTarget.of(card), scenes.shape)


def _job(
    domain: Domain,
    roots: Sequence[Path],
    package: ModelPackage,
    out: Path,
    frames: int,
    seed: int,
) -> Job:
    chosen = open_domain(domain, roots).few(frames, seed)
    choice = Choice(domain=domain.domain, frames=len(chosen.items), seed=seed)
    return Job(
        package=package,
        name=domain.name,
        domain=domain.name.replace("_", " "),
        out=out,
        frames=read_frames(chosen, choice),
        recipe=load_recipe(package.card.network),
        seed=seed,
        synthetic=domain.synthetic,
        resume=(out / f"{domain.name}.run").exists(),
    )
