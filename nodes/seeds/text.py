"""The little language of seed lists.

    list = item { ("," | line break) item }
    item = seed | range | "random" count "from" seed

A seed is a whole number. A range is one of text/ranges.py, such as 1-8 or 1000..1040(+10). Spaces are free between
the parts.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from ..text.error import TextError
from ..text.ranges import SEED_ITEM, find_missing
from .choices import MAX_SEED, MAX_SEEDS

# Drawn seeds stay this small so that they can be read aloud; A1111 and diffusers draw theirs from the same range.
RANDOM_BITS = 32
EXAMPLES = "1-8, or 42, 1000..1040(+10), or random 4 from 7"

_DIGITS = "0123456789"
_MAX_DIGITS = len(str(MAX_SEED))
# What to say of a range that lacks this part.
_MISSING = {
    "plus": "a step is written as (+10).",
    "step": f"expected the step, a whole number. Write for example {EXAMPLES}.",
    "step_end": "the bracket after the step is missing: write (+10).",
}


def parse_seeds(text: str) -> list[int]:
    """The seeds that `text` names, in its order: 1 to MAX_SEEDS different numbers of 0..MAX_SEED.

    Raises:
        TextError: for anything else, before any list longer than MAX_SEEDS is built.
    """
    return _Parser(text).parse()


def format_seeds(seeds: Sequence[int]) -> str:
    """Every seed written out: the inverse of `parse_seeds`."""
    return ", ".join(map(str, seeds))


def random_seeds(count: int, source: int) -> Iterable[int]:
    """`count` different seeds below 2**RANDOM_BITS, drawn from the seed `source`.

    A longer draw from the same source begins with the shorter one. Python's Mersenne Twister, whose getrandbits
    gives the same numbers on every platform and version.
    """
    generator = random.Random(source)
    seen: set[int] = set()
    while len(seen) < count:
        seed = generator.getrandbits(RANDOM_BITS)
        if seed not in seen:
            seen.add(seed)
            yield seed


class _Parser:
    """Reads one list from left to right. `position`: of the next character. `seeds`: those read so far, in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.seeds: dict[int, None] = {}

    def parse(self) -> list[int]:
        self._skip_space()
        if self._at_end():
            raise self._error(0, f"there is no seed here. Write for example {EXAMPLES}.")
        self._item()
        while not self._at_end():
            line_break = self._skip_space()
            if self._at_end():
                break
            comma = self.position
            if self._take(","):
                self._skip_space()
                if self._at_end() or self.text[self.position] == ",":
                    raise self._error(comma, "nothing follows this comma. Remove it, or add a seed.")
            elif not line_break:
                raise self._error(
                    self.position,
                    "this does not belong to the seed before it. Seeds are whole numbers with a "
                    f"comma between them, for example {EXAMPLES}.",
                )
            self._item()
        return list(self.seeds)

    def _item(self) -> None:
        start = self.position
        if self._take_word("random"):
            self._random(start)
        else:
            self._range(start)

    def _range(self, start: int) -> None:
        match = SEED_ITEM.match(self.text, start)
        if match is None:
            raise self._no_seed(start, "a seed")
        first = last = self._seed(match["low"], start)
        if match["high"]:
            last = self._seed(match["high"], match.start("high"))
        step = _number(match["step"] or "1")
        if step == 0:
            raise self._error(match.end("plus"), "a step of 0 never reaches the end of the range. Use 1 or more.")
        missing = find_missing(match)
        if missing == "high":
            raise self._no_seed(match.end(), "the last seed of the range")
        if missing:
            raise self._error(match.end(), _MISSING[missing])
        if last < first:
            raise self._error(start, f"the range runs backwards. Write {last}-{first}.")
        self._add(start, (last - first) // step + 1, range(first, last + 1, step))
        self.position = match.end()

    def _random(self, start: int) -> None:
        count = self._take_digits()
        if not count:
            raise self._no_number(self.position, "how many seeds to draw, as in: random 4 from 7")
        if _number(count) == 0:
            raise self._error(start, "zero random seeds are none. Draw 1 or more.")
        self._skip_space(line_breaks=False)
        if not self._take_word("from"):
            raise self._error(
                self.position,
                "random seeds need a seed of their own, so that they can be drawn again. "
                "Write for example: random 4 from 7.",
            )
        source = self._take_digits()
        if not source:
            raise self._no_seed(self.position, "the seed to draw from")
        seed = self._seed(source, self.position - len(source))
        self._add(start, _number(count), random_seeds(_number(count), seed))

    def _add(self, start: int, count: int, seeds: Iterable[int]) -> None:
        if len(self.seeds) + count > MAX_SEEDS:
            total = f"{len(self.seeds) + count:,}" if count <= MAX_SEED else "far too many"
            raise self._error(start, f"this makes {total} seeds; the limit is {MAX_SEEDS:,}.")
        for seed in seeds:
            if seed in self.seeds:
                raise self._error(start, f"the seed {seed} is already in the list. Every seed may be there once.")
            self.seeds[seed] = None

    def _seed(self, digits: str, position: int) -> int:
        seed = _number(digits)
        if seed > MAX_SEED:
            raise self._error(position, f"this seed is too large. The largest is {MAX_SEED} (2^64 - 1).")
        return seed

    def _skip_space(self, line_breaks: bool = True) -> bool:
        """Move to the next visible character; whether a line break was passed."""
        start = self.position
        while not self._at_end() and self.text[self.position].isspace():
            if self.text[self.position] == "\n" and not line_breaks:
                break
            self.position += 1
        return "\n" in self.text[start : self.position]

    def _at_end(self) -> bool:
        return self.position >= len(self.text)

    def _take(self, symbol: str) -> bool:
        if not self.text.startswith(symbol, self.position):
            return False
        self.position += len(symbol)
        return True

    def _take_word(self, word: str) -> bool:
        end = self.position + len(word)
        if self.text[self.position : end].lower() != word or self.text[end : end + 1].isalpha():
            return False
        self.position = end
        return True

    def _take_digits(self) -> str:
        """The digits behind the next spaces; empty if there are none."""
        self._skip_space(line_breaks=False)
        start = self.position
        while not self._at_end() and self.text[self.position] in _DIGITS:
            self.position += 1
        return self.text[start : self.position]

    def _no_seed(self, position: int, what: str) -> TextError:
        if self.text.startswith("-", position):
            return self._error(position, "a seed cannot be negative. Use 0 or more.")
        return self._no_number(position, what)

    def _no_number(self, position: int, what: str) -> TextError:
        return self._error(position, f"expected {what}, a whole number. Write for example {EXAMPLES}.")

    def _error(self, position: int, fault: str) -> TextError:
        return TextError(self.text, position, fault)


def _number(digits: str) -> int:
    """Python refuses to read numbers of thousands of digits; anything longer than a seed is too large in any case."""
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS
