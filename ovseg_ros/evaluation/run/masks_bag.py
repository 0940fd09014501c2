"""The masks of an evaluation as a bag, for Foxglove, RViz and whoever reads bags."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ovseg_ros.bags.messages import COMPRESSED_IMAGE, IMAGE, STRING, MessageMaker
from ovseg_ros.bags.writer import BagWriter
from ovseg_ros.camera_names import names_of_topics
from ovseg_ros.evaluation.drive import DEFAULT_RATE_HZ
from ovseg_ros.evaluation.folder_to_bag import FIRST_STAMP_NS
from ovseg_ros.evaluation.run.segment import EncodedMask
from ovseg_ros.image_files import decode_ids

LABELS_TOPIC = "/ovseg/labels"


def write_masks(
    path: Path, masks: Iterable[EncodedMask], names: Sequence[str], cameras: Sequence[str]
) -> None:
    """Write the bag `path`: mono8 masks, JPEG overlays, and what the ids mean, as on a drive.

    Id i is `names[i-1]`. Messages carry the stamps of their frames, and are recorded at those.
    Several `cameras` have topics of their own. Raises `OutputError`.
    """
    with BagWriter(path) as bag:
        bag.declare(LABELS_TOPIC, STRING, latched=True)
        for camera in cameras:
            mask_topic, overlay_topic = topics_of(camera, cameras)
            bag.declare(mask_topic, IMAGE)
            bag.declare(overlay_topic, COMPRESSED_IMAGE)
        told = False
        for mask in masks:
            # Files have no stamps; a player needs some.
            stamp_ns = mask.stamp_ns or FIRST_STAMP_NS + round(mask.index * 1e9 / DEFAULT_RATE_HZ)
            make = MessageMaker(bag.types, mask.frame_id)
            if not told:
                text = json.dumps({str(i): name for i, name in enumerate(names, start=1)})
                bag.write(LABELS_TOPIC, make.text(text), stamp_ns)
                told = True
            mask_topic, overlay_topic = topics_of(mask.camera, cameras)
            bag.write(mask_topic, make.image(stamp_ns, decode_ids(mask.png)), stamp_ns)
            overlay = make.compressed(stamp_ns, "jpeg", mask.overlay)
            bag.write(overlay_topic, overlay, stamp_ns)


def topics_of(camera: str, cameras: Sequence[str]) -> tuple[str, str]:
    """Return the topics of the masks and of the overlays of one of `cameras`."""
    prefix = f"/ovseg/{names_of_topics(cameras)[camera]}" if len(cameras) > 1 else "/ovseg"
    return f"{prefix}/label_mask", f"{prefix}/overlay/compressed"
