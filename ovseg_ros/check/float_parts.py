"""What of a package's graph is not quantised, whichever library quantises it.

Layers whose weight depends on the LoRA factors, since one calibration cannot know the adapters to
come; everything computed from label codes and thresholds, which is bookkeeping on ids and would
come out as wrong ids; where rows that are not there are taken out, which no calibration sees; and
what only the scene embedding needs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

IMAGE = ("image",)
FACTORS = ("lora_a", "lora_b")
CODES, THRESHOLDS = ("label_codes",), ("thresholds",)
SCENE, PIXELS = ("embedding",), ("mask", "confidence")
# What compares codes: behind it is whether a row is there, and no longer an id.
COMPARISONS = ("Equal", "NotEqual")


@dataclass(frozen=True)
class Flow:
    """A graph as names: the kind of each node, and the nodes that each takes its operands from.

    `inputs` and `outputs` map the names of the graph's ports to the nodes at them.
    """

    kinds: Mapping[str, str]
    sources: Mapping[str, Sequence[str]]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    def downstream(self, ports: Sequence[str], until: Collection[str] = ()) -> set[str]:
        """Return the nodes that depend on one of the inputs `ports`, those at them included.

        What depends on one through a node of a kind in `until` only is left out.
        """
        users: dict[str, list[str]] = {}
        for name, sources in self.sources.items():
            for source in sources:
                if self.kinds[source] not in until:
                    users.setdefault(source, []).append(name)
        return _reached([self.inputs[port] for port in ports if port in self.inputs], users)

    def upstream(self, ports: Sequence[str]) -> set[str]:
        """Return the nodes that one of the outputs `ports` depends on, those at them included."""
        return _reached([self.outputs[port] for port in ports], self.sources)

    def readers(self, nodes: set[str]) -> set[str]:
        """Return the nodes that take an operand from one of `nodes`."""
        return {name for name, sources in self.sources.items() if not nodes.isdisjoint(sources)}


def float_parts(flow: Flow, layers: Sequence[str], plumbing: Sequence[str]) -> set[str]:
    """Return the names of the nodes of `flow` that are not to be quantised.

    `layers` are the kinds of nodes that have weights; `plumbing` those that compute nothing.
    """
    from_image = flow.downstream(IMAGE)
    adapted = flow.downstream(FACTORS) - from_image
    layer_nodes = {name for name, kind in flow.kinds.items() if kind in layers}
    kept = adapted | (flow.readers(adapted) & layer_nodes)
    kept |= flow.downstream(CODES, COMPARISONS) | flow.downstream(THRESHOLDS)
    present = flow.downstream(CODES) - from_image
    kept |= present | flow.readers(present)
    kept |= flow.upstream(SCENE) - flow.upstream(PIXELS)
    return {name for name in kept if flow.kinds[name] not in plumbing}


def _reached(start: Sequence[str], neighbours: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += neighbours.get(name, ())
    return seen
