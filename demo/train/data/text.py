"""Captions to rows of the text encoder's small embedding table, varied so that it is robust to other prompts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ...networks import END, START, TEXT

UNKNOWN = 0  # row that stands for every token the captions never use
CAPACITY = 1536  # rows of the table; far more than the captions need
LENGTH = TEXT["max_position_embeddings"]

# Phrases of the lecture's prompts that show little or nothing. Captions have some of them in one place only; put into
# others too, they do not stand for that place, and "lean against the wall, meadows" gives meadows.
FILLERS = (
    "lean against the wall",
    "lean against the wall",
    "oversized jogger pants",
    "cinematic composition",
    "best lighting",
    "standing",
    "solo",
)


class Vocabulary:
    """Maps CLIP token ids to rows, in the order in which they are first met. `tokens[i]` is the id of row i + 1."""

    def __init__(self, tokenizer_folder: Path, tokens: list[int] | None = None) -> None:
        from transformers import CLIPTokenizer

        self._tokenizer = CLIPTokenizer.from_pretrained(str(tokenizer_folder))
        self.tokens: list[int] = []
        self._rows: dict[int, int] = {}
        self._known: dict[str, list[int]] = {}
        for token in tokens or [START, END]:
            self._row(token, grow=True)

    def _row(self, token: int, *, grow: bool) -> int:
        row = self._rows.get(token, UNKNOWN)
        if row == UNKNOWN and grow and len(self.tokens) + 1 < CAPACITY:
            self.tokens.append(token)
            row = self._rows[token] = len(self.tokens)
        return row

    def words(self, caption: str, *, grow: bool = False) -> list[int]:
        """Rows of a caption, no start, end or padding. ComfyUI strips brackets of emphasis, so they go here too."""
        if caption not in self._known:
            ids = self._tokenizer(caption.replace("(", "").replace(")", ""), add_special_tokens=False)["input_ids"]
            self._known[caption] = [self._row(token, grow=grow) for token in ids]
        return self._known[caption]

    def learn(self, captions: list[str]) -> None:
        """Give every token of `captions` a row."""
        for caption in captions:
            self.words(caption, grow=True)

    def padded(self, words: list[int]) -> list[int]:
        """Start, words, end, and ends up to 77, as ComfyUI's SD 1.x tokenizer does."""
        end = self._rows[END]
        row = [self._rows[START], *words[: LENGTH - 2], end]
        return row + [end] * (LENGTH - len(row))

    def batch(self, captions: list[str]) -> torch.Tensor:
        """Rows of unchanged captions, int64 [B, 77]."""
        return torch.tensor([self.padded(self.words(caption)) for caption in captions])

    def varied(self, captions: list[str], rng: np.random.Generator, empty: float) -> torch.Tensor:
        """Rows of captions changed at random, int64 [B, 77].

        A share `empty` becomes the empty prompt (for classifier-free guidance). Of the others some lose or reorder
        phrases, and some get unknown tokens in place of words or, in runs, between them: whatever a user writes beyond
        the taught words reaches the model as that token, so it must learn to look past it.
        """
        return torch.tensor([self.padded([] if rng.random() < empty else self._varied(c, rng)) for c in captions])

    def _varied(self, caption: str, rng: np.random.Generator) -> list[int]:
        phrases = caption.split(", ")
        if rng.random() < 0.15:
            rest = [phrase for phrase in phrases if rng.random() < 0.7]
            phrases = rest or phrases
        if rng.random() < 0.1:
            phrases = [phrases[i] for i in rng.permutation(len(phrases))]
        if rng.random() < 0.2:
            phrases = list(phrases)
            phrases.insert(int(rng.integers(1, len(phrases) + 1)), FILLERS[rng.integers(len(FILLERS))])
        words = list(self.words(", ".join(phrases)))
        if rng.random() < 0.05:
            words = [UNKNOWN if rng.random() < 0.15 else row for row in words]
        if rng.random() < 0.1:
            for _ in range(rng.integers(1, 4)):
                place = int(rng.integers(len(words) + 1))
                words[place:place] = [UNKNOWN] * int(rng.geometric(0.3))
        return words
