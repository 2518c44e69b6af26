"""Bisection over the values of an axis: the first one at which a measure is high enough. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

SLACK = 0.1  # by which a curve may fall and still count as one that rises


@dataclass(frozen=True)
class Search:
    """What a search found.

    tried: the measure at each place that was looked at. found: the first place where it is high enough, as far as the
    curve rises; None where it is not even at the last one.
    """

    tried: dict[int, float]
    found: int | None

    @property
    def falls(self) -> tuple[int, int] | None:
        """Two places that were looked at, one after the other, between which the measure falls by more than SLACK."""
        places = sorted(self.tried)
        return next(((a, b) for a, b in pairwise(places) if self.tried[b] < self.tried[a] - SLACK), None)


def find_first(count: int, wanted: float, measure: Callable[[int], float]) -> Search:
    """Find the first of the places 0 .. count - 1 at which `measure` is at least `wanted`.

    The ends are looked at first, then always the middle: 2 + log2(count) places. measure: may be asked again for a
    place.

    Raises:
        ValueError: there are fewer than two places.
    """
    if count < 2:
        raise ValueError("axis: it has one value, and there is nothing to search. Give it several, such as 0-1[33].")
    tried = {place: measure(place) for place in (0, count - 1)}
    if tried[0] >= wanted:
        return Search(tried, 0)
    if tried[count - 1] < wanted:
        return Search(tried, None)
    low, high = 0, count - 1
    while high - low > 1:
        middle = (low + high) // 2
        tried[middle] = measure(middle)
        low, high = (low, middle) if tried[middle] >= wanted else (middle, high)
    return Search(tried, high)
