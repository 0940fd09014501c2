"""Stacked shares lie where the data says, one on top of the other."""

import xml.etree.ElementTree as ElementTree

import pytest

from ovseg_ros.svg_timeline import Area, Span, Timeline


def make(**changes):
    fields = {
        "steps_s": [0.0, 5.0],
        "end_s": 10.0,
        "areas": (Area("fog", [0.25, 0.5]), Area("night", [0.25, 0.0])),
        "spans": (Span("day", 0.0, 5.0), Span("<fog>", 5.0, 10.0)),
        "rest": "base model",
    }
    return Timeline(**{**fields, **changes})


def elements(timeline, tag):
    svg = ElementTree.fromstring(timeline.to_svg())
    return [element for element in svg.iter() if element.tag.endswith(tag)]


def corners(polygon):
    return [tuple(map(float, pair.split(","))) for pair in polygon.get("points").split()]


def test_areas_are_steps_on_top_of_each_other():
    fog, night = (corners(polygon) for polygon in elements(make(), "polygon"))
    assert len(fog) == len(night) == 8
    top_of_fog, floor_of_night = fog[:4], list(reversed(night[4:]))
    assert floor_of_night == top_of_fog
    (x0, y0), (x1, y1), (x2, y2), (x3, _) = top_of_fog
    assert (y0, x1) == (y1, x2), "a share stays until the next step, and then jumps"
    assert x1 - x0 == pytest.approx(x3 - x2, abs=0.2)
    ground = fog[-1][1]
    assert ground - y2 == pytest.approx(2 * (ground - y1), abs=0.2)
    assert night[2][1] == pytest.approx(y2, abs=0.1), "nothing left of it"


def test_spans_are_named_side_by_side_and_text_is_escaped():
    timeline = make()
    first, second = [r for r in elements(timeline, "rect") if r.get("x")]
    assert float(first.get("x")) + float(first.get("width")) == pytest.approx(
        float(second.get("x")), abs=0.2
    )
    assert "&lt;fog&gt;" in timeline.to_svg()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"steps_s": [], "areas": (), "spans": ()}, id="nothing"),
        pytest.param({"end_s": 0.0, "spans": ()}, id="no-time"),
        pytest.param({"steps_s": [0.0, 99.0]}, id="beyond-the-end"),
    ],
)
def test_everything_is_inside_the_picture(changes):
    timeline = make(**changes)
    for polygon in elements(timeline, "polygon"):
        for x, y in corners(polygon):
            assert 0 <= x <= timeline.width_px and 0 <= y <= timeline.height_px
