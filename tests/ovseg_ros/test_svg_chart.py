"""Charts are well-formed SVG whose points lie where the data says."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from ovseg_ros.svg_chart import Chart, Series


def points(chart):
    svg = ElementTree.fromstring(chart.to_svg())
    return [
        (float(c.get("cx")), float(c.get("cy"))) for c in svg.iter() if c.tag.endswith("circle")
    ]


@pytest.mark.parametrize(
    ("xs", "ys", "log2", "shown"),
    [
        pytest.param([0, 1, 2], [0, 5, 10], False, 3, id="linear"),
        pytest.param([1, 2, 4, 64], [1, 2, 3, 4], True, 4, id="doubling"),
        pytest.param([0, 1, 2], [1, None, 2], False, 2, id="gap"),
        pytest.param([], [], False, 0, id="empty"),
        pytest.param([3], [0.0], False, 1, id="one-point-at-zero"),
    ],
)
def test_every_known_value_has_a_point_inside_the_chart(xs, ys, log2, shown):
    chart = Chart("x", "y", (Series("a", xs, ys),), log2_x=log2)
    found = points(chart)
    assert len(found) == shown
    assert all(0 <= x <= chart.width_px and 0 <= y <= chart.height_px for x, y in found)


def test_points_keep_order_and_proportion():
    (x0, y0), (x1, y1), (x2, y2) = points(Chart("x", "y", (Series("a", [0, 1, 2], [0, 5, 10]),)))
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert y0 > y2


def test_text_is_escaped():
    chart = Chart("<x>", "y", (Series("a&b", [0, 1], [0, 1]),), marks=((0.5, "<q>"),))
    assert re.search("&lt;x&gt;.*a&amp;b|a&amp;b.*&lt;x&gt;", chart.to_svg())
