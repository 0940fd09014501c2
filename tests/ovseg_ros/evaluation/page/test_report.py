"""What the report says: its sentences, its JSON, and that it holds whatever labels are called."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest
from small_evaluation import NAMES, small_report

from ovseg_ros.evaluation.eval_report import ALL, EvalReport
from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.metrics.tally import Tally
from ovseg_ros.evaluation.page.overview import verdict
from ovseg_ros.evaluation.page.report_json import report_as_json
from ovseg_ros.evaluation.page.write import write_report
from ovseg_ros.output import OutputError

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</script></style><b>$title ${x}",
    "\ud800 no text",
)


class Tags(HTMLParser):
    """Collect the tags of a page, what they load, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.sources, self.handlers, self.text = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href"):
                self.sources.append(value)
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data):
        self.text.append(data)


def written(tmp_path, report):
    page = write_report(tmp_path / "out", report)
    return Tags(page.read_text("utf-8")), json.loads((tmp_path / "out" / "report.json").read_text())


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("compared", [False, True])
def test_page_needs_no_other_file(tmp_path, live, compared):
    against = small_report(mistakes=0.4, title="other") if compared else None
    page, data = written(tmp_path, small_report(live=live, against=against))
    assert all(source.startswith(("data:image/jpeg", "#")) for source in page.sources)
    assert page.tags.count("script") == 1 and not page.handlers
    assert "link" not in page.tags and "iframe" not in page.tags
    assert page.tags.count("figure") == 6
    assert data["format"] == 1
    assert (data["live"] is not None) == live
    assert (data["against"] is not None) == compared
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "report.html",
        "report.json",
    ]


def test_names_are_text_whatever_they_hold(tmp_path):
    plain, _ = written(tmp_path, small_report(live=True))
    hostile, data = written(
        tmp_path, small_report(names=HOSTILE, title=HOSTILE[0], domains=HOSTILE[1:3], live=True)
    )
    assert hostile.tags == plain.tags
    text = "".join(hostile.text)
    for name in HOSTILE[:3]:
        assert name in text
    assert list(data["selections"][ALL]["labels"]) == list(HOSTILE)


def test_json_is_the_numbers_of_the_summaries():
    report = small_report(mistakes=0.1, against=small_report(mistakes=0.4, title="other"))
    data = json.loads(json.dumps(report_as_json(report)))
    total = data["selections"][ALL]
    assert total["mean_iou"] == report.total.mean_iou
    assert total["labels"]["road"]["iou"] == report.total.labels[0].iou
    assert total["absent_from_ground_truth"] == ["moon"]
    assert set(data["selections"]) == set(report.summaries)
    assert data["gain"]["mean_iou"] == report.total.mean_iou - report.against.total.mean_iou
    assert set(data["gain"]["labels"]) == set(NAMES[:3])
    ious = [frame["mean_iou"] for frame in data["worst_frames"]]
    assert ious == sorted(ious) and len(ious) == 16
    assert data["fates"] == {"segmented": 16}


def test_json_repeats_but_for_the_part_that_says_when_and_where():
    first, second = (report_as_json(small_report()) for _ in range(2))
    assert first == second
    assert first["run"] == {"machine": "a machine", "took": "12 s"}


def test_live_numbers_count_every_frame():
    live = report_as_json(small_report(live=True))["live"]
    assert live["fates"] == {"segmented": 16, "replaced": 1}
    assert live["age_max_ms"] == 47.0 and live["inference_p50_ms"] == 30.0
    assert (live["compared_to_direct"], live["different_from_direct"]) == (16, ["front_003"])
    front, rear = live["cameras"]["front"], live["cameras"]["rear"]
    assert (live["sent"], front["sent"], rear["sent"]) == (17, 8, 9)
    assert (live["rate_hz"], front["rate_hz"], rear["rate_hz"]) == (25.0, 15.0, 10.0)
    assert (front["fates"], front["different_from_direct"]) == ({"segmented": 8}, ["front_003"])
    assert rear["fates"] == {"segmented": 8, "replaced": 1}


def test_page_has_a_row_for_each_of_several_live_cameras(tmp_path):
    page, _ = written(tmp_path, small_report(live=True))
    text = " ".join(page.text)
    assert "17 frames of 2 cameras were sent." in text
    assert "unlike the direct run" in text and "1 replaced" in text


@pytest.mark.parametrize(
    ("mistakes", "other", "wanted"),
    [
        pytest.param(0.1, 0.4, "better than other", id="better"),
        pytest.param(0.4, 0.1, "worse than other", id="worse"),
        pytest.param(0.2, 0.2, "the same as other", id="same"),
    ],
)
def test_first_sentence_says_whether_it_got_better(mistakes, other, wanted):
    against = small_report(mistakes=other, title="other")
    first, labels, frames = verdict(small_report(mistakes=mistakes, against=against))
    assert wanted in first
    assert "of 3 labels gained" in labels and "Of 16 frames" in frames


def test_without_ground_truth_the_change_of_labels_is_what_is_known(tmp_path):
    tally = Tally(NAMES)
    report = EvalReport("no truth", {}, {ALL: tally.summary()}, (FrameRow("", 0, "a", 0),))
    assert "No ground truth" in verdict(report)[0]
    page, data = written(tmp_path, report)
    assert "figure" not in page.tags and data["selections"][ALL]["mean_iou"] is None


def test_report_of_no_frame_is_written(tmp_path):
    report = dataclasses.replace(small_report(), frames=(), thumbnails=())
    written(tmp_path, report)


def test_report_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another place"):
        write_report(tmp_path / "file" / "out", small_report())


def test_frames_of_several_bags_stay_apart(tmp_path):
    report = small_report()
    bags = [
        [dataclasses.replace(row, source=bag) for row in report.frames] for bag in ("mon", "tue")
    ]
    pictures = tuple(
        dataclasses.replace(picture, row=dataclasses.replace(picture.row, source=bag))
        for bag in ("mon", "tue")
        for picture in report.thumbnails
    )
    report = dataclasses.replace(report, frames=tuple(sum(bags, [])), thumbnails=pictures)
    page, data = written(tmp_path, report)
    html = (tmp_path / "out" / "report.html").read_text("utf-8")
    anchors = re.findall(r'<figure id="([^"]+)"', html)
    assert len(set(anchors)) == len(anchors) == 12
    assert 'data-filter="source"' in html
    assert {line for line in page.text if line.startswith("mon ")} == {"mon front", "mon rear"}
    assert {frame["source"] for frame in data["worst_frames"]} == {"mon", "tue"}
