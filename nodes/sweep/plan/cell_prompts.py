"""The prompts of the cells: the prompt of the node, with the words and times of the prompt axes."""

from __future__ import annotations

from collections.abc import Sequence

from ...axis import Axis
from ...choices import PROMPT, SWITCH_TIME
from ...prompts.comments import without_comments
from ...prompts.swap import Swapper
from ...prompts.timed_parse import parse_timed, retime, switches, write_timed

# Of the different prompts of a sweep; of the prompts of all its cells, each of which goes into the cell's key.
MAX_LETTERS, MAX_LETTERS_IN_ALL = 20_000_000, 500_000_000


def check_letters(count: int, limit: int) -> None:
    """Raises ValueError for more letters than `limit`."""
    if count > limit:
        raise ValueError(
            f"positive: the prompts of all cells have more than {limit:,} letters. Shorten the prompt, or take fewer "
            "values."
        )


class CellPrompts:
    """The prompt of a cell. Each combination of prompt axes is composed once."""

    def __init__(self, text: str, parts: Sequence[tuple[int, Axis]]) -> None:
        """parts: each axis or part of one, with the number of its axis."""
        self.base, self.parts = text, [(i, part) for i, part in parts if part.name in (PROMPT, SWITCH_TIME)]
        self.swapper = Swapper(text)
        self.letters = 0
        self.known: dict[tuple[int, ...], str] = {}

    def compose(self, at: Sequence[int]) -> str:
        place = tuple(at[i] for i, _ in self.parts)
        if place not in self.known:
            self.known[place] = self._swap_and_retime(at)
            self.letters += len(self.known[place])
            check_letters(self.letters, MAX_LETTERS)
        return self.known[place]

    def _swap_and_retime(self, at: Sequence[int]) -> str:
        swaps = [part.values[at[i]] for i, part in self.parts if part.name == PROMPT]
        text = self.swapper.apply(swaps) if swaps else without_comments(self.base)
        prompt = parse_timed(text, "positive")
        for i, part in self.parts:
            if part.name == SWITCH_TIME:
                if not switches(prompt):
                    raise ValueError(
                        "axis switch time: nothing in the prompt switches. Write for example [smiling:angry:0.4] in it."
                    )
                return write_timed(retime(prompt, part.values[at[i]]))
        return text
