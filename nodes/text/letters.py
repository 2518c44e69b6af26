"""What a text is made of before a font comes in: letters that can be drawn, and those that a reader sees as one."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

ZWJ = "\u200d"
_TAGS = range(0xE0020, 0xE0080)
_SELECTORS = range(0xFE00, 0xFE10)
_FIRST_EMOJI = 0x1F000
_EMOJI_STYLE, _KEYCAP = "\ufe0f", "\u20e3"
MAX_MARKS = 30  # on one letter, as in Unicode's Stream-Safe Text Format: no language has more


def clean(text: str) -> str:
    """`text` as fonts can draw it: composed (NFC), no control characters but line breaks, no lone surrogates.

    Of more than MAX_MARKS accents on one letter the rest goes: to put n in order takes n^2 steps.
    """
    text = _too_many_marks().sub(r"\1", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = unicodedata.normalize("NFC", text)
    return "".join(_replace_undrawable(letter) for letter in text)


def _replace_undrawable(letter: str) -> str:
    if letter == "\n" or letter == ZWJ or ord(letter) in _TAGS:
        return letter
    kind = unicodedata.category(letter)
    if kind == "Cs":
        return "\ufffd"
    if kind == "Cf":  # invisible marks of direction and the like
        return ""
    return " " if kind in ("Cc", "Zl", "Zp", "Zs") else letter


def clusters(text: str) -> list[str]:
    """What a reader sees as one letter each: a base with its accents, an emoji with its modifiers, a flag.

    The extended grapheme clusters of Unicode Standard Annex 29.
    """
    return _cluster_pattern().findall(text)


# diffusers depends on regex. 30 to 100 ms to import, so only when text is drawn
@cache
def _cluster_pattern() -> Any:
    import regex

    return regex.compile(r"\X")


@cache
def _too_many_marks() -> Any:
    import regex

    return regex.compile(rf"(\p{{M}}{{{MAX_MARKS}}})\p{{M}}+")


def letters_to_draw(text: str) -> list[str]:
    """What a font must have to draw `text`: all but spaces and marks that only steer how letters join."""
    return [letter for letter in text if not letter.isspace() and not is_joiner(letter)]


def is_joiner(letter: str) -> bool:
    """Whether it only steers how its neighbours are drawn: a joiner, a variation selector, a tag."""
    return letter == ZWJ or ord(letter) in _SELECTORS or ord(letter) in _TAGS


def wants_emoji(cluster: str) -> bool:
    """Whether a cluster is drawn as an emoji, where several fonts have it."""
    return ord(cluster[0]) >= _FIRST_EMOJI or _EMOJI_STYLE in cluster or _KEYCAP in cluster
