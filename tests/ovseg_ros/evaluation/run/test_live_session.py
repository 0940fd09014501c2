"""What became of the frames of a live run, by the counters of the node; how they are played."""

import pytest

pytest.importorskip("rosbags", reason="rosbags writes bags; pip install 'ovseg_ros[eval]'")
from camera_bag import SECOND, write_cameras  # noqa: E402
from generated_drive import draw_ids, write_drive  # noqa: E402
from labelled_folder import write_folder  # noqa: E402

from ovseg_ros.bags.messages import COMPRESSED_IMAGE, IMAGE, MessageMaker  # noqa: E402
from ovseg_ros.bags.reader import BagReader  # noqa: E402
from ovseg_ros.bags.writer import BagWriter  # noqa: E402
from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.evaluation.footage.bag import bag_footage  # noqa: E402
from ovseg_ros.evaluation.footage.folder import labelled_footage  # noqa: E402
from ovseg_ros.evaluation.footage.frame import FootageFrame, MessagePlace  # noqa: E402
from ovseg_ros.evaluation.footage.label_map import LabelMap  # noqa: E402
from ovseg_ros.evaluation.frame_row import FrameFate  # noqa: E402
from ovseg_ros.evaluation.run.configuration import Configuration  # noqa: E402
from ovseg_ros.evaluation.run.live_session import (  # noqa: E402
    LiveOptions,
    fates_of,
    playable,
    record_live,
    statuses_of,
)
from ovseg_ros.evaluation.run.plan import make_plan  # noqa: E402
from ovseg_ros.evaluation.run.playlist import (  # noqa: E402
    cues_of,
    names_on_node,
    own_rates_hz,
    write_playlist,
)
from ovseg_ros.image_files import encode_png  # noqa: E402


def status(seconds, replaced=0, stale=0, superseded=0, rejected=0):
    return {
        "time_ns": round(seconds * SECOND),
        "replaced": replaced,
        "stale": stale,
        "superseded": superseded,
        "rejected": rejected,
    }


@pytest.mark.parametrize(
    ("missing_s", "statuses", "wanted"),
    [
        pytest.param([], [status(1)], "", id="nothing-missing"),
        pytest.param([0.1, 0.2], [status(0.5, 2)], "replaced replaced", id="one-reason"),
        pytest.param(
            [0.1, 0.7, 1.2],
            [status(0.5, 1), status(1, 1, 1), status(1.5, 1, 1, 0, 1)],
            "replaced stale rejected",
            id="told-apart-by-time",
        ),
        pytest.param([0.1, 9.0], [status(5), status(9.5, 1)], "lost replaced", id="lost-long-ago"),
        pytest.param([0.1, 0.2, 0.3], [status(0.5, 1)], "replaced lost lost", id="lost-at-the-end"),
        pytest.param([0.4], [], "lost", id="no-status-at-all"),
    ],
)
def test_every_missing_frame_has_a_reason(missing_s, statuses, wanted):
    missing = [round(s * SECOND) for s in missing_s]
    fates = fates_of(missing, statuses)
    assert [fates[stamp] for stamp in missing] == [FrameFate(word) for word in wanted.split()]


def test_the_counters_of_one_camera_say_nothing_of_another():
    def of(seconds, front, rear):
        entries = [{"name": "front", **status(0, *front)}, {"name": "rear", **status(0, *rear)}]
        return {"time_ns": round(seconds * SECOND), "cameras": entries}

    statuses = [
        {"time_ns": 0, "cameras": []},
        of(0.5, front=(1,), rear=(0, 0)),
        of(1, front=(1,), rear=(0, 1)),
    ]
    missing = [round(0.1 * SECOND)]
    assert [s["time_ns"] / SECOND for s in statuses_of("rear", statuses)] == [0.5, 1]
    for camera, fate in (("front", FrameFate.REPLACED), ("rear", FrameFate.STALE)):
        assert fates_of(missing, statuses_of(camera, statuses)) == {missing[0]: fate}


def plan_of(footage, package, **options):
    return make_plan([footage], LabelMap(), [Configuration(str(package), **options)])


def test_a_playlist_holds_images_as_they_are(tmp_path):
    bag = write_drive(tmp_path / "drive", frames=4)
    footage = bag_footage(bag)
    topic = "/camera/image/compressed"
    assert own_rates_hz(footage) == {topic: pytest.approx(15)}
    playlist, seconds = write_playlist(tmp_path / "played", footage, {topic: 15.0})
    assert (playlist.raw, playlist.cameras, seconds) == (False, ("",), 0.2)
    with BagReader(bag) as source, BagReader(playlist.bag) as copy:
        played = list(copy.raw_messages([topic]))
        assert [m.content for m in played] == [m.content for m in source.raw_messages([topic])]
    assert [m.time_ns for m in played] == [round(i * SECOND / 15) for i in range(4)]


