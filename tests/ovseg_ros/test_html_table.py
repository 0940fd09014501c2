"""Tables of the pages: everything is escaped, numbers can be sorted by."""

import pytest

from ovseg_ros.html_table import Cell, table


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        pytest.param("a <b> & c", "<td>a &lt;b&gt; &amp; c</td>", id="text"),
        pytest.param(Cell("<i>"), "<td>&lt;i&gt;</td>", id="cell"),
        pytest.param(Cell("0.5", 0.5), '<td class="number" data-value="0.5">0.5</td>', id="number"),
        pytest.param(
            Cell("+1", 1.0, classes="good"),
            '<td class="good number" data-value="1">+1</td>',
            id="classes",
        ),
        pytest.param(Cell("x", share=1.7), '<td style="--share:100.0%">x</td>', id="bar"),
        pytest.param(Cell("x", link='"y'), '<td><a href="#&quot;y">x</a></td>', id="link"),
    ],
)
def test_cell(cell, wanted):
    assert f"<tbody><tr>{wanted}</tr></tbody>" in table(("head",), [(cell,)])


def test_heads_stand_over_their_numbers_and_rows_take_attributes():
    found = table(("<a>", "b"), [("x", Cell("1", 1.0))], "wide", [' data-x="y"'])
    assert found.startswith('<table class="wide"><thead><tr><th>&lt;a&gt;</th><th class=number>b')
    assert '<tr data-x="y">' in found


def test_table_without_rows_has_a_head():
    assert table(("a", "b"), ()).count("<th>") == 2
