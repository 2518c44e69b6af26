"""Numbers of things in words."""

from __future__ import annotations


def count_things(number: int, thing: str) -> str:
    """ "1 picture", "2 pictures", "1,000 batches"."""
    ending = "" if number == 1 else "es" if thing.endswith(("ch", "x")) else "s"
    return f"{number:,} {thing}{ending}"
