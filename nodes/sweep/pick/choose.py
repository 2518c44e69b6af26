"""Which of many pictures: by their numbers on the sheet, or those that differ most."""

from __future__ import annotations

import re

import torch

from ...text.error import TextError
from ...text.ranges import Numbers, read_numbers

EXAMPLES = "3, 17, 40, or 1-4, or different 4"
_DIFFERENT = re.compile(r"\s*different\s+([0-9]{1,6})\s*", re.IGNORECASE)


def read_pick(text: str, early: torch.Tensor) -> list[int]:
    """Indices, from 0, of the pictures that `text` names, in its order. early: [N, ...], what the model sees of each.

    Raises:
        TextError: the text is no list of numbers from 1 to N, nor `different` with such a number.
    """
    count = len(early)
    if match := _DIFFERENT.fullmatch(text):
        wanted = int(match[1])
        if not 1 <= wanted <= count:
            raise TextError(text, match.start(1), f"there are {count} pictures. Use 1 to {count}.", "pick")
        return find_most_different(early, wanted)
    numbers = Numbers(1, count, whole=True, noun="number", examples=EXAMPLES, name="pick")
    return [int(number) - 1 for number in read_numbers(text, numbers)]


def find_most_different(items: torch.Tensor, count: int) -> list[int]:
    """`count` indices of `items` [N, ...], rising: the two farthest apart, then each time the one farthest from them.

    Gonzalez 1985, "Clustering to minimize the maximum intercluster distance". Ties go to the smaller index.
    """
    flat = items.flatten(1).double()
    distances = torch.cdist(flat, flat)
    chosen = [*divmod(int(distances.argmax()), len(items))][:count]
    while len(set(chosen)) < count:
        nearest = distances[:, chosen].min(dim=1).values
        nearest[chosen] = -1.0
        chosen = [*dict.fromkeys(chosen), int(nearest.argmax())]
    return sorted(set(chosen))
