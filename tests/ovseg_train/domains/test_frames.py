"""Frames to learn from and frames to measure on never meet, whichever way a domain is cut."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_train.domains.domain import (  # noqa: E402
    Cut,
    Domain,
    DomainFrames,
    load_domains,
    open_domain,
)
from ovseg_train.domains.dusk import MOST_FRAMES, SEQUENCE, DuskDrive  # noqa: E402
from ovseg_train.lora.frames import choose_numbers  # noqa: E402


def write_set(folder: Path, items: dict[str, dict[str, str]]) -> None:
    """Write a set of grey images of 8x6 px."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    classes = [{"id": 0, "name": "road"}, {"id": 1, "name": "sky"}]
    (folder / "classes.json").write_text(json.dumps({"classes": classes}))
    (folder / "items.json").write_text(json.dumps(items))
    for name in items:
        for part, ending in (("images", "jpg"), ("labels", "png")):
            Image.fromarray(np.zeros((6, 8), np.uint8)).save(folder / part / f"{name}.{ending}")


def names(frames: DomainFrames) -> tuple[list[str], list[str]]:
    learn, evaluate = (
        [item.image.stem for item in part.items] for part in (frames.learn, frames.evaluate)
    )
    return learn, evaluate


def domain(cut: Cut, evaluate_frames: int = 0) -> Domain:
    return Domain(
        "fog", "made_up", cut, "fog", True, {"embedded": "nothing"}, evaluate_frames, "--looks fog"
    )


def test_the_domains_of_the_project_are_read() -> None:
    domains = {entry.name: entry for entry in load_domains()}
    assert {"camvid_dusk", "india_day", "fog", "night", "rain", "yards"} <= domains.keys()
    assert domains["rain"].synthetic
    assert domains["rain"].title == "rain (synthetic)"
    assert not domains["camvid_dusk"].synthetic


def test_a_malformed_entry_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "domains.yaml"
    path.write_text("domains:\n  fog: {folder: x, cut: halves}\n")
    with pytest.raises(OvsegError, match="malformed entry"):
        load_domains(path)


def test_splits_are_those_of_the_set(tmp_path: Path) -> None:
    write_set(
        tmp_path / "made_up",
        {
            "a": {"split": "train", "domain": "fog", "sequence": "1"},
            "b": {"split": "val", "domain": "fog", "sequence": "2"},
            "c": {"split": "train", "domain": "day", "sequence": "1"},
        },
    )
    assert names(open_domain(domain(Cut.SPLITS), [tmp_path])) == (["a"], ["b"])


def test_the_last_sequences_are_evaluated_on_whole(tmp_path: Path) -> None:
    items = {
        f"s{sequence:02}_{number}": {"domain": "fog", "sequence": str(sequence)}
        for sequence in (2, 9, 10, 11)
        for number in range(3)
    }
    write_set(tmp_path / "made_up", items)
    learn, evaluate = names(open_domain(domain(Cut.SEQUENCES, 4), [tmp_path]))
    assert {name[:3] for name in evaluate} == {"s10", "s11"}
    assert {name[:3] for name in learn} == {"s02", "s09"}
    with pytest.raises(OvsegError, match="none are left to learn from"):
        open_domain(domain(Cut.SEQUENCES, 12), [tmp_path])


def test_a_set_that_is_missing_says_how_to_render_it(tmp_path: Path) -> None:
    with pytest.raises(OvsegError, match=r"world render --scenes 12 .* --looks fog --out "):
        open_domain(domain(Cut.SPLITS), [tmp_path])


def test_the_dusk_drive_is_cut_apart_from_what_defaults_were_chosen_on(tmp_path: Path) -> None:
    camvid = tmp_path / "camvid"
    stems = [f"{SEQUENCE}_{number:03}" for number in range(62)]
    facts = {"split": "train", "domain": "dusk", "sequence": SEQUENCE}
    write_set(camvid, dict.fromkeys(stems, facts))
    drive = DuskDrive.of(camvid)
    learn, measure = ({f.image.stem for f in part.items} for part in (drive.learn, drive.measure))
    assert len(learn) == MOST_FRAMES
    assert learn | measure == set(stems)
    assert not learn & measure
    assert not {stems[number] for number in choose_numbers(62, 16, 0, "")} & measure
    few = [{f.image.stem for f in drive.few(4, seed).items} for seed in range(3)]
    assert all(len(chosen) == 4 and chosen <= learn for chosen in few)
    assert few[0] != few[1]


def test_a_shorter_dusk_drive_is_refused(tmp_path: Path) -> None:
    facts = {"split": "train", "domain": "dusk", "sequence": SEQUENCE}
    write_set(tmp_path / "camvid", {f"f{number}": facts for number in range(3)})
    with pytest.raises(OvsegError, match="3 frames of the dusk drive"):
        DuskDrive.of(tmp_path / "camvid")
