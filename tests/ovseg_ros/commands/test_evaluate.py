"""`ovseg eval` on a folder made for the purpose, against a count with numpy."""

import json

import numpy as np
import pytest
from generated_drive import NAMES as DRIVE_NAMES
from generated_drive import draw_ids, write_drive
from PIL import Image

from ovseg_ros.cli import main
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import LabelSpec

NAMES = {3: "road", 0: "car", 7: "tree"}


@pytest.fixture
def folder(tmp_path):
    """Three images, two of them 'dusk', with labels that skip an id and hold ignored pixels."""
    random = np.random.default_rng(5)
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    for index in range(3):
        image = random.integers(0, 256, (48, 64, 3)).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "images" / f"{index}.png")
        label = random.choice([3, 0, 255], (48, 64)).astype(np.uint8)
        Image.fromarray(label).save(tmp_path / "labels" / f"{index}.png")
    classes = [{"id": key, "name": name} for key, name in NAMES.items()]
    (tmp_path / "classes.json").write_text(json.dumps({"ignore_id": 255, "classes": classes}))
    facts = {str(i): {"split": "val", "domain": "dusk" if i else "day"} for i in range(3)}
    (tmp_path / "items.json").write_text(json.dumps(facts))
    return tmp_path


def counted_iou(package, folder, stems):
    """Segment the images through the Python API and count with numpy."""
    with Segmenter.open(package) as segmenter:
        vocabulary = segmenter.set_labels([LabelSpec(n, threshold=0.0) for n in NAMES.values()])
        pairs = [
            (
                np.asarray(Image.open(folder / "labels" / f"{stem}.png")),
                segmenter.infer(np.asarray(Image.open(folder / "images" / f"{stem}.png"))),
            )
            for stem in stems
        ]
    result = {}
    for label, class_id in zip(vocabulary.labels, NAMES, strict=True):
        hit = union = 0
        for truth, found in pairs:
            evaluated = truth != 255
            is_truth, is_found = truth == class_id, found.label_mask == label.id
            hit += (is_truth & is_found & evaluated).sum()
            union += ((is_truth | is_found) & evaluated).sum()
        result[label.name] = float(hit / union)
    return result


@pytest.mark.parametrize(
    ("options", "stems"),
    [
        pytest.param([], "012", id="everything"),
        pytest.param(["--domain", "dusk"], "12", id="one-domain"),
        pytest.param(["--split", "val"], "012", id="one-split"),
    ],
)
def test_report_equals_a_count_with_numpy(tiny_package, folder, options, stems):
    out = folder / "report.json"
    base = ["eval", str(folder), "--package", str(tiny_package), "--out", str(out)]
    assert main([*base, *options]) == 0
    report = json.loads(out.read_text())
    wanted = counted_iou(tiny_package, folder, stems)
    found = {name: score["iou"] for name, score in report["all"]["labels"].items()}
    assert found == {
        "road": pytest.approx(wanted["road"]),
        "car": pytest.approx(wanted["car"]),
        "tree": None,
    }
    assert report["all"]["absent_from_ground_truth"] == ["tree"]
    assert report["all"]["unlabelled_pixels"] == 0
    assert report["mean_iou"] == pytest.approx((wanted["road"] + wanted["car"]) / 2)


def test_other_names_are_reported_as_a_drop(tiny_package, folder):
    names = folder / "names.yaml"
    names.write_text("car: [automobile, motorcar]\n")
    out = folder / "report.json"
    base = ["eval", str(folder), "--package", str(tiny_package), "--out", str(out)]
    assert main([*base, "--names", str(names)]) == 0
    report = json.loads(out.read_text())
    assert [entry["asked"]["car"] for entry in report["renamed"]] == ["automobile", "motorcar"]
    assert report["drop"] == pytest.approx(report["mean_iou"] - report["renamed_mean_iou"])


@pytest.mark.parametrize(
    ("damage", "options", "message"),
    [
        pytest.param(
            lambda f: None, ["--domain", "fog"], "domains: day, dusk", id="no-such-domain"
        ),
        pytest.param(lambda f: (f / "classes.json").unlink(), [], "classes.json", id="no-classes"),
        pytest.param(lambda f: (f / "labels" / "1.png").unlink(), [], "1.png", id="no-label"),
        pytest.param(lambda f: None, ["--image-topic", "/a"], "no bag", id="topic-of-a-folder"),
        pytest.param(lambda f: None, ["--truth", "x.csv"], "brings its", id="truth-of-a-folder"),
        pytest.param(lambda f: None, ["--start", "1"], "no times", id="start-of-a-folder"),
        pytest.param(lambda f: None, ["--against", "adapters=auto"], "--out FOLDER", id="against"),
        pytest.param(lambda f: None, ["--resume"], "--out FOLDER", id="resume"),
    ],
)
def test_folders_that_cannot_be_evaluated(tiny_package, folder, capsys, damage, options, message):
    damage(folder)
    assert main(["eval", str(folder), "--package", str(tiny_package), *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(
            lambda f: Image.new("L", (64, 48), 9).save(f / "labels" / "1.png"),
            "1 holds id 9",
            id="unknown-id",
        ),
        pytest.param(
            lambda f: Image.new("L", (32, 48), 3).save(f / "labels" / "1.png"),
            "its ground truth is 32x48 px",
            id="label-of-another-size",
        ),
        pytest.param(
            lambda f: (f / "labels" / "1.png").write_bytes(b"no picture"),
            "the ground truth of 1",
            id="label-that-is-none",
        ),
        pytest.param(
            lambda f: (f / "images" / "1.png").write_bytes(b"no picture"),
            "cannot be read as an image",
            id="image-that-is-none",
        ),
    ],
)
def test_a_frame_that_cannot_be_used_is_named_and_left_out(
    tiny_package, folder, capsys, damage, message
):
    damage(folder)
    out = folder / "report.json"
    base = ["eval", str(folder), "--package", str(tiny_package), "--out", str(out)]
    assert main(base) == 1
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("ovseg eval:")]
    assert message in line
    report = json.loads(out.read_text())
    found = {name: score["iou"] for name, score in report["all"]["labels"].items()}
    assert found == pytest.approx({**counted_iou(tiny_package, folder, "02"), "tree": None})
    assert len(report["faults"]) == 1


def test_a_bag_is_evaluated_by_domain(tiny_package, tmp_path):
    bag, out = write_drive(tmp_path / "bag", frames=4), tmp_path / "report.json"
    assert main(["eval", str(bag), "--package", str(tiny_package), "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert set(report["domains"]) == {"day", "night"}
    pixels = sum(int((draw_ids(index) != 255).sum()) for index in range(4))
    assert report["all"]["evaluated_pixels"] == pixels
    assert set(report["all"]["labels"]) == set(DRIVE_NAMES.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--split", "val"], "no splits", id="split"),
        pytest.param(["--domain", "fog"], "domains: day, night", id="domain"),
    ],
)
def test_selections_that_a_bag_does_not_have(tiny_package, tmp_path, capsys, options, message):
    bag = write_drive(tmp_path / "bag", frames=4)
    assert main(["eval", str(bag), "--package", str(tiny_package), *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("threshold", ["1.5", "-0.1", "nan", "often"])
def test_thresholds_out_of_range_are_refused(folder, threshold):
    with pytest.raises(SystemExit) as stop:
        main(["eval", str(folder), f"--threshold={threshold}"])
    assert stop.value.code == 2
