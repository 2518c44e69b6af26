"""The names that somebody may have meant."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterable

_LETTERS = 64  # of a name that count: to compare costs the product of two lengths
_COMPARED = 50  # names that are compared letter by letter; of all, those that share most letters
_MOST = 5000  # names that are looked at


def find_nearest_names(word: str, names: Iterable[str], count: int) -> list[str]:
    """The `count` of `names` most like `word`, best first; case does not count.

    Of long words and many names only a part is looked at, so that no text takes more time than its length.
    """
    folded: dict[str, str] = {}
    for name in names:
        if len(folded) == _MOST:
            break
        folded[name[:_LETTERS].casefold()] = name
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(word[:_LETTERS].casefold())

    def share(name: str, exact: bool) -> float:
        matcher.set_seq1(name)
        return matcher.ratio() if exact else matcher.quick_ratio()

    likely = heapq.nlargest(_COMPARED, folded, key=lambda name: share(name, False))
    return [folded[name] for name in heapq.nlargest(count, likely, key=lambda name: share(name, True))]
