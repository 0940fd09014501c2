"""Names for cameras that are known by their topics."""

import pytest

from ovseg_ros.camera_names import is_camera_name, names_of_topics


@pytest.mark.parametrize(
    ("topics", "names"),
    [
        pytest.param(["/front", "/rear"], ["front", "rear"], id="short"),
        pytest.param(["/front/color/image_raw"], ["front_color_image_raw"], id="long"),
        pytest.param(["/a/b", "/a_b", "/a__b"], ["a_b", "a_b_2", "a_b_3"], id="alike"),
        pytest.param(["/a_b_2", "/a/b", "/a_b"], ["a_b_2", "a_b", "a_b_3"], id="number-taken"),
        pytest.param(["/360/image", "/_/"], ["camera_360_image", "camera"], id="no-letter-first"),
        pytest.param(["/k\u00e4mera"], ["k_mera"], id="not-ascii"),
        pytest.param([f"/{'x' * 59}/{end}" for end in "ab"], ["x" * 59, "x" * 59 + "_2"], id="cut"),
    ],
)
def test_each_topic_gets_a_name_of_its_own(topics, names):
    assert names_of_topics(topics) == dict(zip(topics, names, strict=True))
    assert all(is_camera_name(name) for name in names)
