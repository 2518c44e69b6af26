"""How long a report still takes, printed while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def with_estimate(items: Iterable[Item]) -> Iterator[Item]:
    """The items; behind each one the line "3 of 100, about 12 min left", by the mean of those that are done."""
    listed: Sequence[Item] = list(items)
    started = time.monotonic()
    for number, item in enumerate(listed, 1):
        yield item
        left = (time.monotonic() - started) / number * (len(listed) - number)
        if left:
            print(f"{number} of {len(listed)}, about {max(1, round(left / 60))} min left", flush=True)
