"""Which frames are chosen and held out, and what views are made of them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from PIL import Image  # noqa: E402

from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_train.lora.frames import (  # noqa: E402
    Choice,
    Frame,
    FrameSet,
    choose_files,
    choose_numbers,
    hold_out,
    read_frames,
)
from ovseg_train.lora.recipe import load_recipe  # noqa: E402
from ovseg_train.lora.views import ViewStore  # noqa: E402


class Echo:
    """A network that is frozen as a whole: it keeps the pixels."""

    target_px = (32, 48)

    def freeze(self, pixels: torch.Tensor) -> tuple[torch.Tensor]:
        return (torch.nn.functional.interpolate(pixels, self.target_px, mode="area"),)


@pytest.fixture
def frames(folder: Path) -> FrameSet:
    choice = Choice(domain="dusk")
    return read_frames(choose_files(folder, choice)[0], choice)


def test_frames_are_spread_and_the_seed_says_which() -> None:
    chosen = [choose_numbers(62, 16, seed, "it") for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == 16 and chosen[0] == sorted(chosen[0])
    assert max(np.diff(chosen[0])) <= 8
    assert choose_numbers(5, None, 0, "it") == choose_numbers(5, 5, 0, "it") == [0, 1, 2, 3, 4]


def test_what_is_chosen_and_what_is_left_make_up_the_domain(folder: Path) -> None:
    chosen, rest = choose_files(folder, Choice(domain="dusk", frames=4, seed=2))
    names = [item.image.stem for item in (*chosen.items, *rest.items)]
    assert len(chosen.items) == 4 and len(set(names)) == 12
    assert all(name.startswith("dusk") for name in names)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (Choice(domain="fog"), "domain 'fog'.*domains day, dusk"),
        (Choice(sequence="s9"), "sequence 's9'.*sequences s1, s2"),
        (Choice(split="test"), "split 'test'.*splits train"),
        (Choice(domain="dusk", frames=13), "13 frames were asked for, but .* has 12"),
    ],
)
def test_an_empty_choice_is_refused(folder: Path, choice: Choice, sentence: str) -> None:
    with pytest.raises(OvsegError, match=sentence):
        choose_files(folder, choice)


def test_labels_become_indices_of_the_classes(frames: FrameSet) -> None:
    assert frames.class_names == ("sky", "road", "car")
    assert set(np.unique(frames.frames[0].classes)) == {0, 1, 2, 255}
    assert frames.class_pixels().min() > 0
    assert frames.origin["frames"][0] == "dusk_000"


def without_labels(folder: Path) -> None:
    (folder / "labels" / "dusk_003.png").unlink()


def without_names(folder: Path) -> None:
    (folder / "classes.json").write_text(json.dumps({"classes": [{"id": 3}]}))


def nothing_labelled(folder: Path) -> None:
    for path in (folder / "labels").iterdir():
        Image.fromarray(np.full((64, 96), 255, np.uint8)).save(path)


def of_another_size(folder: Path) -> None:
    Image.fromarray(np.full((32, 96), 3, np.uint8)).save(folder / "labels" / "dusk_003.png")


def with_unknown_id(folder: Path) -> None:
    Image.fromarray(np.full((64, 96), 4, np.uint8)).save(folder / "labels" / "dusk_003.png")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (without_labels, "dusk_003.png has no ground truth at"),
        (without_names, 'must hold {"classes"'),
        (nothing_labelled, "not one pixel of the 12 images"),
        (of_another_size, "labels are 96x32 px; both must have the same size"),
        (with_unknown_id, "holds id 4, which has no name"),
    ],
)
def test_a_folder_that_cannot_be_learnt_from_is_refused(
    folder: Path, tmp_path: Path, spoil, sentence: str
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    spoil(copy)
    choice = Choice(domain="dusk")
    with pytest.raises(OvsegError, match=sentence):
        read_frames(choose_files(copy, choice)[0], choice)


def test_few_frames_are_all_trained_on(frames: FrameSet) -> None:
    few, held = hold_out(frames.part(range(8)), 0.25, 9, 0)
    assert (len(few.frames), len(held.frames)) == (8, 0)
    most, held = hold_out(frames, 0.25, 9, 0)
    assert (len(most.frames), len(held.frames)) == (9, 3)
    assert not {f.name for f in most.frames} & {f.name for f in held.frames}


def test_views_repeat_with_the_seed_and_keep_labels_on_their_pixels(frames: FrameSet) -> None:
    recipe = load_recipe("other")
    one, two, other = (ViewStore(frames, Echo(), recipe, seed) for seed in (1, 1, 2))
    for number in range(recipe.views):
        view, same = one.view(4, number), two.view(4, number)
        assert torch.equal(view.frozen[0], same.frozen[0])
        assert torch.equal(view.classes, same.classes)
        assert set(view.classes.unique().tolist()) <= {0, 1, 2, 255}
        red = view.frozen[0][0, 0] - view.frozen[0][0, 2]
        # Cars are red: well inside and outside of them labels and pixels must agree.
        assert ((red > 80) & (view.classes[0] == 2)).sum() > 0.6 * (view.classes[0] == 2).sum()
        assert not ((red > 80) & (view.classes[0] == 0)).any()
    assert not torch.equal(one.view(4, 1).frozen[0], other.view(4, 1).frozen[0])
    whole = torch.from_numpy(frames.frames[4].image.transpose(2, 0, 1).copy())[None].float()
    assert torch.equal(one.view(4, 0).frozen[0], Echo().freeze(whole)[0])


def test_without_room_views_are_made_again(frames: FrameSet) -> None:
    tight = ViewStore(frames, Echo(), replace(load_recipe("other"), kept_mib=0), 1)
    roomy = ViewStore(frames, Echo(), load_recipe("other"), 1)
    assert tight.view(2, 1) is not tight.view(2, 1)
    assert roomy.view(2, 1) is roomy.view(2, 1)
    assert torch.equal(tight.view(2, 1).frozen[0], roomy.view(2, 1).frozen[0])


def test_frames_without_labels_are_not_drawn(frames: FrameSet) -> None:
    blank = replace(frames.frames[0], classes=np.full((64, 96), 255, np.uint8))
    mostly = FrameSet(frames.class_names, (blank, blank, frames.frames[1]), {})
    store = ViewStore(mostly, Echo(), load_recipe("other"), 0)
    drawn = store.draw(torch.Generator().manual_seed(0), 8)
    assert all((classes != 255).any() for classes in drawn.classes)


def test_whole_sequences_are_held_out_where_there_are_enough() -> None:
    frames = [
        Frame(
            f"{number}",
            np.zeros((2, 2, 3), np.uint8),
            np.zeros((2, 2), np.uint8),
            f"s{number // 6}",
        )
        for number in range(30)
    ]
    everything = FrameSet(("road",), tuple(frames), {})
    learn, held = hold_out(everything, 0.2, 25, seed=3)
    assert (len(learn.frames), len(held.frames)) == (24, 6)
    assert not {f.sequence for f in learn.frames} & {f.sequence for f in held.frames}
    _, spread = hold_out(everything.part(range(24)), 0.25, 10, seed=3)
    assert len({f.sequence for f in spread.frames}) == 1
    _, spread = hold_out(everything.part(range(18)), 0.25, 10, seed=3)
    assert len({f.sequence for f in spread.frames}) > 1
