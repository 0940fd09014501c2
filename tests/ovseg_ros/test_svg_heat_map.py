"""Every share has its cell, and names are escaped."""

import xml.etree.ElementTree as ElementTree

from ovseg_ros.svg_heat_map import HeatMap


def test_cells_say_their_share():
    svg = HeatMap("a", ["<day>", "fog"], ["day", "fog"], [[1.0, 0.0], [0.25, 0.75]]).to_svg()
    parts = list(ElementTree.fromstring(svg).iter())
    texts = [part.text for part in parts if part.tag.endswith("text")]
    assert {"<day>", "1.00", "0.25", "0.75"} <= set(texts)
    assert "0.00" not in texts
    fills = [part.get("fill") for part in parts if part.tag.endswith("rect")][1:]
    assert fills == ["rgb(11,110,153)", "rgb(255,255,255)", "rgb(194,219,230)", "rgb(72,146,178)"]