def test_a_playlist_of_files(tmp_path):
    folder = write_folder(tmp_path / "folder", 2)
    footage = labelled_footage(folder)
    assert list(own_rates_hz(footage).values()) == [15]
    playlist, _ = write_playlist(tmp_path / "played", footage, own_rates_hz(footage))
    with BagReader(playlist.bag) as bag:
        (one, _) = bag.messages(["/camera/image/compressed"])
    assert one.content.data.tobytes() == (folder / "images" / "000.jpg").read_bytes()


def test_a_playlist_of_several_cameras_has_a_topic_for_each(tmp_path):
    bag = write_cameras(tmp_path / "bag")
    footage = bag_footage(bag, ["/left", "/right"], ["/left/mask", "/right/mask"])
    assert names_on_node(footage) == {"/left": "left", "/right": "right"}
    playlist, seconds = write_playlist(tmp_path / "played", footage, own_rates_hz(footage))
    assert (playlist.raw, playlist.cameras, seconds) == (True, ("left", "right"), 0.3)
    with BagReader(bag) as source, BagReader(playlist.bag) as copy:
        assert [topic.name for topic in copy.topics] == ["/left/image", "/right/image"]
        for name in ("left", "right"):
            played = [m.content for m in copy.raw_messages([f"/{name}/image"])]
            assert played == [m.content for m in source.raw_messages([f"/{name}"])]


def frames_at(camera, times_s):
    places = [MessagePlace(camera, round(s * SECOND), round(s * SECOND)) for s in times_s]
    return [
        FootageFrame(camera, i, f"{camera} {i}", p.stamp_ns, p, None, "", "0")
        for i, p in enumerate(places)
    ]


@pytest.mark.parametrize(
    ("front_s", "rear_s", "rates_hz", "wanted"),
    [
        pytest.param([5, 6, 7], [5.5, 6.5], (1, 1), "f0 r500 f1000 r1500 f2000", id="in-turns"),
        pytest.param([5, 6], [5, 5.5, 6], (1, 2), "f0 r0 r500 f1000 r1000", id="own-rates"),
        pytest.param([7, 8], [5, 6], (1, 1), "r0 r1000 f2000 f3000", id="one-begins-later"),
        pytest.param([5, 6, 99], [5, 6, 2], (1, 1), "f0 r0 f1000 r1000 f2000 r2000", id="jumps"),
        pytest.param([5, 6], [5, 6], (10, 10), "f0 r0 f100 r100", id="at-another-rate"),
    ],
)
def test_each_camera_keeps_its_rate_from_when_it_began(front_s, rear_s, rates_hz, wanted):
    frames = [*frames_at("front", front_s), *frames_at("rear", rear_s)]
    cues = cues_of(frames, dict(zip(("front", "rear"), rates_hz, strict=True)))
    found = [f"{cue.frame.camera[0]}{cue.due_ns // 10**6}" for cue in cues]
    assert " ".join(found) == wanted


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"adapters": "fog"}, "auto or none, not 'fog'", id="pinned-adapters"),
        pytest.param({"labels": '[{"name": "a;b"}]'}, "in one line", id="names-with-separators"),
    ],
)
def test_what_cannot_be_played_is_refused_before_anything_starts(
    tiny_package, tmp_path, options, message
):
    plan = plan_of(bag_footage(write_drive(tmp_path / "bag", frames=2)), tiny_package, **options)
    with pytest.raises(OvsegError, match=message):
        record_live(plan, LiveOptions(), tmp_path, lambda name, event: None)


def two_bags(folder):
    return [bag_footage(write_drive(folder / name, frames=2)) for name in ("a", "b")]


def too_many_cameras(folder):
    cameras = [f"/camera_{number}" for number in range(17)]
    return [bag_footage(write_cameras(folder / "bag", cameras, 1, truth=False), cameras)]


def raw_and_compressed(folder):
    with BagWriter(folder / "bag") as bag:
        make = MessageMaker(bag.types, "optical")
        bag.declare("/raw", IMAGE)
        bag.declare("/small", COMPRESSED_IMAGE)
        bag.write("/raw", make.image(SECOND, draw_ids(0)), 1)
        bag.write("/small", make.compressed(SECOND, "png", encode_png(draw_ids(0))), 2)
    return [bag_footage(folder / "bag", ["/raw", "/small"])]


@pytest.mark.parametrize(
    ("footages", "message"),
    [
        pytest.param(two_bags, "one recording at a time, not 2", id="several-bags"),
        pytest.param(too_many_cameras, "17 cameras were chosen and a node takes 16", id="too-many"),
        pytest.param(raw_and_compressed, "/raw raw and /small compressed", id="two-transports"),
    ],
)
def test_what_a_node_does_not_take_is_refused(tiny_package, tmp_path, footages, message):
    configuration = Configuration(str(tiny_package), labels="car")
    plan = make_plan(footages(tmp_path), LabelMap(), [configuration])
    with pytest.raises(OvsegError, match=message):
        playable(plan, LiveOptions())
