"""A `tokenizer.json` as SigLIP's repositories have one, with a handful of pieces."""

from __future__ import annotations

from pathlib import Path

import tokenizers

from ovseg_ros.text.siglip_tokenizer import Vocabulary

_LETTERS = [f"▁{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
_WORDS = ["▁car", "▁traffic", "▁light", "▁road", "▁photo", "▁of"]
PIECES = [*_LETTERS, *_WORDS, *(piece[1:] for piece in _LETTERS), "▁"]


def write_siglip_tokenizer(path: Path, vocabulary: Vocabulary, start: bool = False) -> int:
    """Write the file and return its number of tokens.

    Special tokens are 0 to 3, then `PIECES`. With `start` its rules put a start token before a
    text and none behind it, as those of Gemma do; without, it has no rules.
    """
    special = ["<pad>", vocabulary.value, "<bos>", "<unk>"]
    pieces = [(name, 0.0) for name in special]
    pieces += [(piece, -1.0 if len(piece) > 2 else -5.0) for piece in PIECES]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=3))
    tokenizer.add_special_tokens(special)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    if start:
        tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", 2)]
        )
    path.write_text(tokenizer.to_str(), encoding="utf-8")
    return tokenizer.get_vocab_size()
