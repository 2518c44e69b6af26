"""The little language of seed lists.

    list   = item { ("," | line break) item }
    item   = seed | seed "-" seed [step] | seed ".." seed [step] | "random" count "from" seed
    step   = "(+" number ")"

Both ends of a range belong to it. Spaces are free between the parts.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from ..text.error import TextError
from .choices import MAX_SEED, MAX_SEEDS

# Drawn seeds stay this small so that they can be read aloud; A1111 and diffusers draw theirs from the same range.
RANDOM_BITS = 32
EXAMPLES = "1-8, or 42, 1000..1040(+10), or random 4 from 7"

_DIGITS = "0123456789"


def parse_seeds(text: str) -> list[int]:
    """The seeds that `text` names, in its order: 1 to MAX_SEEDS different numbers of 0..MAX_SEED.

    Raises TextError for anything else, before any list longer than MAX_SEEDS is built.
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
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.seeds: dict[int, None] = {}

    def parse(self) -> list[int]:
        self._skip_space()
        if self._at_end():
            raise TextError(self.text, 0, f"there is no seed here. Write for example {EXAMPLES}.")
        self._item()
        while not self._at_end():
            line_break = self._skip_space()
            if self._at_end():
                break
            comma = self.position
            if self._take(","):
                self._skip_space()
                if self._at_end() or self._peek(","):
                    self._fail(comma, "nothing follows this comma. Remove it, or add a seed.")
            elif not line_break:
                self._fail(
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
            return
        first = self._seed("a seed")
        mark = self.position
        self._skip_space(line_breaks=False)
        if self._take("..") or self._take("-"):
            self._range(start, first)
        else:
            self.position = mark
            self._add(start, 1, (first,))

    def _range(self, start: int, first: int) -> None:
        last = self._seed("the last seed of the range")
        step, at = 1, self.position
        self._skip_space(line_breaks=False)
        if self._take("("):
            if not self._take("+"):
                self._fail(self.position, "a step is written as (+10).")
            at = self.position
            step = self._number("the step")
            if step == 0:
                self._fail(at, "a step of 0 never reaches the end of the range. Use 1 or more.")
            self._skip_space(line_breaks=False)
            if not self._take(")"):
                self._fail(self.position, "the bracket after the step is missing: write (+10).")
        else:
            self.position = at
        if last < first:
            self._fail(start, f"the range runs backwards. Write {last}-{first}.")
        self._add(start, (last - first) // step + 1, range(first, last + 1, step))

    def _random(self, start: int) -> None:
        count = self._number("how many seeds to draw, as in: random 4 from 7")
        if count == 0:
            self._fail(start, "zero random seeds are none. Draw 1 or more.")
        self._skip_space(line_breaks=False)
        if not self._take_word("from"):
            self._fail(
                self.position,
                "random seeds need a seed of their own, so that they can be drawn again. "
                "Write for example: random 4 from 7.",
            )
        source = self._seed("the seed to draw from")
        self._add(start, count, random_seeds(count, source))

    def _add(self, start: int, count: int, seeds: Iterable[int]) -> None:
        if len(self.seeds) + count > MAX_SEEDS:
            total = f"{len(self.seeds) + count:,}" if count <= MAX_SEED else "far too many"
            self._fail(start, f"this makes {total} seeds; the limit is {MAX_SEEDS:,}.")
        for seed in seeds:
            if seed in self.seeds:
                self._fail(start, f"the seed {seed} is already in the list. Every seed may be there once.")
            self.seeds[seed] = None

    def _seed(self, what: str) -> int:
        self._skip_space(line_breaks=False)
        start = self.position
        if self._peek("-"):
            self._fail(start, "a seed cannot be negative. Use 0 or more.")
        seed = self._number(what)
        if seed > MAX_SEED:
            self._fail(start, f"this seed is too large. The largest is {MAX_SEED} (2^64 - 1).")
        return seed

    def _number(self, what: str) -> int:
        self._skip_space(line_breaks=False)
        start = self.position
        while not self._at_end() and self.text[self.position] in _DIGITS:
            self.position += 1
        digits = self.text[start : self.position].lstrip("0")
        if self.position == start:
            self._fail(start, f"expected {what}, a whole number. Write for example {EXAMPLES}.")
        # Python refuses to read numbers of thousands of digits; anything this long is too large in any case.
        return int(digits or "0") if len(digits) <= 20 else 10**20

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

    def _peek(self, symbol: str) -> bool:
        return self.text.startswith(symbol, self.position)

    def _take(self, symbol: str) -> bool:
        if not self._peek(symbol):
            return False
        self.position += len(symbol)
        return True

    def _take_word(self, word: str) -> bool:
        end = self.position + len(word)
        if self.text[self.position : end].lower() != word or self.text[end : end + 1].isalpha():
            return False
        self.position = end
        return True

    def _fail(self, position: int, fault: str) -> None:
        raise TextError(self.text, position, fault)
