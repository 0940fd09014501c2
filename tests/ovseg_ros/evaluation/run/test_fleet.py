"""A cluster gives the numbers of a direct run, even if a worker is killed in the middle."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="Ray runs fleets; pip install 'ovseg_ros[fleet]'")
pytest.importorskip("rosbags", reason="rosbags reads bags; pip install 'ovseg_ros[eval]'")
from generated_drive import write_drive  # noqa: E402

from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.evaluation.dataset import load_labelled_folder  # noqa: E402
from ovseg_ros.evaluation.folder_to_bag import BagPlan, write_folder_bag  # noqa: E402
from ovseg_ros.evaluation.footage.bag import bag_footage  # noqa: E402
from ovseg_ros.evaluation.footage.label_map import LabelMap  # noqa: E402
from ovseg_ros.evaluation.run.chunks import ChunkStore  # noqa: E402
from ovseg_ros.evaluation.run.configuration import Configuration  # noqa: E402
from ovseg_ros.evaluation.run.direct import run_direct  # noqa: E402
from ovseg_ros.evaluation.run.fleet import FleetAddress, run_fleet  # noqa: E402
from ovseg_ros.evaluation.run.plan import make_plan  # noqa: E402
from ovseg_ros.evaluation.run.segment import cut  # noqa: E402

FRAMES = 8


def busy_workers():
    """Return the processes below this one that run a task of Ray."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and is_ours(folder.name) and is_busy(folder):
            found.append(int(folder.name))
    return found


def is_busy(folder):
    try:
        return b"ray::evaluate_segment" in (folder / "cmdline").read_bytes()
    except OSError:
        return False


def is_ours(pid):
    try:
        while int(pid) > 1:
            if int(pid) == os.getpid():
                return True
            pid = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        pass
    return False


def run_both(plan, tmp_path):
    """Return the stores of a direct run and of a fleet of two, of which one worker is killed."""
    direct = ChunkStore(tmp_path / "direct", plan.fingerprint(), resume=False)
    run_direct(plan, direct, True, lambda count: None)
    fleet = ChunkStore(tmp_path / "fleet", plan.fingerprint(), resume=False)
    killed, done = [], []

    def on_frames(count):
        done.append(count)
        if count and not killed:
            for pid in busy_workers()[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    run_fleet(plan, fleet, FleetAddress(workers=2), True, on_frames)
    assert len(killed) == 1
    assert sum(done) == plan.frames
    return direct, fleet


def assert_equal(plan, direct, fleet):
    """Compare rows, masks and counts of every segment of two runs of `plan`."""
    for one, other in zip(direct.results(plan.segments), fleet.results(plan.segments), strict=True):
        assert one.jobs[0].rows == other.jobs[0].rows
        assert one.jobs[0].masks == other.jobs[0].masks
        names = one.jobs[0].tallies.keys()
        assert names == other.jobs[0].tallies.keys()
        for name in names:
            counted = [job.tallies[name].as_json() for job in (one.jobs[0], other.jobs[0])]
            assert counted[0] == counted[1]


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(tiny_package, tmp_path):
    footage = bag_footage(write_drive(tmp_path / "bag", frames=FRAMES))
    plan = make_plan([footage], LabelMap(), [Configuration(str(tiny_package))])
    plan = replace(plan, segments=cut(plan.footages, 2))
    assert_equal(plan, *run_both(plan, tmp_path))


@pytest.mark.slow
def test_a_killed_worker_changes_nothing_on_a_real_drive(tiny_package, tmp_path, shared_dir):
    """The validation drive of CamVid, as `ovseg eval --ray local:2` cuts it."""
    data = load_labelled_folder(shared_dir / "data" / "camvid", "val", "day")
    write_folder_bag(data, tmp_path / "bag", BagPlan())
    footage = bag_footage(tmp_path / "bag")
    plan = make_plan([footage], LabelMap(), [Configuration(str(tiny_package))])
    assert (plan.frames, len(plan.segments)) == (101, 3)
    assert_equal(plan, *run_both(plan, tmp_path))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("local", FleetAddress()),
        ("local:3", FleetAddress(workers=3)),
        ("head:6379", FleetAddress("head:6379")),
    ],
)
def test_addresses(text, wanted):
    assert FleetAddress.parse(text) == wanted


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere"])
def test_a_cluster_that_is_not_there_is_refused(tiny_package, tmp_path, address):
    footage = bag_footage(write_drive(tmp_path / "bag", frames=2))
    plan = make_plan([footage], LabelMap(), [Configuration(str(tiny_package))])
    store = ChunkStore(tmp_path / "fleet", plan.fingerprint(), resume=False)
    with pytest.raises(OvsegError, match=f"no Ray cluster at '{address}'"):
        run_fleet(plan, store, FleetAddress(address), True, lambda count: None)


@pytest.mark.parametrize("text", ["local:0", "local:many"])
def test_addresses_that_are_refused(text):
    with pytest.raises(OvsegError, match="a number of workers"):
        FleetAddress.parse(text)
