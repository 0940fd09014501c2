"""The batch door: many image files in, one mask file each and the meaning of the ids out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.errors import FrameError, OvsegError
from ovseg_ros.image_files import encode_png, read_rgb
from ovseg_ros.output import make_folder, write_file, write_json
from ovseg_ros.segmentation import Segmentation, UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import Vocabulary

LABELS_NAME = "labels.json"


@dataclass(frozen=True)
class BatchResult:
    """What became of the images: the masks written, and the reason for each image without one."""

    masks: tuple[Path, ...]
    failures: tuple[str, ...]


def segment_files(
    segmenter: Segmenter,
    images: Sequence[Path],
    out: Path,
    on_image: Callable[[Path], None] = lambda _: None,
    infer: Callable[[UInt8Array], Segmentation] | None = None,
) -> BatchResult:
    """Write `out/<stem>.png` (uint8 [H, W] ids, size of the image) for each image, and labels.json.

    An image that cannot be read is reported and the rest is done. `on_image` is called after each
    image; `infer` takes the place of the segmenter's own. Raises `OvsegError` before any work where
    two images share a stem or `out` holds masks of another query, and `OutputError` where a mask
    cannot be written.
    """
    infer = infer or segmenter.infer
    refuse_shared_stems(images)
    names = names_by_id(segmenter.vocabulary)
    _refuse_mixing(out, names, {path.stem for path in images})
    make_folder(out)
    write_json(out / LABELS_NAME, names)
    masks, failures = [], []
    for path in images:
        try:
            result = infer(read_rgb(path))
        except FrameError as error:
            failures.append(str(error))
        else:
            masks.append(out / f"{path.stem}.png")
            write_file(masks[-1], encode_png(result.label_mask))
        on_image(path)
    return BatchResult(tuple(masks), tuple(failures))


def names_by_id(vocabulary: Vocabulary) -> dict[str, str]:
    """Return the published labels as {id: name}, ids as JSON writes keys."""
    return {str(label.id): label.name for label in vocabulary.published}


def refuse_shared_stems(images: Sequence[Path]) -> None:
    """Raise `OvsegError` where two images would write the same mask file."""
    owner: dict[str, Path] = {}
    for path in images:
        if path.stem in owner:
            raise OvsegError(
                f"{owner[path.stem]} and {path} would both write {path.stem}.png; "
                "rename one of them or segment them into different folders"
            )
        owner[path.stem] = path


def _refuse_mixing(out: Path, names: dict[str, str], stems: set[str]) -> None:
    """Old masks that stay in `out` would be read with the new labels.json."""
    try:
        kept = json.loads((out / LABELS_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        kept = None
    left = sorted(path.name for path in out.glob("*.png") if path.stem not in stems)
    if kept != names and left:
        raise OvsegError(
            f"{out} holds masks of another query ({left[0]} and {len(left) - 1} more), whose ids "
            "mean other labels; choose another folder for --out or remove it first"
        )
