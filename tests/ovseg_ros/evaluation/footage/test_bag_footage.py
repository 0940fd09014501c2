"""The footage of bags: cameras, ground truth from everywhere, clocks that jump, refusals."""

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags reads bags; pip install 'ovseg_ros[eval]'")
from camera_bag import SECOND, write_cameras  # noqa: E402
from generated_drive import NAMES, draw_ids, write_drive  # noqa: E402
from PIL import Image  # noqa: E402

from ovseg_ros.bags.messages import IMAGE, STRING, MessageMaker  # noqa: E402
from ovseg_ros.bags.writer import BagWriter  # noqa: E402
from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.evaluation.footage.bag import bag_footage  # noqa: E402
from ovseg_ros.evaluation.footage.footage import Selection  # noqa: E402
from ovseg_ros.evaluation.footage.reader import FrameReader  # noqa: E402


def contents(footage):
    with FrameReader(footage.source.path) as reader:
        return list(reader.read(footage.frames))


def test_the_drive_of_the_demo(tmp_path):
    footage = bag_footage(write_drive(tmp_path / "bag", frames=6))
    assert footage.source.names == NAMES
    assert [f.domain for f in footage.frames] == ["day"] * 3 + ["night"] * 3
    assert [f.follows(b) for b, f in zip(footage.frames, footage.frames[1:], strict=False)] == [
        True,
        True,
        False,
        True,
        True,
    ]
    for index, content in enumerate(contents(footage)):
        assert content.image.shape == (180, 240, 3)
        assert (content.ids == draw_ids(index)).all()
        assert content.frame_id == "camera"
        assert not content.fault


def test_several_cameras_with_masks_of_their_own(tmp_path):
    bag = write_cameras(tmp_path / "bag")
    footage = bag_footage(bag, ["/left", "/right"], ["/left/mask", "/right/mask"])
    assert [(f.camera, f.index) for f in footage.frames] == [
        (camera, index) for camera in ("/left", "/right") for index in range(4)
    ]
    found = contents(footage)
    assert (found[2].ids == draw_ids(2)).all()
    assert (found[6].ids == draw_ids(12)).all()


def test_frames_are_read_in_any_order_and_twice(tmp_path):
    bag = write_cameras(tmp_path / "bag")
    frames = bag_footage(bag, ["/left"], ["/left/mask"]).frames
    with FrameReader(bag) as reader:
        for order in ([3, 1, 2], [0], [2, 2, 0]):
            found = list(reader.read([frames[i] for i in order]))
            for index, content in zip(order, found, strict=True):
                assert (content.ids == draw_ids(index)).all()


def test_ground_truth_by_pattern(tmp_path):
    bag = write_cameras(tmp_path / "bag", truth=False)
    for index in (0, 2):
        name = f"left_{index:03d}_{SECOND + index * SECOND // 10}.png"
        Image.fromarray(draw_ids(index)).save(tmp_path / name)
    pattern = str(tmp_path / "{camera}_{index:03d}_{stamp_ns}.png")
    footage = bag_footage(bag, ["/left"], [pattern])
    assert [f.truth is not None for f in footage.frames] == [True, False, True, False]
    assert (contents(footage)[2].ids == draw_ids(2)).all()


def test_ground_truth_by_table(tmp_path):
    bag = write_cameras(tmp_path / "bag", truth=False)
    Image.fromarray(draw_ids(1)).save(tmp_path / "one.png")
    Image.fromarray(draw_ids(7)).save(tmp_path / "seven.png")
    stamp = SECOND + SECOND // 10
    (tmp_path / "truth.csv").write_text(
        f"stamp_ns,file,camera\n{stamp},one.png,/left\n{stamp},seven.png,/right\n5,one.png,\n"
    )
    footage = bag_footage(bag, ["/left", "/right"], [str(tmp_path / "truth.csv")])
    found = [c.ids for c in contents(footage) if c.ids is not None]
    assert (found[0] == draw_ids(1)).all()
    assert (found[1] == draw_ids(7)).all()


@pytest.mark.parametrize(
    ("stamps", "sequences", "note"),
    [
        pytest.param([1, 2, 3, 4], "0000", None, id="steady"),
        pytest.param([5, 6, 1, 2], "0011", "go back by 5.000 s before frame 2", id="backwards"),
        pytest.param([1, 2, 3, 90], "0001", "jump ahead by 87.000 s before frame 3", id="gap"),
        pytest.param([0, 0, 0, 0], "0000", None, id="no-stamps-at-all"),
    ],
)
def test_a_clock_that_jumps_cuts_the_drive(tmp_path, stamps, sequences, note):
    stamps = [s * SECOND for s in stamps]
    footage = bag_footage(write_cameras(tmp_path / "bag", ["/left"], stamps=stamps), ["/left"])
    assert "".join(f.sequence for f in footage.frames) == sequences
    assert [n for n in footage.notes if note and note in n] == ([footage.notes[0]] if note else [])
    assert len(contents(footage)) == 4


