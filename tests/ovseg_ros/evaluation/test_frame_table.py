"""Rows of frames survive Parquet and JSON; the schema does not depend on the labels."""

import json
import sys

import pytest

from ovseg_ros.errors import MissingExtraError, OvsegError
from ovseg_ros.evaluation.frame_row import FrameFate, FrameRow
from ovseg_ros.evaluation.frame_table import read_frames, write_frames
from ovseg_ros.evaluation.metrics.frame_scores import FrameScores

SCORES = FrameScores(0.5, 0.75, 0.25, 0.1, None, 0.125, 100, 3, (0.5, None))
ROWS = (
    FrameRow("front", 0, "0016E5_00390", 2**60 + 1, "day", "drive", (("rain", 0.3),), SCORES),
    FrameRow("front", 1, "it's <b>", 0, fate=FrameFate.STALE),
    FrameRow("rear", 0, "x", -5, scores=SCORES, age_ms=41.5, inference_ms=30.25),
)


def test_rows_survive_json():
    assert [FrameRow.from_json(json.loads(json.dumps(row.as_json()))) for row in ROWS] == [*ROWS]


def test_rows_survive_parquet_and_bytes_repeat(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the table of frames is Parquet")
    first, second = tmp_path / "a.parquet", tmp_path / "b.parquet"
    for path in (first, second):
        write_frames(path, ROWS, ("road", "car"))
    assert read_frames(first) == ROWS
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.parquet", "b.parquet"]
    found = parquet.read_table(first)
    assert found["ious"].to_pylist()[0] == [
        {"label": "road", "iou": 0.5},
        {"label": "car", "iou": None},
    ]
    assert found["mean_iou"].to_pylist() == [0.5, None, 0.5]


def test_name_that_is_no_text_is_written_with_escapes(tmp_path):
    pytest.importorskip("pyarrow", reason="the table of frames is Parquet")
    write_frames(tmp_path / "a.parquet", (FrameRow("", 0, "caf\udce9", 0),), ())
    assert read_frames(tmp_path / "a.parquet")[0].name == "caf\\udce9"


@pytest.mark.parametrize("rows", [(), ROWS])
def test_schema_is_the_same_for_other_labels_and_without_rows(tmp_path, rows):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the table of frames is Parquet")
    write_frames(tmp_path / "a.parquet", ROWS, ("road", "car"))
    write_frames(tmp_path / "b.parquet", rows, ("sky", "sea"))
    a, b = (parquet.read_schema(tmp_path / f"{name}.parquet") for name in "ab")
    assert a.equals(b, check_metadata=True)


def test_another_file_is_refused(tmp_path):
    arrow = pytest.importorskip("pyarrow", reason="the table of frames is Parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="the table of frames is Parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(OvsegError, match="cannot be read as a table"):
        read_frames(tmp_path / "text.parquet")
    parquet.write_table(arrow.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(OvsegError, match="not a table of frames"):
        read_frames(tmp_path / "other.parquet")


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"ovseg_ros\[eval\]"):
        write_frames(tmp_path / "a.parquet", ROWS, ("road", "car"))
