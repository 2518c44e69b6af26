"""How much of a word: conditioning between two prompts that differ in it, and beyond both.

0 is the prompt as it is, 1 the swapped one. Everything is exact at these two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..axis import Axis
from ..text.error import TextError
from ..text.printable import printable
from ..text.ranges import Numbers, read_numbers, split_items
from .choices import DIAL, DIAL_HIGH, DIAL_LOW
from .swap import Swapper, WordSwap, read_swaps
from .timed_parse import parse_timed

Conditioning = list[Any]

EXAMPLES = "0, 0.5, 1, 1.4, or 0-1.4[8], or -0.5"
_ABOVE = Numbers(0.0, DIAL_HIGH, noun=DIAL, examples=EXAMPLES, name="values")
_BELOW = Numbers(0.0, -DIAL_LOW, noun=f"{DIAL} -", examples=EXAMPLES, name="values")
_BEFORE = re.compile(r"[^\n]")
# Entries whose values tell the tokens apart, so that two of them have nothing between them.
_MASKS = ("attention_mask",)


@dataclass(frozen=True)
class Dial:
    """One value of a dial axis: `words` in the place of `find`, by `amount`."""

    find: tuple[str, ...]
    words: tuple[str, ...]
    amount: float
    whole_words: bool = True
    match_case: bool = False

    @property
    def swap(self) -> WordSwap:
        """The swap whose result is the prompt at 1."""
        return WordSwap(self.find, self.words, self.whole_words, self.match_case)


def read_dial(find: str, word: str, whole_words: bool = True, match_case: bool = False) -> WordSwap:
    """The swap of a dial: one, of one word or of several that change together.

    Raises:
        ValueError: a word is empty, or `word` has several lines.
    """
    if len([line for line in word.splitlines() if line.strip()]) > 1:
        raise ValueError("word: a dial turns to one word. Write one line; for more words use more dials.")
    if not word.strip():
        raise ValueError("word: it is empty. Write what `find` turns to, for example angry.")
    return read_swaps(find, word, include_original=False, whole_words=whole_words, match_case=match_case)[0]


def check_amount(amount: float) -> None:
    """Check the value of a dial.

    Raises:
        ValueError: it is no number from DIAL_LOW to DIAL_HIGH.
    """
    if not (math.isfinite(amount) and DIAL_LOW <= amount <= DIAL_HIGH):
        raise ValueError(f"dial: {amount:g} is outside {DIAL_LOW:g} to {DIAL_HIGH:g}.")


def read_amounts(text: str) -> list[float]:
    """The values that `text` names, in its order: the numbers and ranges of a Value Axis, and single negative ones.

    Raises:
        TextError: a part of the text has a fault, or a value is there twice.
    """
    amounts: list[float] = []
    for position, part in split_items(text, ",\n"):
        negative = part.startswith("-")
        if negative and ("-" in part[1:] or ".." in part):
            raise TextError(text, position, f"no range begins below 0. Write for example {EXAMPLES}.", "values")
        alone = _BEFORE.sub(" ", text[:position]) + (f" {part[1:]}" if negative else part)  # errors point into `text`
        found = [float(number) for number in read_numbers(alone, _BELOW if negative else _ABOVE)]
        for amount in [-found[0]] if negative else found:
            if amount in amounts:
                raise TextError(text, position, f"{amount:g} is there twice. Remove one.", "values")
            amounts.append(amount)
    if not amounts:
        raise TextError(text, 0, f"there is no value here. Write for example {EXAMPLES}.", "values")
    return amounts


def dial_axis(swap: WordSwap, amounts: Sequence[float]) -> Axis:
    """The axis of a dial, labelled "angry 0.5"."""
    words = swap.words or swap.find
    values = tuple(Dial(swap.find, words, amount, swap.whole_words, swap.match_case) for amount in amounts)
    return Axis(DIAL, values, tuple(f"{', '.join(words)} {amount:g}" for amount in amounts))


def swap_fully(prompt: str, dial: Dial) -> str:
    """The text of `prompt` at 1.

    Raises:
        ValueError: a word to find is not in the prompt, or the prompt switches in time.
        TextError: a timed prompt has a fault.
    """
    if any(not isinstance(part, str) for part in parse_timed(prompt, "positive")):
        raise ValueError(
            "axis dial: the prompt switches in time, as [smiling:angry:0.4]. Take the switch out, or the axis away."
        )
    return Swapper(prompt).apply([dial.swap])


def turn(first: Conditioning, second: Conditioning, amount: float) -> tuple[Conditioning, str]:
    """The CONDITIONING at `amount` between two prompts' own, and how it was made, in words.

    At 0 and 1 one of the two as it is. Else along the line between both encodings, where these are alike; where not,
    their entries with strengths 1 - amount and amount, whose predictions ComfyUI averages by these weights
    (comfy/samplers.py, calc_cond_batch), which also holds beyond 0 and 1: the weights add up to 1.
    """
    if amount in (0.0, 1.0):
        return (second if amount else first), f"the {'swapped ' if amount else ''}prompt as it is"
    why = _unlike(first, second)
    if not why:
        return [_between(a, b, amount) for a, b in zip(first, second, strict=True)], "on the line between the encodings"
    mixed = [_with_strength(entry, 1.0 - amount) for entry in first]
    mixed += [_with_strength(entry, amount) for entry in second]
    how = f"two predictions of strength {1.0 - amount:g} and {amount:g}, one more pass in each step, because {why}"
    return mixed, how


def _unlike(first: Conditioning, second: Conditioning) -> str:
    """Why two CONDITIONINGs have no line between them; empty where they have one."""
    if len(first) != len(second):
        return "the prompts have different numbers of parts"
    for (a, more), (b, other) in zip(first, second, strict=True):
        if a.shape != b.shape:
            return f"the encodings have {a.shape[-2]} and {b.shape[-2]} tokens"
        if more.keys() != other.keys():
            return "the encodings carry different values"
        for name, value in more.items():
            if not _has_line(name, value, other[name]):
                return f"the encodings differ in {name}"
    return ""


def _has_line(name: str, a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        if a.shape != b.shape:
            return False
        return (a.is_floating_point() and name not in _MASKS) or torch.equal(a, b)
    return a is b or (not isinstance(a, torch.Tensor) and not isinstance(b, torch.Tensor) and bool(a == b))


def _between(first: Any, second: Any, amount: float) -> list[Any]:
    values = {}
    for name, value in first[1].items():
        line = isinstance(value, torch.Tensor) and value.is_floating_point() and name not in _MASKS
        values[name] = _lerp(value, second[1][name], amount) if line else value
    return [_lerp(first[0], second[0], amount), values]


def _lerp(a: torch.Tensor, b: torch.Tensor, amount: float) -> torch.Tensor:
    return (a.float() + amount * (b.float() - a.float())).to(a.dtype)


def _with_strength(entry: Any, weight: float) -> list[Any]:
    return [entry[0], entry[1] | {"strength": weight * entry[1].get("strength", 1.0)}]


def write_dial_report(swap: WordSwap, amount: float, how: str, since: str = "") -> str:
    """ "smiling -> angry, dial 0.5: on the line between the encodings." since: from which step on."""
    words = printable(f"{', '.join(swap.find)} -> {', '.join(swap.words or swap.find)}")
    return "\n".join(filter(None, [f"{words}, dial {amount:g}: {how}.", since]))
