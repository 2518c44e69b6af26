"""Texts that nobody should write: what a cut emoji, a terminal, a bad copy or a bad will puts into a widget."""

from __future__ import annotations

import random

from steer.nodes.text.printable import printable

SURROGATES = ("\ud83d", "\ude00", "a\ud83d b", "\udcff", "\ud83d\ud83d")
STEERING = (
    "\x1b[2J\x1b[31m",
    "\x07",
    "\x00",
    "\r",
    "\x9b31m",
    "\u202etxt",
    "\u2028",
    "\ufeff",
    "\u200d",
    "\x1b]0;x\x07",
)
WORDS = (
    "smiling",
    "angry",
    "girl",
    "seed 3",
    "none",
    "all",
    "random 4 from 7",
    "euler",
    "normal",
    "\uc6c3\ub294",
    "\U0001f600",
)
SIGNS = (
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "|",
    ":",
    ";",
    ",",
    "//",
    "/*",
    "*/",
    "(",
    ")",
    "\\",
    "-",
    "..",
    "+",
    "\n",
    "\t",
    " ",
    "=",
    "%",
    "~",
    "/",
    "?",
)
NUMBERS = (
    "0",
    "-1",
    "1e999",
    "nan",
    "0.4",
    "1-8",
    "9" * 400,
    "1.0.0",
    "0x10",
    "\u0663",
    "\u00b2",
    "1_0",
    "18446744073709551616",
)
NAMES = (
    "CON",
    "COM\u00b9.png",
    "..",
    "../x",
    "/etc/passwd",
    "C:\\x",
    "a" * 300,
    "x\\..\\y",
    ".",
    " ",
    "a/b/c",
    "a:b",
    "nul.txt",
)
JSON = ('["angry"]', '[["a"], ["b"]]', "[" * 5000, '{"a": 1}', '"x"', "[1e999]", "[" * 200 + "]" * 200)
MARKS = ("e" + "\u0301\u0327" * 50, "\u0301" * 200, "\u1100\u1161" * 20)


def hostile_text(rng: random.Random) -> str:
    """A text of some pieces; now and then a very long one."""
    kinds = (SURROGATES, STEERING, WORDS, SIGNS, NUMBERS, NAMES, JSON, MARKS)
    weights = (4, 3, 6, 8, 4, 2, 1, 1)
    pieces = [rng.choice(kind) for kind in rng.choices(kinds, weights, k=rng.choice((1, 1, 2, 3, 5, 8)))]
    text = "".join(pieces)
    if rng.random() < 0.03:
        text *= rng.choice((100, 1000)) if len(text) < 50 else 10
    return text[:100_000]


def hostile_value(rng: random.Random) -> object:
    """Something in the place of a number or a choice. ComfyUI itself refuses most of it, and logs what it refuses."""
    numbers = (-1, 0, 1, 2**63, 10**30, -(10**30), 0.5, float("nan"), float("inf"), True, None)
    others = ([], {}, ["1", 0], [[1, 2]], {"a": "b"})
    return rng.choice((rng.choice(numbers), rng.choice(others), printable(hostile_text(rng))))
