"""A labelled folder as a bag with ground truth, on the topics of the demo's drive."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ovseg_ros.bags.camera_info import CameraInfo
from ovseg_ros.bags.messages import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, STRING, MessageMaker
from ovseg_ros.bags.writer import BagWriter, Storage
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.dataset import LabelledFile, LabelledFolder
from ovseg_ros.evaluation.drive import DEFAULT_RATE_HZ
from ovseg_ros.evaluation.evaluate import read_truth
from ovseg_ros.evaluation.topics import (
    CAMERA_INFO_TOPIC,
    DOMAIN_TOPIC,
    IMAGE_TOPICS,
    NAMES_TOPIC,
    TRUTH_TOPICS,
)
from ovseg_ros.image_files import encode_jpeg, encode_png
from ovseg_ros.vocabulary import NOT_EVALUATED_ID

FRAME_ID = "camera_optical_frame"
FIRST_STAMP_NS = 1_767_268_800 * 10**9
"""An arbitrary fixed start, so that the same folder gives the same stamps."""
SEQUENCE_GAP_NS = 10 * 10**9
"""Between two drives, so that nobody takes the last frame of one for the neighbour of the next."""


class ImageForm(str, Enum):
    """How images are written."""

    RAW = "raw"
    COMPRESSED = "compressed"


@dataclass(frozen=True)
class BagPlan:
    """How to write a bag; `camera` is the calibration where it is known."""

    rate_hz: float = DEFAULT_RATE_HZ
    storage: Storage = Storage.MCAP
    form: ImageForm = ImageForm.COMPRESSED
    camera: CameraInfo | None = None


def write_folder_bag(
    data: LabelledFolder, out: Path, plan: BagPlan, on_frame: Callable[[], None] = lambda: None
) -> None:
    """Write the images of `data` in order, with their ground truth, as the new bag `out`.

    Ids are numbered anew, from 1 in the order of `data.names`, since 0 means no label on topics and
    255 is not evaluated. JPEG files are taken over as they are. Raises `OvsegError`.
    """
    _check_ids(data)
    with BagWriter(out, plan.storage) as bag:
        _declare(bag, plan)
        make = MessageMaker(bag.types, FRAME_ID)
        names = {str(i): name for i, name in enumerate(data.names.values(), start=1)}
        bag.write(NAMES_TOPIC, make.text(json.dumps(names)), FIRST_STAMP_NS)
        domain, sequence, gaps = None, data.items[0].sequence, 0
        for index, item in enumerate(data.items):
            gaps += item.sequence != sequence
            sequence = item.sequence
            stamp_ns = FIRST_STAMP_NS + round(index * 1e9 / plan.rate_hz) + gaps * SEQUENCE_GAP_NS
            if item.domain != domain:
                domain = item.domain
                bag.write(DOMAIN_TOPIC, make.text(domain), stamp_ns)
            _write_frame(bag, make, plan, data, item, stamp_ns)
            on_frame()


def _check_ids(data: LabelledFolder) -> None:
    if len(data.names) >= NOT_EVALUATED_ID:
        raise OvsegError(f"{data.source} has {len(data.names)} classes; a mask holds 254")


def _declare(bag: BagWriter, plan: BagPlan) -> None:
    kind = IMAGE if plan.form is ImageForm.RAW else COMPRESSED_IMAGE
    bag.declare(IMAGE_TOPICS[kind], kind)
    bag.declare(TRUTH_TOPICS[kind], kind)
    bag.declare(NAMES_TOPIC, STRING, latched=True)
    bag.declare(DOMAIN_TOPIC, STRING, latched=True)
    bag.declare(CAMERA_INFO_TOPIC, CAMERA_INFO)


def _write_frame(
    bag: BagWriter,
    make: MessageMaker,
    plan: BagPlan,
    data: LabelledFolder,
    item: LabelledFile,
    stamp_ns: int,
) -> None:
    """Write the messages of one frame, all with the same stamp."""
    image, truth = item.read_image(), read_truth(item, data)
    if image.shape[:2] != truth.shape:
        raise OvsegError(
            f"{item.name} is {image.shape[1]}x{image.shape[0]} px but its ground truth is "
            f"{truth.shape[1]}x{truth.shape[0]} px; both must have the same size"
        )
    if plan.form is ImageForm.RAW:
        bag.write(IMAGE_TOPICS[IMAGE], make.image(stamp_ns, image), stamp_ns)
        bag.write(TRUTH_TOPICS[IMAGE], make.image(stamp_ns, truth), stamp_ns)
    else:
        is_jpeg = item.image.suffix.lower() in (".jpg", ".jpeg")
        jpeg = item.image.read_bytes() if is_jpeg else encode_jpeg(image)
        message = make.compressed(stamp_ns, "jpeg", jpeg)
        bag.write(IMAGE_TOPICS[COMPRESSED_IMAGE], message, stamp_ns)
        message = make.compressed(stamp_ns, "png", encode_png(truth))
        bag.write(TRUTH_TOPICS[COMPRESSED_IMAGE], message, stamp_ns)
    if plan.camera is not None:
        bag.write(CAMERA_INFO_TOPIC, make.camera_info(stamp_ns, plan.camera), stamp_ns)
