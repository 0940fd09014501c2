"""The key of an engine: what it consists of, and how two of them differ."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import stored_engines as engines

from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.key import key_from_json
from ovseg_ros.packages import ModelPackage


@pytest.fixture(scope="module")
def key(tiny_package: Path):
    return engines.key(ModelPackage.load(tiny_package))


CHANGES = [
    ({"library": "tensorrt_rtx"}, "library: tensorrt_rtx was found, tensorrt was wanted"),
    ({"library_version": "10.3.0"}, "library version: 10.3.0 was found, 11.4.0 was wanted"),
    ({"platform": "linux-other"}, "platform: linux-other was found"),
    ({"target": "Thor (11.0)"}, r"GPU: Thor \(11.0\) was found, Orin \(8.7\) was wanted"),
    ({"graph_sha256": "0" * 64}, "graph: 0{64} was found, [0-9a-f]{64} was wanted"),
    ({"precision": "int8"}, "precision: int8 was found, fp16 was wanted"),
    (
        {"profile": EngineProfile((320, 240), (8, 32), (16,))},
        "camera: 320x240 was found, 640x480 was wanted",
    ),
    (
        {"profile": EngineProfile((640, 480), (8,), (16,))},
        "labels: 8 was found, 8,32 was wanted",
    ),
    (
        {"profile": EngineProfile((640, 480), (8, 32), (4, 16))},
        "ranks: 4,16 was found, 16 was wanted",
    ),
]


@pytest.mark.parametrize(("changes", "words"), CHANGES)
def test_whatever_differs_is_another_key_and_is_named(key, changes, words) -> None:
    other = replace(key, **changes)
    assert other.digest != key.digest
    (difference,) = key.differences(other)
    assert re.match(words, difference), difference


def test_the_same_key_comes_back_from_json(key) -> None:
    again = key_from_json(json.loads(json.dumps(key.as_json())))
    assert again == key and again.digest == key.digest
    assert key.differences(again) == ()
    assert len(key.digest) == 64 and key.digest[:12] in str(key)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("library", 3),
        ("target", None),
        ("camera_px", "640x480"),
        ("camera_px", [640]),
        ("label_buckets", [8, "32"]),
        ("rank_buckets", [True]),
    ],
)
def test_a_key_of_wrong_kinds_is_refused(key, name: str, value: object) -> None:
    with pytest.raises(ValueError):
        key_from_json({**key.as_json(), name: value})
