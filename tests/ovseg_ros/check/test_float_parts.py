"""What of a graph stays in float, on a small one that has every part."""

from __future__ import annotations

import pytest

from ovseg_ros.check.float_parts import Flow, float_parts

LAYERS, PLUMBING = ("Conv", "MatMul"), ("Port",)
# name: (kind, sources)
GRAPH = {
    "image": ("Port", ()),
    "text_bank": ("Port", ()),
    "lora_a": ("Port", ()),
    "lora_b": ("Port", ()),
    "label_codes": ("Port", ()),
    "thresholds": ("Port", ()),
    "stem": ("Conv", ("image",)),
    "factors": ("MatMul", ("lora_a", "lora_b")),
    "changed weight": ("Add", ("factors",)),
    "adapted": ("Conv", ("stem", "changed weight")),
    "low rank": ("MatMul", ("stem", "lora_a")),
    "plain": ("Conv", ("adapted",)),
    "sum": ("Add", ("plain", "low rank")),
    "is absent": ("Equal", ("label_codes",)),
    "present": ("Not", ("is absent",)),
    "all scores": ("MatMul", ("sum", "text_bank")),
    "scores": ("Where", ("all scores", "present")),
    "smooth": ("Conv", ("scores",)),
    "best": ("ArgMax", ("smooth",)),
    "chosen": ("Gather", ("best", "label_codes")),
    "sure": ("Greater", ("smooth", "thresholds")),
    "mask": ("Where", ("chosen", "sure")),
    "pooled": ("ReduceMean", ("plain",)),
    "scene": ("MatMul", ("pooled",)),
}
FLOW = Flow(
    {name: kind for name, (kind, _) in GRAPH.items()},
    {name: sources for name, (_, sources) in GRAPH.items()},
    {name: name for name, (kind, _) in GRAPH.items() if kind == "Port"},
    {"mask": "mask", "confidence": "smooth", "embedding": "scene"},
)


@pytest.mark.parametrize(
    ("names", "why"),
    [
        ({"factors", "changed weight"}, "made of factors alone"),
        ({"adapted", "low rank"}, "layers that take what is made of factors"),
        ({"chosen", "sure", "mask"}, "bookkeeping on ids"),
        ({"is absent", "present", "scores"}, "taking out rows that are not there"),
        ({"pooled", "scene"}, "what only the embedding needs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stays(names: set[str], why: str) -> None:
    assert names <= float_parts(FLOW, LAYERS, PLUMBING), why


def test_the_rest_may_be_quantised() -> None:
    rest = set(GRAPH) - float_parts(FLOW, LAYERS, PLUMBING) - set(FLOW.inputs)
    assert rest == {"stem", "plain", "sum", "all scores", "smooth", "best"}


def test_a_graph_without_factors_has_no_adapted_layers() -> None:
    inputs = {name: at for name, at in FLOW.inputs.items() if not name.startswith("lora")}
    plain = Flow(FLOW.kinds, FLOW.sources, inputs, FLOW.outputs)
    assert "adapted" not in float_parts(plain, LAYERS, PLUMBING)
