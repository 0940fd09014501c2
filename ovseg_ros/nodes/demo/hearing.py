"""How the processes of a demo hear masks and label maps, and what the ledger needs of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from ovseg_ros.bags.reader import stamp_ns_of
from ovseg_ros.demo.ledger import LabelEntry, LabelMapRecord, MaskRecord
from ovseg_ros.demo.scoring import ids_in
from ovseg_ros.msg import LabelMap
from ovseg_ros.nodes.message_reading import rgb_of
from ovseg_ros.segmenter import EVERY_CAMERA

RELIABLE = QoSProfile(depth=30, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(
    depth=10,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


def label_map_record(message: LabelMap, info: Mapping[str, int]) -> LabelMapRecord:
    """Return what the ledger needs of a label map; `info` is what the middleware says of it."""
    labels = tuple(
        LabelEntry(spec.id, spec.name, tuple(spec.synonyms), spec.negative, rgb_of(color))
        for spec, color in zip(message.labels, message.colors, strict=True)
    )
    published_ns, since_ns = info["source_timestamp"], stamp_ns_of(message)
    return LabelMapRecord(message.revision, published_ns, labels, since_ns)


def is_mask(message: Image) -> bool:
    """Say whether encoding, step and size are those of a mask."""
    return bool(
        message.encoding == "mono8"
        and message.step == message.width
        and len(message.data) == message.width * message.height
    )


def mask_record(
    message: Image, info: Mapping[str, int], well_formed: bool, camera: str = EVERY_CAMERA
) -> MaskRecord:
    """Return what the ledger needs of a mask of `camera`; `info` is as for label maps."""
    return MaskRecord(
        stamp_ns_of(message),
        info["source_timestamp"],
        info["received_timestamp"],
        ids_in(np.frombuffer(message.data, np.uint8)),
        well_formed,
        camera,
    )
