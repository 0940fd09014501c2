"""What a command line asks to learn from: a labelled folder, or frames that the model labels."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ovseg_ros.adapters.adapter import AdapterTarget
from ovseg_ros.adapters.file import read_adapter
from ovseg_ros.adapters.fusion import mixed
from ovseg_ros.adapters.mix import AdapterMode
from ovseg_ros.evaluation.dataset import UNKNOWN_DOMAIN, LabelledFolder
from ovseg_ros.packages import ModelPackage
from ovseg_ros.query import parse_query
from ovseg_ros.segmenter import Segmenter
from ovseg_train.lora.frames import Choice, FrameSet, choose_files, choose_numbers, read_frames
from ovseg_train.lora.pseudo_labels import label_frames
from ovseg_train.lora.unlabelled import BagFrames, FolderFrames, FrameSource

_ITEMS_FILE = "items.json"


@dataclass(frozen=True)
class LearningMaterial:
    """Frames with labels; `rest` are labelled files not chosen, `synonyms` those of a query."""

    frames: FrameSet
    rest: LabelledFolder | None = None
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)


def labelled_material(arguments: argparse.Namespace) -> LearningMaterial:
    """Read the frames that the options choose of --data; raises `OvsegError`."""
    # A folder that says nothing of its images is of one domain.
    told = (arguments.data / _ITEMS_FILE).is_file()
    domain = arguments.from_domain or (arguments.domain if told else UNKNOWN_DOMAIN)
    choice = Choice(
        split=arguments.split,
        domain="" if domain == UNKNOWN_DOMAIN else domain,
        sequence=arguments.sequence,
        frames=arguments.frames,
        seed=arguments.seed,
    )
    chosen, rest = choose_files(arguments.data, choice)
    return LearningMaterial(read_frames(chosen, choice), rest if rest.items else None)


def self_made_material(arguments: argparse.Namespace, package: ModelPackage) -> LearningMaterial:
    """Let the model label the frames of --bag or --images; raises `OvsegError`."""
    domain = arguments.from_domain or UNKNOWN_DOMAIN
    source: FrameSource
    if arguments.bag is not None:
        source = BagFrames(arguments.bag, "" if domain == UNKNOWN_DOMAIN else domain)
    else:
        source = FolderFrames(arguments.images)
    numbers = choose_numbers(len(source), arguments.frames, arguments.seed, source.name)
    specs = parse_query(arguments.labels).specs
    with Segmenter.open(package.folder) as segmenter:
        if arguments.teacher is not None:
            teacher = read_adapter(arguments.teacher, AdapterTarget.of(package.card))
            segmenter.set_adapter(mixed(AdapterMode.PINNED, [teacher], [1.0], [], "teacher"))
        frames = label_frames(segmenter, specs, source, numbers, arguments.confidence)
    return LearningMaterial(frames, synonyms={spec.name: spec.synonyms for spec in specs})
