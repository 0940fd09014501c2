"""Checks of parameter values that need no node."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("rclpy")

from ovseg_ros.nodes.parameters import PARAMETERS, ParameterError, Settings  # noqa: E402
from ovseg_ros.vocabulary import IdSpace  # noqa: E402

pytestmark = pytest.mark.ros
DEFAULTS = {parameter.name: parameter.default for parameter in PARAMETERS}


def test_defaults_are_valid() -> None:
    settings = Settings.from_values(DEFAULTS)
    assert settings.model_package == "tiny"
    assert settings.output_mask_encoding is IdSpace.MONO8
    assert settings.query_templates == (), "empty templates are left out"


@pytest.mark.parametrize(
    ("name", "value", "phrase"),
    [
        ("engine.threads", 1000, "from 0 to 256"),
        ("input.max_age_ms", float("nan"), "input.max_age_ms is nan"),
        ("input.transport", "RAW", "raw or compressed"),
        ("adapter.mode", "pinned", "~/set_adapter"),
        ("cameras", ["front", "2nd"], "the name '2nd'; a letter followed by"),
        ("cameras", ["a b"], "the name 'a b'"),
        ("cameras", ["a/b"], "the name 'a/b'"),
        ("cameras", ["a__b"], "single underscores"),
        ("cameras", ["rear", "front", "rear"], "rear more than once"),
        ("cameras", [f"camera_{n}" for n in range(17)], "17 names; at most 16"),
        ("batch.max_frames", -1, "from 0 to 16"),
    ],
)
def test_a_bad_value_is_refused(name: str, value: Any, phrase: str) -> None:
    with pytest.raises(ParameterError, match=phrase):
        Settings.from_values({**DEFAULTS, name: value})


def test_cameras_have_names_or_there_is_a_single_one() -> None:
    assert Settings.from_values(DEFAULTS).camera_names == ("",)
    named = Settings.from_values({**DEFAULTS, "cameras": ["front", "rear_2", ""]})
    assert named.camera_names == ("front", "rear_2")
