"""Writing bags: whole under their name, or not at all."""

import os

import pytest

pytest.importorskip("rosbags", reason="rosbags writes bags; pip install 'ovseg_ros[eval]'")
from ovseg_ros.bags.reader import read_messages  # noqa: E402
from ovseg_ros.bags.writer import BagWriter, Storage  # noqa: E402
from ovseg_ros.output import OutputError  # noqa: E402

STRING = "std_msgs/msg/String"


@pytest.mark.parametrize("storage", Storage)
def test_what_is_written_comes_back(tmp_path, storage):
    with BagWriter(tmp_path / "run" / "bag", storage) as bag:
        bag.declare("/text", STRING, latched=True)
        bag.declare("/mine", "mine/msg/Pair", {"mine/msg/Pair": "int32 a\nint32 b\n"})
        bag.declare("/never", STRING)
        bag.write("/text", bag.types.types[STRING]("hello"), 5)
        bag.write("/mine", bag.types.types["mine/msg/Pair"](1, 2), 6)
    assert os.listdir(tmp_path / "run") == ["bag"]
    found = list(read_messages(tmp_path / "run" / "bag", ["/text", "/mine", "/never"]))
    assert [(topic, time_ns) for topic, time_ns, _ in found] == [("/text", 5), ("/mine", 6)]
    assert (found[0].content.data, found[1].content.b) == ("hello", 2)


@pytest.mark.parametrize("storage", Storage)
def test_an_error_leaves_nothing(tmp_path, storage):
    with pytest.raises(KeyError), BagWriter(tmp_path / "bag", storage) as bag:
        bag.declare("/text", STRING)
        bag.write("/text", bag.types.types[STRING]("hello"), 5)
        bag.write("/undeclared", None, 6)
    assert os.listdir(tmp_path) == []


def test_a_bag_that_is_there_is_not_replaced(tmp_path):
    (tmp_path / "bag").mkdir()
    with pytest.raises(OutputError, match="is there already"):
        BagWriter(tmp_path / "bag")
