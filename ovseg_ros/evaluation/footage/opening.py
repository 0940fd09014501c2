"""Opening whatever an evaluation is pointed at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.bags.reader import is_bag
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.footage.bag import bag_footage
from ovseg_ros.evaluation.footage.folder import labelled_footage, plain_footage
from ovseg_ros.evaluation.footage.footage import Footage, Selection


@dataclass(frozen=True)
class FootageOptions:
    """What of the data to take: image topics and ground truth of a bag, the split of a folder."""

    cameras: Sequence[str] = ()
    truths: Sequence[str] = ()
    split: str = ""
    selection: Selection = Selection()

    def facts(self) -> dict[str, str]:
        """Return what is chosen in words, for a report."""
        words = [f"split {self.split}"] if self.split else []
        words += [part for part in (self.selection.words(),) if part]
        return {"selection": ", ".join(words)} if words else {}


def open_footage(path: Path, options: FootageOptions) -> Footage:
    """Return the chosen frames of a bag, a labelled folder or a folder of images.

    Raises `OvsegError` for what cannot be read, for options that do not go with it, and for a
    selection of nothing.
    """
    if is_bag(path):
        if options.split:
            raise OvsegError(f"{path} is a bag, and bags have no splits; leave out --split")
        footage = bag_footage(path, options.cameras, options.truths)
    elif options.cameras:
        raise OvsegError(f"{path} is no bag, so it has no topics; leave out --image-topic")
    elif (path / "classes.json").is_file() or (path / "images").is_dir():
        if options.truths:
            raise OvsegError(f"{path} brings its ground truth in labels/; leave out --truth")
        footage = labelled_footage(path, options.split)
    else:
        if options.split:
            raise OvsegError(f"{path} has no items.json with splits; leave out --split")
        truths = options.truths
        if len(truths) > 1:
            raise OvsegError("a folder has one camera; give a single --truth")
        footage = plain_footage(path, truths[0] if truths else "")
    return options.selection.of(footage)
