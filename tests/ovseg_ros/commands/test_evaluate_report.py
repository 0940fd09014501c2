"""`ovseg eval --out FOLDER`: the folder of results, the same for every storage and every run."""

import json

import pytest

pytest.importorskip("rosbags", reason="rosbags reads bags; pip install 'ovseg_ros[eval]'")
pytest.importorskip("pyarrow", reason="pyarrow writes tables; pip install 'ovseg_ros[eval]'")
import pyarrow.parquet  # noqa: E402
from camera_bag import write_cameras  # noqa: E402
from generated_drive import NAMES, write_drive  # noqa: E402
from labelled_folder import write_folder  # noqa: E402

from ovseg_ros.bags.reader import BagReader  # noqa: E402
from ovseg_ros.cli import main  # noqa: E402
from ovseg_ros.image_messages import compressed_to_rgb, raw_to_ids  # noqa: E402

FRAMES = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "folder", FRAMES)


@pytest.fixture(scope="module")
def bags(folder, tmp_path_factory):
    """The folder as a bag of the same name in each storage and form."""
    root = tmp_path_factory.mktemp("bags")
    found = {}
    for storage in ("mcap", "sqlite3"):
        for form in ("raw", "compressed"):
            bag = found[storage, form] = root / f"{storage}_{form}" / "bag"
            options = ["--storage", storage, "--image", form]
            assert main(["bag", "from-images", str(folder), str(bag), *options]) == 0
    return found


@pytest.fixture
def evaluate(tiny_package, tmp_path):
    """Run `ovseg eval` and return the report without what differs between runs."""

    def run(data, *options, out="out", code=0):
        given = [str(path) for path in (data if isinstance(data, list) else [data])]
        place = tmp_path / out
        base = ["eval", *given, "--package", str(tiny_package), "--out", str(place)]
        assert main([*base, *map(str, options)]) == code
        report = json.loads((place / "report.json").read_text())
        assert report.pop("run")["machine"]
        return report

    return run


def test_the_folder_of_results(evaluate, bags, tmp_path):
    report = evaluate(bags["mcap", "compressed"])
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "frames.parquet",
        "masks",
        "report.html",
        "report.json",
    ]
    table = pyarrow.parquet.read_table(tmp_path / "out" / "frames.parquet")
    assert table.num_rows == FRAMES
    assert "mean_iou" in table.column_names
    text = (tmp_path / "out" / "report.html").read_text()
    assert all(name in text for name in NAMES.values())
    assert "/masks" not in json.dumps(report)


def test_masks_are_a_bag_with_the_stamps_of_the_frames(evaluate, bags, tmp_path):
    evaluate(bags["mcap", "compressed"])
    with BagReader(bags["mcap", "compressed"]) as reader:
        stamps = [m.time_ns for m in reader.messages(["/camera/image/compressed"])]
    with BagReader(tmp_path / "out" / "masks") as reader:
        masks = list(reader.messages(["/ovseg/label_mask"]))
        overlays = list(reader.messages(["/ovseg/overlay/compressed"]))
        (labels,) = reader.messages(["/ovseg/labels"])
    assert [m.time_ns for m in masks] == [m.time_ns for m in overlays] == stamps
    assert masks[0].content.header.frame_id == "camera_optical_frame"
    assert json.loads(labels.content.data) == {str(i): name for i, name in NAMES.items()}
    assert set(raw_to_ids(masks[0].content).ravel()) <= set(NAMES)
    assert compressed_to_rgb(overlays[0].content).shape == (180, 240, 3)


def test_every_storage_and_every_run_gives_the_same_numbers(evaluate, bags):
    first = evaluate(bags["mcap", "raw"], out="first")
    assert evaluate(bags["sqlite3", "raw"], out="second") == first
    assert evaluate(bags["mcap", "raw"], out="first") == first


def test_a_bag_gives_the_numbers_of_its_folder(evaluate, bags, folder):
    of_bag = evaluate(bags["sqlite3", "compressed"], out="bag")
    of_folder = evaluate(folder, out="folder")
    assert of_bag["selections"] == of_folder["selections"]


def test_a_second_configuration_is_set_beside_the_first(evaluate, bags):
    report = evaluate(bags["mcap", "raw"], "--against", "threshold=0.7", "--thumbnails", 2)
    against = report["against"]
    assert against["selections"]["all"]["unlabelled_px"] > 0
    assert report["selections"]["all"]["unlabelled_px"] == 0


