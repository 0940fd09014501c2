"""The demo bag: what is committed can be read and is complete; what is written is the same kind."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ovseg_train.world.bag import (
    DEPTH_TOPIC,
    DOMAIN_TOPIC,
    FRAME_ID,
    IMAGE_TOPIC,
    INFO_TOPIC,
    LABELS_TOPIC,
    MASK_TOPIC,
    depth_millimetres,
    mask_from_labels,
    write_drive_bag,
)
from ovseg_train.world.drive import DrivePlan
from ovseg_train.world.nouns import NOUNS

COMMITTED = Path(__file__).resolve().parents[3] / "engines" / "demo" / "drive"
MAX_BYTES = 8_000_000
LOOKS = ["day", "dusk", "fog", "night"]

Messages = dict[str, list[tuple[int, Any]]]


def read(folder: Path) -> Messages:
    """All messages of a bag, by topic, with their recording times."""
    rosbag2 = pytest.importorskip("rosbags.rosbag2", reason="rosbags reads the bag")
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_HUMBLE)
    found: Messages = defaultdict(list)
    with rosbag2.Reader(folder) as reader:
        for connection, time_ns, raw in reader.messages():
            message = store.deserialize_cdr(raw, connection.msgtype)
            found[connection.topic].append((time_ns, message))
    return found


@pytest.fixture(scope="module")
def committed() -> Messages:
    return read(COMMITTED)


def decode(message: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(message.data.tobytes())))


def stamps(messages: list[tuple[int, Any]]) -> list[int]:
    return [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for _, m in messages]


def check_structure(bag: Messages) -> None:
    """What any drive bag promises."""
    times = stamps(bag[IMAGE_TOPIC])
    assert times == [time for time, _ in bag[IMAGE_TOPIC]]
    assert times == stamps(bag[INFO_TOPIC]) == stamps(bag[MASK_TOPIC])
    assert set(stamps(bag[DEPTH_TOPIC])) < set(times)
    assert np.allclose(np.diff(times), 1e9 / 15, atol=1)
    for topic in (IMAGE_TOPIC, INFO_TOPIC, MASK_TOPIC, DEPTH_TOPIC):
        assert {m.header.frame_id for _, m in bag[topic]} == {FRAME_ID}
    ((labels_time, labels),) = bag[LABELS_TOPIC]
    assert labels_time == times[0]
    assert json.loads(labels.data) == {str(i + 1): noun for i, noun in enumerate(NOUNS)}
    assert [m.data for _, m in bag[DOMAIN_TOPIC]] == LOOKS
    assert {time for time, _ in bag[DOMAIN_TOPIC]} <= set(times)


def check_pixels(bag: Messages, every: int) -> None:
    """Images agree in size, masks hold valid ids, depth is in millimetres."""
    info = bag[INFO_TOPIC][0][1]
    size = (info.height, info.width)
    for (_, image), (_, mask) in list(zip(bag[IMAGE_TOPIC], bag[MASK_TOPIC], strict=True))[::every]:
        assert "jpeg" in image.format
        assert "png" in mask.format
        assert decode(image).shape == (*size, 3)
        ids = decode(mask)
        assert (ids.shape, ids.dtype) == (size, np.uint8)
        assert set(np.unique(ids)) <= {*range(1, len(NOUNS) + 1), 255}
    masks = dict(bag[MASK_TOPIC])
    for time, message in bag[DEPTH_TOPIC]:
        depth, is_sky = decode(message), decode(masks[time]) == 1
        assert depth.shape == size
        assert (depth[is_sky] == 0).all()
        assert 300 < np.median(depth[~is_sky]) < 30_000


def test_the_committed_bag_is_small() -> None:
    assert sum(f.stat().st_size for f in COMMITTED.iterdir()) <= MAX_BYTES


def test_the_committed_bag_is_complete(committed: Messages) -> None:
    check_structure(committed)
    assert 120 <= len(committed[IMAGE_TOPIC]) <= 150


def test_the_committed_bag_decodes(committed: Messages) -> None:
    check_pixels(committed, every=10)


def test_the_committed_drive_shows_most_nouns(committed: Messages) -> None:
    seen = set().union(*(np.unique(decode(mask)) for _, mask in committed[MASK_TOPIC][::5]))
    assert len(seen) >= 25


@pytest.mark.world
def test_a_written_bag_keeps_the_promises(rendering: None, tmp_path: Path) -> None:
    out = tmp_path / "drive"
    write_drive_bag(DrivePlan(seed=1, size_px=(96, 72), frames_per_look=3), out, depth_every=5)
    assert sorted(path.name for path in out.iterdir()) == ["drive.mcap", "metadata.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == ["drive"]
    bag = read(out)
    check_structure(bag)
    check_pixels(bag, every=1)
    with pytest.raises(FileExistsError, match="another --out"):
        write_drive_bag(DrivePlan(seed=1), out)


def test_ids_shift_by_one_and_ignored_pixels_stay() -> None:
    assert mask_from_labels(np.array([[0, 29, 255]], np.uint8)).tolist() == [[1, 30, 255]]


def test_depth_is_millimetres_and_zero_where_unknown() -> None:
    depth = np.array([[0.5, 65.535, 65.6, np.inf]], np.float32)
    assert depth_millimetres(depth).tolist() == [[500, 65535, 0, 0]]
