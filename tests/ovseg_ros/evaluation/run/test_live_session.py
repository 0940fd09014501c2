"""What became of the frames of a live run, by the counters of the node; how they are played."""

import pytest

pytest.importorskip("rosbags", reason="rosbags writes bags; pip install 'ovseg_ros[eval]'")
from generated_drive import write_drive  # noqa: E402
from labelled_folder import write_folder  # noqa: E402

from ovseg_ros.bags.reader import BagReader  # noqa: E402
from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.evaluation.footage.bag import bag_footage  # noqa: E402
from ovseg_ros.evaluation.footage.folder import labelled_footage  # noqa: E402
from ovseg_ros.evaluation.footage.label_map import LabelMap  # noqa: E402
from ovseg_ros.evaluation.frame_row import FrameFate  # noqa: E402
from ovseg_ros.evaluation.run.configuration import Configuration  # noqa: E402
from ovseg_ros.evaluation.run.live_session import (  # noqa: E402
    LiveOptions,
    fates_of,
    record_live,
)
from ovseg_ros.evaluation.run.plan import make_plan  # noqa: E402
from ovseg_ros.evaluation.run.playlist import own_rate_hz, write_playlist  # noqa: E402

SECOND = 10**9


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


def plan_of(footage, package, **options):
    return make_plan([footage], LabelMap(), [Configuration(str(package), **options)])


def test_a_playlist_holds_images_as_they_are(tiny_package, tmp_path):
    bag = write_drive(tmp_path / "drive", frames=4)
    plan = plan_of(bag_footage(bag), tiny_package)
    playlist = write_playlist(tmp_path / "played", plan.segments)
    assert not playlist.raw
    topic = "/camera/image/compressed"
    with BagReader(bag) as source, BagReader(playlist.bag) as copy:
        assert list(copy.raw_messages([topic])) == list(source.raw_messages([topic]))
    assert own_rate_hz(plan.footages[0].frames) == pytest.approx(15)


def test_a_playlist_of_files(tiny_package, tmp_path):
    folder = write_folder(tmp_path / "folder", 2)
    plan = plan_of(labelled_footage(folder), tiny_package)
    playlist = write_playlist(tmp_path / "played", plan.segments)
    with BagReader(playlist.bag) as bag:
        (one, _) = bag.messages(["/camera/image/compressed"])
    assert one.content.data.tobytes() == (folder / "images" / "000.jpg").read_bytes()
    assert own_rate_hz(plan.footages[0].frames) == 15


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


def test_one_camera_is_played(tiny_package, tmp_path):
    footages = [bag_footage(write_drive(tmp_path / name, frames=2)) for name in ("a", "b")]
    plan = make_plan(footages, LabelMap(), [Configuration(str(tiny_package))])
    with pytest.raises(OvsegError, match="one camera of one bag"):
        record_live(plan, LiveOptions(), tmp_path, lambda name, event: None)
