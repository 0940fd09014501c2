"""The whole demo with real processes: what it leaves behind, and what it says when it cannot."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from generated_drive import write_drive
from PIL import Image
from scene_adapters import package_with_base, write_scene_adapter

from ovseg_ros.adapters.domain import DomainStatistics
from ovseg_ros.bags.reader import read_messages
from ovseg_ros.demo import topics
from ovseg_ros.evaluation.drive import open_drive
from ovseg_ros.image_files import decode_rgb
from ovseg_ros.segmenter import Segmenter

pytestmark = [pytest.mark.ros, pytest.mark.slow]
SECONDS = 8
MARK = "OVSEG_TEST_DEMO"


@pytest.fixture
def drive(tmp_path):
    return write_drive(tmp_path / "drive", frames=45)


def start_demo(mark, *arguments, prefix=()):
    """Start `ovseg demo`; `mark`, made one of this run, is in the environment of its processes."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "ovseg_ros.cli", "demo", *map(str, arguments)],
        env={**os.environ, MARK: f"{mark} {os.getpid()}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_with(mark):
    """Return the ids of the running processes that carry the mark."""
    wanted = f"{MARK}={mark} {os.getpid()}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def finished(demo, out):
    """Wait for a demo that has to come to its end; return what it showed and its report.

    Masks at less than half of the camera's rate only say that this machine is busy.
    """
    shown, complaints = demo.communicate()
    assert demo.returncode in (0, 1), complaints
    report = json.loads((out / "report.json").read_text())
    assert complaints.splitlines() == [f"ovseg demo: {each}" for each in report["failures"]]
    assert demo.returncode == (1 if report["failures"] else 0)
    assert [each for each in report["failures"] if "too slow or too busy" not in each] == []
    return shown, report


def test_demo_delivers_and_leaves_everything_it_promises(tiny_package, drive, tmp_path):
    out = tmp_path / "out"
    demo = start_demo(
        "whole", "--bag", drive, "--package", tiny_package, "--seconds", 2 * SECONDS, "--out", out
    )
    shown, report = finished(demo, out)
    assert "rate" in shown
    # A machine that is busy with other tests may lose a few; more received than sent none.
    assert 0 <= report["node"]["lost_in_transport"] < report["camera"]["sent"] / 2
    counters = report["node"]["counters"]
    assert counters["received"] == sum(n for k, n in counters.items() if k != "received")
    accepted = [query for query in report["queries"] if query["accepted"]]
    assert [query["revision"] for query in accepted] == list(range(1, len(accepted) + 1))
    assert all(query["masks"] for query in accepted)
    assert report["mean_iou"] is not None
    assert {"index.html", "demo.gif", "overlays", "bag", "logs"} <= set(os.listdir(out))
    assert "<html" in (out / "index.html").read_text()
    with Image.open(out / "demo.gif") as gif:
        assert gif.n_frames > 1
    assert (out / "demo.gif").stat().st_size <= 4_000_000
    heard = [topic for topic, _, _ in read_messages(out / "bag", (topics.MASK, topics.LABELS))]
    assert heard.count(topics.MASK) == report["masks"]["received"]
    assert topics.LABELS in heard
    assert processes_with("whole") == []


def test_the_demo_follows_the_scene_and_compares_with_the_base_model(tiny_package, drive, tmp_path):
    """An adapter that knows the frames of the drive is found, and shown with what it was worth."""
    package, library = package_with_base(tiny_package, tmp_path / "tiny"), tmp_path / "library"
    with Segmenter.open(package, "car") as segmenter:
        scenes = [
            segmenter.infer(decode_rgb(frame.image)).embedding
            for frame in open_drive(drive).frames[::3]
        ]
    write_scene_adapter(library, package, "street", DomainStatistics.of(np.array(scenes)))
    out = tmp_path / "out"
    chosen = ["--package", package, "--adapter-dir", library]
    demo = start_demo("adapters", "--bag", drive, *chosen, "--seconds", SECONDS, "--out", out)
    shown, report = finished(demo, out)
    adapters = report["adapters"]
    assert adapters["switches"] == 1
    assert adapters["timeline"][-1]["weights"] == {"street": 1.0}
    assert {look["name"] for look in adapters["looks"]} == {"day", "night"}
    compared = adapters["comparison"]
    assert compared["frames"] > 0
    assert set(compared["looks"]) == {"day", "night"}
    assert compared["all"]["on"] != compared["all"]["off"]
    assert "switches of adapters: 1; mIoU with selection on / off" in shown
    assert "<polygon" in (out / "index.html").read_text()


def test_demo_of_a_folder_of_images(tiny_package, tmp_path):
    for index, color in enumerate(("red", "green", "blue")):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("RGB", (160, 120), color).save(tmp_path / "images" / f"{index}.png")
    out = tmp_path / "out"
    demo = start_demo(
        "images",
        "--images",
        tmp_path / "images",
        "--labels",
        "car; !sky; road|street",
        "--package",
        tiny_package,
        "--adapter-dir",
        tmp_path / "no_adapters",
        "--seconds",
        SECONDS,
        "--out",
        out,
    )
    shown, report = finished(demo, out)
    assert "no_adapters does not exist: the base model ran alone" in shown
    assert report["mean_iou"] is None
    assert len(report["queries"]) == 4


@pytest.fixture
def small_disk(tmp_path):
    """A folder, and a prefix for commands to whom a disk of 256 kB is mounted there."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = f"mount -t tmpfs -o size=256k tmpfs {folder}"
    prefix = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"]), "sh", "-c"]
    if subprocess.run([*prefix, mount], capture_output=True).returncode:
        pytest.skip("no small disk could be mounted here")
    return folder, [*prefix, f'{mount} && "$@"; code=$?; ls -A {folder}; exit $code', "sh"]


def test_a_full_output_disk_ends_the_demo_with_a_sentence_and_no_leftovers(
    tiny_package, drive, small_disk
):
    disk, prefix = small_disk
    arguments = ["--package", tiny_package, "--seconds", SECONDS, "--out", disk / "out"]
    demo = start_demo("full", "--bag", drive, *arguments, prefix=prefix)
    shown, complaints = demo.communicate()
    assert demo.returncode == 2
    (line,) = complaints.strip().splitlines()
    assert "cannot write the " in line
    assert "No space left on device; make room" in line
    last_shown = shown.strip().splitlines()[-1]
    assert last_shown.startswith(("rate", "query")), "something was left on the disk"
    assert processes_with("full") == []


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_nothing(tiny_package, drive, tmp_path, sign):
    mark = sign.name
    demo = start_demo(
        mark, "--bag", drive, "--package", tiny_package, "--seconds", 30, "--out", tmp_path / "out"
    )
    demo.stdout.readline()
    demo.send_signal(sign)
    _, complaints = demo.communicate()
    assert demo.returncode == 130
    assert "interrupted" in complaints
    assert sorted(os.listdir(tmp_path)) == ["drive"]
    assert processes_with(mark) == []


def test_a_node_that_is_killed_ends_the_demo_with_a_sentence(tiny_package, drive, tmp_path):
    demo = start_demo(
        "killed",
        "--bag",
        drive,
        "--package",
        tiny_package,
        "--seconds",
        30,
        "--out",
        tmp_path / "out",
    )
    demo.stdout.readline()
    for pid in processes_with("killed"):
        if b"ovseg_ros.nodes.main" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    _, complaints = demo.communicate()
    assert demo.returncode == 2
    assert "the node process was killed by SIGKILL" in complaints
    assert processes_with("killed") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--package", "nowhere"], "no model package", id="package"),
        pytest.param(["--bag", "nowhere"], "no image at", id="drive"),
        pytest.param(["--seconds", "1"], "too short", id="too-short"),
        pytest.param(["--images", "."], "--labels", id="images-without-labels"),
    ],
)
def test_refusals_come_at_once_and_start_no_process(
    tiny_package, drive, tmp_path, arguments, message
):
    given = ["--out", tmp_path / "out", "--package", tiny_package, *arguments]
    if not {"--bag", "--images"} & set(arguments):
        given += ["--bag", drive]
    demo = start_demo("refused", *given)
    _, complaints = demo.communicate()
    assert demo.returncode == 2
    assert message in complaints
    assert not (tmp_path / "out").exists()