def test_several_bags_and_cameras_add_up(evaluate, bags, tiny_package):
    one = evaluate(bags["mcap", "raw"], out="one")["selections"]["all"]
    two = evaluate([bags["mcap", "raw"], bags["sqlite3", "compressed"]], out="two")
    total = two["selections"]["all"]
    assert total["evaluated_px"] == 2 * one["evaluated_px"]
    assert [name for name in two["selections"] if name.startswith(("camera ", "bag "))] == [
        "bag mcap_raw/bag",
        "bag sqlite3_compressed/bag",
        "camera /camera/image",
        "camera /camera/image/compressed",
    ]
    assert two["selections"]["bag mcap_raw/bag"] == one


def test_several_cameras_of_one_bag(evaluate, tmp_path):
    bag = write_cameras(tmp_path / "bag")
    names = ", ".join(f"{key}: {name}" for key, name in NAMES.items())
    (tmp_path / "map.yaml").write_text(f"ids: {{{names}}}\n")
    cameras = ["--image-topic", "/left", "--image-topic", "/right"]
    truths = ["--truth", "/left/mask", "--truth", "/right/mask"]
    options = [*cameras, *truths, "--label-map", tmp_path / "map.yaml"]
    selections = evaluate(bag, *options)["selections"]
    assert list(selections) == ["all", "camera /left", "camera /right"]
    assert selections["all"]["frames"] == 8
    with BagReader(tmp_path / "out" / "masks") as reader:
        assert [topic.name for topic in reader.topics] == [
            "/ovseg/labels",
            "/ovseg/left/label_mask",
            "/ovseg/left/overlay/compressed",
            "/ovseg/right/label_mask",
            "/ovseg/right/overlay/compressed",
        ]


def test_labels_maps_and_selections(evaluate, bags, tmp_path):
    (tmp_path / "map.yaml").write_text("map: {tree: plant}\nignore: [building]\n")
    options = ["--label-map", tmp_path / "map.yaml", "--domain", "dusk", "--every", 2]
    labels = evaluate(bags["mcap", "raw"], *options)["selections"]["all"]["labels"]
    assert list(labels) == ["sky", "road", "car", "plant"]
    query = ["--labels", "automobile|car; !sky; road"]
    labels = evaluate(bags["mcap", "raw"], *query)["selections"]["all"]["labels"]
    assert list(labels) == ["automobile", "road"]
    assert labels["automobile"]["truth_px"] > 0


def test_hostile_names_are_only_text(evaluate, bags, tmp_path, capsys):
    name = "<script>alert(1)</script> [/red] [bold]"
    mapping = json.dumps({"map": {"tree": name}})
    (tmp_path / "map.yaml").write_text(mapping)
    report = evaluate(bags["mcap", "raw"], "--label-map", tmp_path / "map.yaml", "--every", 3)
    assert name in report["selections"]["all"]["labels"]
    assert "<script>alert" not in (tmp_path / "out" / "report.html").read_text()
    assert "[/red]" in capsys.readouterr().out


def test_a_bag_without_ground_truth_needs_labels(evaluate, tiny_package, tmp_path, capsys):
    bag = write_drive(tmp_path / "drive", frames=4, truth=False)
    base = ["eval", str(bag), "--package", str(tiny_package), "--out", str(tmp_path / "out")]
    assert main(base) == 2
    assert "has no ground truth; give it with --truth" in capsys.readouterr().err
    report = evaluate(bag, "--labels", "car; road")
    assert report["selections"]["all"]["mean_iou"] is None
    assert report["selections"]["all"]["label_change"] is not None


def test_a_folder_that_holds_something_else_is_left_alone(tiny_package, bags, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    bag = str(bags["mcap", "raw"])
    assert main(["eval", bag, "--package", str(tiny_package), "--out", f"{tmp_path}/mine"]) == 2
    assert "holds something else" in capsys.readouterr().err


def test_resuming_another_evaluation_is_refused(tiny_package, bags, tmp_path, capsys):
    (tmp_path / "out" / ".progress").mkdir(parents=True)
    (tmp_path / "out" / ".progress" / "plan.json").write_text('{"fingerprint": "other"}')
    bag = str(bags["mcap", "raw"])
    base = ["eval", bag, "--package", str(tiny_package), "--out", str(tmp_path / "out")]
    assert main([*base, "--resume"]) == 2
    assert "the start of another evaluation" in capsys.readouterr().err
