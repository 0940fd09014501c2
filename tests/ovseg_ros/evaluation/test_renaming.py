"""Asking for classes under other names."""

import pytest

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.renaming import read_alternatives, rounds_of

CONCEPTS = """
concepts:
  - {name: car, unseen: [motorcar, sedan], datasets: {city: passenger car}}
  - {name: road, unseen: [carriageway]}
  - {name: sky}
"""


def test_every_alternative_is_asked_for_at_least_once():
    rounds = rounds_of(("car", "sky", "road"), {"car": ["a", "b", "c"], "road": ["r", "s"]})
    assert rounds == (("a", "sky", "r"), ("b", "sky", "s"), ("c", "sky", "r"))


@pytest.mark.parametrize(
    ("text", "names", "wanted"),
    [
        pytest.param("car: automobile", ("car",), (("automobile",),), id="one-name"),
        pytest.param("car: [a, b]", ("car", "sky"), (("a", "sky"), ("b", "sky")), id="list"),
        pytest.param(CONCEPTS, ("passenger car",), (("motorcar",), ("sedan",)), id="by-dataset"),
        pytest.param(CONCEPTS, ("road", "sky"), (("carriageway", "sky"),), id="concepts"),
    ],
)
def test_files_give_rounds(tmp_path, text, names, wanted):
    path = tmp_path / "names.yaml"
    path.write_text(text)
    assert rounds_of(names, read_alternatives(path)) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("- car", "must map", id="a-list"),
        pytest.param("car: [", "as YAML", id="broken"),
        pytest.param("tree: [oak]", "none of the classes car", id="nothing-to-replace"),
    ],
)
def test_files_that_replace_nothing_are_refused(tmp_path, text, message):
    path = tmp_path / "names.yaml"
    path.write_text(text)
    with pytest.raises(OvsegError, match=message):
        rounds_of(("car",), read_alternatives(path))
