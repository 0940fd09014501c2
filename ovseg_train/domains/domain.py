"""The domains of `domains.yaml`: which frames adapters learn from and are measured on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.dataset import LabelledFile, LabelledFolder, load_labelled_folder
from ovseg_train.domains.dusk import DuskDrive
from ovseg_train.lora.frames import choose_numbers

DOMAINS_FILE = Path(__file__).with_name("domains.yaml")


class BaseModel(Enum):
    """Base models that libraries are measured on."""

    EMBEDDED = "embedded"  # what the project ships
    FAIR_DAYS = "fair_days"  # trained by `fair_days.yaml`


class Cut(Enum):
    """How the frames of a domain are divided; see `domains.yaml`."""

    SPLITS = "splits"
    SEQUENCES = "sequences"
    DUSK_DRIVE = "dusk_drive"


@dataclass(frozen=True)
class Domain:
    """One entry of `domains.yaml`.

    `saw` tells by `BaseModel` what that was trained on; `domain` is what items.json calls it in the
    set `folder`.
    """

    name: str
    folder: str
    cut: Cut
    domain: str
    synthetic: bool
    saw: Mapping[str, str]
    evaluate_frames: int = 0
    render: str = ""

    @property
    def title(self) -> str:
        """The name, with a mark where pictures are rendered."""
        return f"{self.name} (synthetic)" if self.synthetic else self.name


@dataclass(frozen=True)
class DomainFrames:
    """The frames of a domain, those to learn from and those to evaluate on, each in order."""

    learn: LabelledFolder
    evaluate: LabelledFolder

    def few(self, count: int, seed: int) -> LabelledFolder:
        """Return at most `count` frames to learn from, spread over all of them."""
        files = self.learn.items
        chosen = choose_numbers(len(files), min(count, len(files)), seed, self.learn.source)
        return replace(self.learn, items=tuple(files[number] for number in chosen))


def load_domains(path: Path = DOMAINS_FILE) -> list[Domain]:
    """Read the domains; raises `OvsegError` for an entry that is malformed."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return [_domain(name, fields) for name, fields in raw["domains"].items()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OvsegError(f"{path} has a malformed entry: {error}") from None


def open_domain(domain: Domain, roots: Sequence[Path]) -> DomainFrames:
    """Find the set of `domain` in one of `roots` and divide its frames.

    Raises `OvsegError` where it is not there or one of the parts is empty.
    """
    folder = find_set(domain, roots)
    if domain.cut is Cut.DUSK_DRIVE:
        drive = DuskDrive.of(folder)
        return DomainFrames(drive.learn, drive.measure)
    if domain.cut is Cut.SPLITS:
        learn, evaluate = (
            _in_order(load_labelled_folder(folder, split, domain.domain))
            for split in ("train", "val")
        )
        return DomainFrames(learn, evaluate)
    return _by_sequence(load_labelled_folder(folder, "", domain.domain), domain.evaluate_frames)


def find_set(domain: Domain, roots: Sequence[Path]) -> Path:
    """Return the folder of the set of `domain`; raises `OvsegError` that says how to render it."""
    for root in roots:
        if (root / domain.folder / "classes.json").is_file():
            return root / domain.folder
    shown = ", ".join(str(root) for root in roots)
    common = yaml.safe_load(DOMAINS_FILE.read_text(encoding="utf-8"))["render"]
    how = f"ovseg-train world render {common} {domain.render} --out {roots[-1] / domain.folder}"
    raise OvsegError(
        f"no set '{domain.folder}' for the domain '{domain.name}' in {shown}; "
        + (f"render it:  {how}" if domain.synthetic else "give its parent folder with --data")
    )


def _domain(name: str, fields: dict[str, Any]) -> Domain:
    return Domain(name=name, **{**fields, "cut": Cut(fields["cut"])})


def _by_sequence(data: LabelledFolder, frames: int) -> DomainFrames:
    """Evaluate on the last sequences, as many as `frames` frames need."""
    items = _in_order(data).items
    held: set[str] = set()
    for item in reversed(items):
        if item.sequence not in held and sum(i.sequence in held for i in items) >= frames:
            break
        held.add(item.sequence)
    learn = tuple(item for item in items if item.sequence not in held)
    if not learn:
        raise OvsegError(
            f"{data.source} has {len(items)} frames in {len(held)} sequences: none are left to "
            f"learn from beside the {frames} to evaluate on; use the folder as it was made"
        )
    evaluate = tuple(item for item in items if item.sequence in held)
    return DomainFrames(replace(data, items=learn), replace(data, items=evaluate))


def _in_order(data: LabelledFolder) -> LabelledFolder:
    def place(item: LabelledFile) -> tuple[int, str, str]:
        # Sequences called by numbers are in the order of these.
        number = int(item.sequence) if item.sequence.isdigit() else 0
        return number, item.sequence, item.image.name

    return replace(data, items=tuple(sorted(data.items, key=place)))
