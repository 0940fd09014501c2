"""`ovseg-train`: the offline tools, each also runnable as `python -m ovseg_train.NAME`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

_TOOLS = {
    "world": "render simulated drives and the demo bag",
    "text": "train the small text tower and export it",
    "tiny": "train and export the embedded default model",
    "lora": "train an adapter for a domain",
    "domains": "adapters of many domains, and what they are worth",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Hand the command line to the tool it names; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print("usage: ovseg-train TOOL ...\n")
        print("\n".join(f"  {name:7} {what}" for name, what in _TOOLS.items()))
        return 0
    if words[0] not in _TOOLS:
        valid = ", ".join(_TOOLS)
        print(f"ovseg-train: no tool '{words[0]}'; the tools are {valid}", file=sys.stderr)
        return 2
    tool = importlib.import_module(f"ovseg_train.{words[0]}.__main__")
    code: int = tool.main(words[1:]) or 0
    return code
