"""The words that a text encoder was taught, where it says so: that of the embedded model does."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

SHOWN = 12  # words of a note


def find_unknown(clip: Any, text: str) -> list[str]:
    """The words of a prompt that mean nothing to a CLIP, in their order; none where it does not say what it knows."""
    find = getattr(getattr(clip, "tokenizer", None), "find_unknown", None)
    return find(text) if find else []


def note_words(words: Collection[str]) -> str:
    """What is wrong with `words` that the embedded model does not know; empty if there are none."""
    different = list(dict.fromkeys(words))
    if not different:
        return ""
    more = f" and {len(different) - SHOWN} more" if len(different) > SHOWN else ""
    return (
        f"prompt: the Demo Model does not know: {', '.join(different[:SHOWN])}{more}. Use the words that its help page "
        "lists, or a checkpoint."
    )
