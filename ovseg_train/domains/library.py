"""One adapter for each domain, by the usual recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ovseg_ros.adapters.file import ENDING
from ovseg_ros.errors import OvsegError
from ovseg_ros.packages import ModelPackage
from ovseg_train.domains.domain import Domain, open_domain
from ovseg_train.lora.frames import Choice, read_frames
from ovseg_train.lora.job import Job, train_adapter
from ovseg_train.lora.recipe import load_recipe


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

    Returns a sentence for each domain for which no adapter was better than the base model on the
    frames held out of those to learn from: its own best is the base.
    """
    refused = []
    for domain in domains:
        if (out / f"{domain.name}{ENDING}").exists():
            continue
        job = _job(domain, roots, package, out, frames, seed)
        say(f"{domain.title}:")
        try:
            result = train_adapter(job, say)
        except OvsegError as error:
            refused.append(f"{domain.name}: {error}")
            say(refused[-1])
            continue
        say(f"{result.path}: {dict(result.info.metrics)}")
    return refused


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
