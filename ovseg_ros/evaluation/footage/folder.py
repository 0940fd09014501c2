"""The footage of a folder: labelled, or plain images with ground truth found by their names."""

from __future__ import annotations

from pathlib import Path

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.dataset import UNKNOWN_DOMAIN, load_labelled_folder
from ovseg_ros.evaluation.footage.footage import Footage, Source
from ovseg_ros.evaluation.footage.frame import FilePlace, FootageFrame
from ovseg_ros.evaluation.footage.truth_files import is_pattern, pattern_finder
from ovseg_ros.image_files import find_images
from ovseg_ros.vocabulary import NOT_EVALUATED_ID

CAMERA = "images"


def labelled_footage(folder: Path, split: str = "", sequence: str = "") -> Footage:
    """Return the frames of a labelled folder, see `load_labelled_folder`; raises `OvsegError`."""
    data = load_labelled_folder(folder, split, sequence=sequence)
    frames = tuple(
        FootageFrame(
            camera=CAMERA,
            index=index,
            name=item.image.stem,
            stamp_ns=0,
            image=FilePlace(item.image),
            truth=FilePlace(item.label),
            domain=item.domain,
            sequence=item.sequence,
        )
        for index, item in enumerate(data.items)
    )
    ignored = frozenset({data.ignore_id, NOT_EVALUATED_ID})
    return Footage(Source(folder, data.source, data.names, ignored), frames)


def plain_footage(folder: Path, truth: str) -> Footage:
    """Return the images of a folder, with ground truth found by a pattern of their {stem}.

    An empty `truth` is none. Raises `OvsegError`.
    """
    if truth and not is_pattern(truth):
        raise OvsegError(f"--truth {truth} must be a pattern here, such as 'labels/{{stem}}.png'")
    find = pattern_finder(truth, frozenset({"stem"})) if truth else None
    frames = []
    for index, path in enumerate(find_images([str(folder)])):
        file = find({"stem": path.stem}) if find else None
        label = FilePlace(file) if file else None
        place = FilePlace(path)
        frames.append(FootageFrame(CAMERA, index, path.stem, 0, place, label, UNKNOWN_DOMAIN, ""))
    if find is not None and not any(frame.truth for frame in frames):
        raise OvsegError(f"no image of {folder} has ground truth at {truth}")
    return Footage(Source(folder, folder.name), tuple(frames))
