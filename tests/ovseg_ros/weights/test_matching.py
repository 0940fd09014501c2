"""Every difference between a checkpoint and a network is told, none is guessed away."""

from pathlib import Path

import pytest

from ovseg_ros.errors import WeightsError
from ovseg_ros.weights.matching import match_state_dict

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

FILE = Path("model_base.pth")
WANTED = {f"blocks.{i}.{p}": (4, 4) for i in range(12) for p in ("q", "v")} | {"scale": ()}


def tensors(shapes):
    return {key: torch.zeros(shape) for key, shape in shapes.items()}


def refusal(found, wanted=WANTED, **options):
    with pytest.raises(WeightsError) as error:
        match_state_dict(found, wanted, FILE, **options)
    return str(error.value)


def test_a_fitting_checkpoint_comes_back_in_the_order_of_the_network():
    found = tensors(WANTED)
    matched = match_state_dict(dict(reversed(found.items())), WANTED, FILE)
    assert list(matched) == list(WANTED)
    assert all(matched[key] is found[key] for key in WANTED)


def test_extras_are_left_out_only_where_the_caller_names_them():
    found = tensors(WANTED | {"resolution": ()})
    assert list(match_state_dict(found, WANTED, FILE, harmless=["resolution"])) == list(WANTED)
    assert "not part of the network (1):\n    resolution" in refusal(found)
    assert "resolution" in refusal(found, harmless=["resolutio"])


def test_all_differences_are_in_one_message():
    found = tensors({key: shape for key, shape in WANTED.items() if not key.endswith(".q")})
    found |= tensors({f"old.{i}.q": (4, 4) for i in (0, 1, 2, 7)} | {"head": (9,)})
    found |= tensors({f"blocks.{i}.v": (8, 4) for i in range(12)} | {"scale": (1,)})
    assert refusal(found).splitlines()[1:] == [
        "  missing (12):",
        "    blocks.{0-11}.q",
        "  not part of the network (5):",
        "    old.{0-2,7}.q",
        "    head",
        "  of another shape (13):",
        "    scale: [1] was found, [] was wanted",
        "    blocks.{0-11}.v: [8, 4] was found, [4, 4] was wanted",
    ]
    assert refusal(found).startswith(
        "model_base.pth does not fit the network, which has 25 tensors"
    )


def test_weights_in_integers_are_refused_with_their_type():
    found = tensors(WANTED) | {f"blocks.{i}.q": torch.ones(4, 4).char() for i in range(12)}
    assert refusal(found | {"scale": torch.tensor(2)}).splitlines()[1:] == [
        "  not floating point (13):",
        "    scale: int64 was found, float32 was wanted",
        "    blocks.{0-11}.q: int8 was found, float32 was wanted",
    ]


def test_a_prefix_is_not_guessed_away():
    text = refusal(tensors({f"module.{key}": shape for key, shape in WANTED.items()}))
    assert "missing (25)" in text
    assert "not part of the network (25)" in text


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        (["a.0.0.w", "a.0.1.w", "a.1.0.w", "a.1.1.w"], ["a.{0-1}.{0-1}.w"]),
        (["a.0.0.w", "a.0.1.w", "a.1.0.w"], ["a.0.{0-1}.w", "a.1.0.w"]),
        (["a.0.w", "b.0.w"], ["a.0.w", "b.0.w"]),
        (["a.01.w", "a.1.w"], ["a.01.w", "a.1.w"]),
        (["fc1.w", "fc2.w"], ["fc1.w", "fc2.w"]),
    ],
)
def test_names_are_merged_only_where_nothing_is_lost_or_added(keys, lines):
    text = refusal({}, dict.fromkeys(keys, (1,)))
    assert text.splitlines()[2:] == [f"    {line}" for line in lines]


def test_very_many_differences_are_cut_with_a_count():
    text = refusal({}, {f"layer_{i}": (1,) for i in range(260)})
    assert "missing (260)" in text
    assert text.splitlines()[-1] == "    ... and 60 more lines"
    assert len(text.splitlines()) == 203