def test_a_frame_that_does_not_decode_has_a_fault(tmp_path):
    with BagWriter(tmp_path / "bag") as bag:
        make = MessageMaker(bag.types, "optical")
        bag.declare("/left", IMAGE)
        bag.declare("/mask", IMAGE)
        for index, size in enumerate([(180, 240), (90, 120)]):
            image = make.image((index + 1) * SECOND, np.zeros((*size, 3), np.uint8))
            if index == 0:
                image.encoding = "ascii-art"
            bag.write("/left", image, index)
            bag.write("/mask", make.image((index + 1) * SECOND, draw_ids(0)), index)
    broken, other = contents(bag_footage(tmp_path / "bag", ["/left"], ["/mask"]))
    assert broken.image is None
    assert "frame 0: the frame has encoding 'ascii-art'" in broken.fault
    assert other.ids is None
    assert "is 120x90 px but its ground truth is 240x180 px" in other.fault


def nothing_at_all(path):
    with BagWriter(path) as bag:
        bag.declare("/text", STRING)


def only_text(path):
    with BagWriter(path) as bag:
        bag.declare("/text", STRING)
        bag.write("/text", bag.types.types[STRING]("words"), 1)


def names_of_another_kind(path):
    with BagWriter(path) as bag:
        bag.declare("/camera/image", IMAGE)
        bag.declare("/ground_truth/labels", STRING)
        bag.write("/ground_truth/labels", bag.types.types[STRING]("[1]"), 1)
        make = MessageMaker(bag.types, "optical")
        bag.write("/camera/image", make.image(1, np.zeros((8, 8, 3), np.uint8)), 1)


def other_stamps(path):
    with BagWriter(path) as bag:
        make = MessageMaker(bag.types, "optical")
        bag.declare("/left", IMAGE)
        bag.declare("/mask", IMAGE)
        bag.write("/left", make.image(SECOND, np.zeros((8, 8, 3), np.uint8)), 1)
        bag.write("/mask", make.image(SECOND + 2_000_000, np.zeros((8, 8), np.uint8)), 1)


@pytest.mark.parametrize(
    ("write", "cameras", "truths", "message"),
    [
        pytest.param(nothing_at_all, [], [], "holds no messages", id="empty"),
        pytest.param(only_text, [], [], r"no topic with images.*/text \(std_msgs", id="no-image"),
        pytest.param(only_text, ["/left"], [], "no topic /left; its topics are /text", id="absent"),
        pytest.param(only_text, ["/text"], [], "std_msgs/msg/String; sensor_msgs", id="no-images"),
        pytest.param(write_cameras, [], [], "several topics with images: /left, ", id="several"),
        pytest.param(write_cameras, ["/left"], ["/nowhere"], "no topic /nowhere", id="no-mask"),
        pytest.param(write_cameras, ["/a", "/b", "/a"], [], "camera /a was named tw", id="twice"),
        pytest.param(
            write_cameras, ["/left", "/right"], ["/left/mask"], "1 topics of gr", id="one-for-two"
        ),
        pytest.param(write_cameras, ["/left"], ["gt/{time}.png"], "fields time", id="field"),
        pytest.param(write_cameras, ["/left"], ["gt/{index}.png"], "no frame of", id="no-file"),
        pytest.param(write_cameras, ["/left"], ["gt/{index"], "no name pattern", id="pattern"),
        pytest.param(write_cameras, ["/left"], ["no.csv"], "a table of stamps", id="no-table"),
        pytest.param(other_stamps, ["/left"], ["/mask"], "nearest is 2.000 ms", id="stamps"),
        pytest.param(names_of_another_kind, [], [], "must hold JSON like", id="names"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(tmp_path, write, cameras, truths, message):
    write(tmp_path / "bag")
    with pytest.raises(OvsegError, match=message):
        bag_footage(tmp_path / "bag", cameras, truths)


@pytest.mark.parametrize(
    ("selection", "indices"),
    [
        (Selection(), [0, 1, 2, 3, 4, 5]),
        (Selection(every=4), [0, 4]),
        (Selection(domain="night"), [3, 4, 5]),
        (Selection(domain="night", every=2), [3, 5]),
        (Selection(start_s=0.1, end_s=0.3), [2, 3, 4]),
    ],
)
def test_selections(tmp_path, selection, indices):
    footage = bag_footage(write_drive(tmp_path / "bag", frames=6))
    assert [frame.index for frame in selection.of(footage).frames] == indices


def test_a_selection_of_nothing_says_what_there_is(tmp_path):
    footage = bag_footage(write_drive(tmp_path / "bag", frames=6))
    with pytest.raises(OvsegError, match="6 frames in 0.3 s, 6 with ground truth.*day, night"):
        Selection(start_s=5).of(footage)


def test_only_labelled_frames(tmp_path):
    bag = write_cameras(tmp_path / "bag", ["/left"], truth=False)
    Image.fromarray(draw_ids(0)).save(tmp_path / "2.png")
    footage = bag_footage(bag, ["/left"], [str(tmp_path / "{index}.png")])
    assert [f.index for f in Selection(only_labelled=True).of(footage).frames] == [2]
