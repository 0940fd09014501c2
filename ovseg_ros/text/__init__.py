"""Text side of the runtime: labels in words become vectors. No torch here."""

from ovseg_ros.text.bank import TextBank
from ovseg_ros.text.names import NameSource, TrainedNames
from ovseg_ros.text.tokenizer import Tokenizer, TokenizerConfig, normalize
from ovseg_ros.text.tower import TextTower

__all__ = [
    "NameSource",
    "TextBank",
    "TextTower",
    "Tokenizer",
    "TokenizerConfig",
    "TrainedNames",
    "normalize",
]
