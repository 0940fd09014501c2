"""What counts as delivered, and what is said when it was not."""

import copy

import pytest

from ovseg_ros.demo.adapter_section import adapter_line
from ovseg_ros.demo.page import render_page
from ovseg_ros.demo.report import build_report, failures
from ovseg_ros.demo.session import SessionResult

SECOND_NS = 10**9
FRAME_NS = SECOND_NS // 15
START_NS = 1_000 * SECOND_NS


def make_result():
    """Thirty frames under one query, all published, all received 20 ms after their stamp."""
    stamps = [START_NS + i * FRAME_NS for i in range(30)]
    masks = [
        {
            "stamp_ns": stamp,
            "published_ns": stamp + 18_000_000,
            "received_ns": stamp + 20_000_000,
            "revision": 1,
            "frame": i,
            "mean_iou": 0.5,
        }
        for i, stamp in enumerate(stamps)
    ]
    counters = dict.fromkeys(("replaced", "stale", "superseded", "rejected"), 0)
    status = {**counters, "received": 30, "published": 30, "latency_p50_ms": 17.0}
    labels = {"<car>": {"iou": 0.5, "truth_pixels": 9, "predicted_pixels": 9}}
    query = {"door": "topic", "query": "<car>", "revision": 1, "message": "", "sent_ns": START_NS}
    return SessionResult(
        sent=30,
        stream_start_ns=START_NS - 1,
        queries=[{**query, "accepted": True, "expected": True, "answer_ms": 4.0}],
        ticks=[
            {"time_ns": START_NS + i * SECOND_NS, "age_p50_ms": 20.0, "age_p95_ms": 21.0}
            | {"mean_iou": 0.5}
            for i in range(3)
        ],
        recording={
            "masks": masks,
            "label_maps": [],
            "broken_rules": {},
            "statuses": [status],
            "scores": {
                "1": {
                    "all": {"mean_iou": 0.5, "labels": labels},
                    "domains": {"dusk": {"mean_iou": 0.25}},
                }
            },
        },
        exit_codes={"node": 0},
    )


def test_report_of_a_run_that_delivered():
    report = build_report(make_result(), camera_rate_hz=15.0)
    assert report["failures"] == []
    assert report["mean_iou"] == 0.5
    assert report["masks"]["rate_hz"] == pytest.approx(15.0)
    assert report["masks"]["age_p95_ms"] == pytest.approx(20.0)
    assert report["node"]["lost_in_transport"] == 0
    (query,) = report["queries"]
    assert (query["masks"], query["first_mask_ms"]) == (30, pytest.approx(20.0))


NO_ADAPTERS = {"available": False, "library": "no adapters: <nowhere>"}
ADAPTERS = {
    "available": True,
    "library": "2 adapters in <folder>",
    "switches": 1,
    "seconds": 3.0,
    "timeline": [
        {"at_s": 0.0, "weights": {}, "gate": "waiting", "entropy_bits": 0.0},
        {"at_s": 1.0, "weights": {"<fog>": 1.0}, "gate": "", "entropy_bits": 0.0},
    ],
    "looks": [{"name": "dusk", "from_s": 0.0, "to_s": 3.0}],
    "comparison": {
        "frames": 12,
        "all": {"on": 0.5, "off": 0.25},
        "looks": {"dusk": {"on": 0.5, "off": 0.25}, "fog": {"on": None, "off": None}},
    },
}


def page_of(result, adapters=NO_ADAPTERS):
    report = build_report(result, 15.0)
    report |= {"command": "ovseg demo", "drive": "yard", "machine": "two cores"}
    return render_page({**report, "adapters": adapters}, [])


def no_masks(result):
    result.recording["masks"].clear()
    result.recording["statuses"][0]["published"] = 0
    result.recording["statuses"][0]["received"] = 0


def slow(result):
    for i, mask in enumerate(result.recording["masks"]):
        mask["published_ns"] += 3 * i * FRAME_NS


def set_status(**values):
    return lambda result: result.recording["statuses"][0].update(values)


def set_query(**values):
    return lambda result: result.queries[0].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(no_masks, "no mask came out", id="no-masks"),
        pytest.param(slow, "less than half", id="slow"),
        pytest.param(
            lambda r: r.recording["broken_rules"].update(
                {"every id belongs to the label map in force": 2}
            ),
            "rule broken 2 times",
            id="rule",
        ),
        pytest.param(set_status(received=33), "accounts for 30", id="frames-unaccounted-for"),
        pytest.param(set_status(published=28, replaced=2), "28 masks were", id="mask-lost"),
        pytest.param(set_query(accepted=False, message="why"), "was refused: why", id="refused"),
        pytest.param(set_query(expected=False), "was accepted", id="accepted-nonsense"),
        pytest.param(lambda r: r.exit_codes.update(node=1), "exit code 1", id="exit-code"),
    ],
)
def test_what_did_not_come_out_is_said(change, message):
    result = make_result()
    change(result)
    (sentence,) = build_report(result, camera_rate_hz=15.0)["failures"]
    assert message in sentence


def test_the_page_stands_alone_and_escapes_names():
    page = page_of(make_result())
    assert "&lt;car&gt;" in page
    assert "<car>" not in page
    assert "0.500" in page
    assert "<td>dusk</td><td>0.250</td>" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert page.count("<svg") == 2


def test_the_page_says_why_a_run_failed():
    result = make_result()
    no_masks(result)
    report = build_report(copy.deepcopy(result), 15.0)
    assert failures(report)[0] in page_of(result)


def test_without_adapters_the_page_and_the_terminal_say_so():
    assert "no adapters: &lt;nowhere&gt;: the base model ran alone" in page_of(make_result())
    assert adapter_line(NO_ADAPTERS) == "no adapters: <nowhere>: the base model ran alone"


def test_with_adapters_their_weights_and_worth_are_shown():
    page = page_of(make_result(), ADAPTERS)
    assert page.count("<svg") == 3
    assert page.count("<polygon") == 1
    assert "&lt;fog&gt;" in page and "<fog>" not in page
    assert "<td>dusk</td><td>0.500</td><td>0.250</td><td>+25.0</td>" in page
    assert "<td>fog</td><td>-</td><td>-</td><td>-</td>" in page
    line = adapter_line(ADAPTERS)
    assert line.startswith(
        "switches of adapters: 1; mIoU with selection on / off: all 0.500 / 0.25"
    )
    assert adapter_line({**ADAPTERS, "comparison": None}) == "switches of adapters: 1"
