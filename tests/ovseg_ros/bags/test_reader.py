"""Reading bags: every storage and compression, and a sentence for every bag that cannot be read."""

import shutil

import pytest

pytest.importorskip("rosbags", reason="rosbags reads bags; pip install 'ovseg_ros[eval]'")
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer  # noqa: E402
from rosbags.typesys import Stores, get_types_from_msg, get_typestore  # noqa: E402

from ovseg_ros.bags.faults import BagError  # noqa: E402
from ovseg_ros.bags.reader import BagReader, read_messages  # noqa: E402
from ovseg_ros.bags.writer import BagWriter, Storage  # noqa: E402

TEXTS = ["one", "two", "three"]


def write_texts(path, storage=StoragePlugin.MCAP, compression=CompressionMode.NONE, texts=TEXTS):
    """Write std_msgs/String messages a second apart, and one of a type of our own."""
    types = get_typestore(Stores.ROS2_JAZZY)
    types.register(get_types_from_msg("int32 weight\nstring[] names\n", "mine/msg/Thing"))
    writer = Writer(path, version=9, storage_plugin=storage)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        text = writer.add_connection("/text", "std_msgs/msg/String", typestore=types)
        thing = writer.add_connection("/thing", "mine/msg/Thing", typestore=types)
        for second, words in enumerate(texts):
            message = types.types["std_msgs/msg/String"](words)
            raw = types.serialize_cdr(message, "std_msgs/msg/String")
            writer.write(text, second * 10**9, raw)
            message = types.types["mine/msg/Thing"](second, [words])
            writer.write(thing, second * 10**9, types.serialize_cdr(message, "mine/msg/Thing"))
    return path


MCAP, SQLITE3 = StoragePlugin.MCAP, StoragePlugin.SQLITE3


@pytest.mark.parametrize(
    ("storage", "compression", "bare"),
    [
        (MCAP, CompressionMode.NONE, False),
        (MCAP, CompressionMode.STORAGE, False),
        (MCAP, CompressionMode.MESSAGE, False),
        (MCAP, CompressionMode.FILE, False),
        (SQLITE3, CompressionMode.NONE, False),
        (SQLITE3, CompressionMode.MESSAGE, False),
        (SQLITE3, CompressionMode.FILE, False),
        # Only metadata.yaml says how files and messages are compressed.
        (MCAP, CompressionMode.NONE, True),
        (MCAP, CompressionMode.STORAGE, True),
        (SQLITE3, CompressionMode.NONE, True),
    ],
)
def test_every_storage_gives_the_same_messages(tmp_path, storage, compression, bare):
    bag = write_texts(tmp_path / "bag", storage, compression)
    if bare:
        (bag,) = (file for file in bag.iterdir() if file.suffix in (".mcap", ".db3"))
    with BagReader(bag) as reader:
        assert [(t.name, t.kind, t.messages) for t in reader.topics] == [
            ("/text", "std_msgs/msg/String", 3),
            ("/thing", "mine/msg/Thing", 3),
        ]
        assert (reader.start_ns, reader.end_ns) == (0, 2 * 10**9 + 1)
        found = list(reader.messages(["/text"]))
        assert [(m.time_ns, m.content.data) for m in found] == [
            (second * 10**9, words) for second, words in enumerate(TEXTS)
        ]
        later = reader.messages(["/text"], start_ns=10**9, stop_ns=2 * 10**9)
        assert [m.content.data for m in later] == ["two"]
        assert [m.content.weight for m in reader.messages(["/thing"])] == [0, 1, 2]
        assert list(reader.messages(["/nothing"])) == []


def test_a_topic_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with BagReader(write_texts(tmp_path / "bag")) as reader:
        assert reader.kind_of("/text") == "std_msgs/msg/String"
        with pytest.raises(BagError, match=r"no topic /camera.*/text \(std_msgs/msg/String\)"):
            reader.kind_of("/camera")


def cut_file(share):
    def damage(bag):
        (file,) = (f for f in bag.iterdir() if f.suffix in (".mcap", ".db3"))
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * share)])

    return damage


def rename_storage(bag):
    text = (bag / "metadata.yaml").read_text()
    (bag / "metadata.yaml").write_text(text.replace("identifier: mcap", "identifier: tape"))


@pytest.mark.parametrize(
    ("storage", "damage", "message"),
    [
        pytest.param(Storage.MCAP, cut_file(0.5), "cut short.*mcap recover", id="mcap-cut"),
        pytest.param(Storage.MCAP, cut_file(0.999), "cut short.*mcap recover", id="mcap-footer"),
        pytest.param(Storage.MCAP, cut_file(0), "is empty", id="mcap-empty"),
        pytest.param(Storage.SQLITE3, cut_file(0.5), "sqlite3 .*recover", id="sqlite-cut"),
        pytest.param(Storage.SQLITE3, cut_file(0), "is empty", id="sqlite-empty"),
        pytest.param(Storage.MCAP, rename_storage, "tape", id="unknown-storage"),
        pytest.param(
            Storage.MCAP,
            lambda bag: (bag / "metadata.yaml").write_text(": ["),
            "cannot be read",
            id="metadata",
        ),
        pytest.param(
            Storage.MCAP,
            lambda bag: (bag / "metadata.yaml").unlink(),
            "ros2 bag reindex",
            id="no-metadata",
        ),
        pytest.param(Storage.MCAP, shutil.rmtree, "there is nothing", id="nothing-there"),
    ],
)
def test_damaged_bags_are_refused_in_a_sentence(tmp_path, storage, damage, message):
    bag = tmp_path / "bag"
    with BagWriter(bag, storage) as writer:
        writer.declare("/text", "std_msgs/msg/String")
        for index in range(2000):
            text = writer.types.types["std_msgs/msg/String"](f"some text {index}")
            writer.write("/text", text, index)
    damage(bag)
    with pytest.raises(BagError, match=message) as refusal:
        list(read_messages(bag, ["/text"]))
    assert str(bag) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_file_of_another_type_is_no_bag(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("words")
    with pytest.raises(BagError, match="unknown type"):
        BagReader(path)


def test_a_bag_without_messages_can_be_opened(tmp_path):
    with BagReader(write_texts(tmp_path / "bag", texts=[])) as reader:
        assert (reader.start_ns, reader.end_ns) == (0, 0)
        assert list(reader.messages(["/text"])) == []


def test_garbage_in_the_middle_is_a_sentence(tmp_path):
    bag = write_texts(tmp_path / "bag", compression=CompressionMode.STORAGE)
    data = bytearray((bag / "bag.mcap").read_bytes())
    data[60:120] = bytes(60)
    (bag / "bag.mcap").write_bytes(data)
    with pytest.raises(BagError, match="cannot be read"):
        list(read_messages(bag, ["/text"]))
