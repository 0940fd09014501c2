"""The topics of a drive: what the demo plays, what is written from folders, and what an evaluation
looks for first.
"""

from __future__ import annotations

from ovseg_ros.bags.messages import COMPRESSED_IMAGE, IMAGE

# By the type of their messages.
IMAGE_TOPICS = {COMPRESSED_IMAGE: "/camera/image/compressed", IMAGE: "/camera/image"}
TRUTH_TOPICS = {
    COMPRESSED_IMAGE: "/ground_truth/label_mask/compressed",
    IMAGE: "/ground_truth/label_mask",
}
CAMERA_INFO_TOPIC = "/camera/camera_info"
DEPTH_TOPIC = "/camera/depth/compressed"
NAMES_TOPIC = "/ground_truth/labels"
DOMAIN_TOPIC = "/ground_truth/domain"
