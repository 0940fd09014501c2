"""The rendered set: folder layout, looks, resuming, refusing to mix plans."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ovseg_train.world.__main__ import main
from ovseg_train.world.dataset import LOOK_SHARES, RenderPlan, look_of, render_set
from ovseg_train.world.looks import USUAL_LOOKS, Look
from ovseg_train.world.nouns import NOUNS

PLAN = RenderPlan(
    train_scenes=1, train_frames=2, val_scenes=1, val_frames=1, size_px=(96, 72), seed=8
)


def test_looks_come_in_their_shares() -> None:
    drawn = [look_of(index, USUAL_LOOKS) for index in range(400)]
    for look in USUAL_LOOKS:
        assert drawn.count(look) / 400 == pytest.approx(LOOK_SHARES[look], abs=0.02)
    assert {look_of(index, [Look.FOG, Look.NIGHT]) for index in range(20)} == {
        Look.FOG,
        Look.NIGHT,
    }


@pytest.fixture(scope="module")
def rendered(rendering: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world")
    render_set(PLAN, out)
    return out


@pytest.mark.world
def test_the_layout_is_that_of_the_labelled_sets(rendered: Path) -> None:
    classes = json.loads((rendered / "classes.json").read_text())
    items = json.loads((rendered / "items.json").read_text())
    assert [c["name"] for c in classes["classes"]] == list(NOUNS)
    assert classes["ignore_id"] == 255
    assert [item["split"] for item in items.values()] == ["train", "train", "val"]
    assert len({item["sequence"] for item in items.values()}) == 2
    counts = np.zeros(256, int)
    for name, item in items.items():
        label = Image.open(rendered / "labels" / f"{name}.png")
        image = Image.open(rendered / "images" / f"{name}.jpg")
        assert (label.mode, label.size, image.size) == ("L", (96, 72), (96, 72))
        assert item["domain"] in {look.value for look in Look}
        counts += np.bincount(np.asarray(label).ravel(), minlength=256)
    assert counts[30:].sum() == 0
    assert [c["pixels"] for c in classes["classes"]] == counts[:30].tolist()


@pytest.mark.world
def test_a_second_run_keeps_finished_scenes_and_repeats_lost_ones(rendered: Path) -> None:
    kept = rendered / "images" / "val0008_0000_000.jpg"
    lost = rendered / "images" / "train0008_0000_001.jpg"
    before, kept_time = lost.read_bytes(), kept.stat().st_mtime_ns
    lost.unlink()
    (rendered / "scenes" / "train0008_0000.json").unlink()
    render_set(PLAN, rendered)
    assert lost.read_bytes() == before
    assert kept.stat().st_mtime_ns == kept_time
    assert not list(rendered.rglob("*.partial")) + list(rendered.rglob(".*"))


@pytest.mark.world
def test_another_plan_is_refused_in_the_same_folder(rendered: Path) -> None:
    with pytest.raises(ValueError, match="another --out"):
        render_set(replace(PLAN, size_px=(64, 48)), rendered)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["render", "--out", "x", "--size", "480"], "WIDTHxHEIGHT"),
        (["render", "--out", "x", "--looks", "noon"], "valid looks: day, dusk, fog, night"),
    ],
)
def test_wrong_options_say_what_is_right(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert message in capsys.readouterr().err
