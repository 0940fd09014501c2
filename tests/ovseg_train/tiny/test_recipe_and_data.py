"""The recipe, the data it reads and the batches it draws: nothing silent, everything repeatable."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_train.tiny.augment import augment  # noqa: E402
from ovseg_train.tiny.losses import class_weights, group_loss  # noqa: E402
from ovseg_train.tiny.recipe import RECIPE_FILE, load_recipe  # noqa: E402
from ovseg_train.tiny.training_set import TrainingSet  # noqa: E402


def write_folder(folder: Path, domains: list[str]) -> Path:
    rng = np.random.default_rng(0)
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    items = {}
    for index, domain in enumerate(domains):
        stem = f"frame_{index}"
        picture = rng.integers(0, 256, (72, 96, 3), dtype=np.uint8)
        label = rng.integers(0, 3, (72, 96), dtype=np.uint8)
        label[:5] = 255
        Image.fromarray(picture).save(folder / "images" / f"{stem}.jpg")
        Image.fromarray(label).save(folder / "labels" / f"{stem}.png")
        items[stem] = {"split": "train", "sequence": "s", "domain": domain}
    classes = [{"id": i, "name": n} for i, n in enumerate(["sky", "road", "car"])]
    (folder / "classes.json").write_text(json.dumps({"ignore_id": 255, "classes": classes}))
    (folder / "items.json").write_text(json.dumps(items))
    return folder


def test_a_domain_can_be_left_out(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "set", ["day", "dusk", "day"])
    read = TrainingSet.read(folder, "set", "train", ["dusk"])
    assert len(read) == 2
    assert read.class_names == ("sky", "road", "car")
    assert read.class_pixels.sum() == 2 * 67 * 96


@pytest.mark.parametrize("split", ["test", "val"])
def test_an_empty_selection_is_refused(tmp_path: Path, split: str) -> None:
    folder = write_folder(tmp_path / "set", ["day"])
    with pytest.raises(OvsegError, match="no image of split"):
        TrainingSet.read(folder, "set", split)


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OvsegError, match="cannot be read"):
        TrainingSet.read(tmp_path, "set", "train")


def test_the_dusk_drive_stays_out_of_the_recipe() -> None:
    camvid = next(d for d in load_recipe().datasets if d.name == "camvid")
    assert camvid.exclude_domains == ["dusk"]


@pytest.mark.parametrize(
    ("old", "new"), [("seed: 7", "sede: 7"), ("batch: 1}", "batch: 1, size: 2}")]
)
def test_a_misspelt_recipe_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE_FILE.read_text().replace(old, new))
    with pytest.raises(OvsegError, match="missing or unknown"):
        load_recipe(path)


def test_crops_repeat_with_the_seed_and_keep_the_label_ids(tmp_path: Path) -> None:
    folder = TrainingSet.read(write_folder(tmp_path / "set", ["day"]), "set", "train")

    def crop(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        return augment(folder.images[0], folder.labels[0], load_recipe(), (352, 480), generator)

    pixels, classes = crop(1)
    assert pixels.shape == (3, 288, 384) and classes.shape == (144, 192)
    assert float(pixels.min()) >= -1 and float(pixels.max()) <= 1.01
    assert set(classes.unique().tolist()) <= {0, 1, 2, 255}
    assert torch.equal(crop(1)[0], pixels)
    assert not torch.equal(crop(2)[0], pixels)


def test_rare_classes_weigh_more() -> None:
    weights = class_weights(np.array([1000, 100, 10]), load_recipe().loss)
    assert weights[0] < weights[1] < weights[2]


def test_the_loss_rewards_the_right_label_and_ignores_unknown_pixels() -> None:
    classes = torch.full((1, 16, 16), 255)
    classes[:, :8] = 4
    rows = torch.full((256,), 255)
    rows[4] = 0
    weights, recipe = torch.ones(256), load_recipe().loss

    def loss(first: float, second: float, below: float) -> float:
        logits = torch.tensor([first, second])[None, :, None, None].repeat(1, 1, 8, 8)
        logits[:, :, 5:] = below
        return float(group_loss(logits, logits[:, :, ::2, ::2], classes, rows, weights, recipe))

    assert loss(4, -4, 0) < loss(0, 0, 0) < loss(-4, 4, 0)
    assert loss(4, -4, 0) == pytest.approx(loss(4, -4, 9), rel=0.02)
