"""Labels of pictures: from a list or from lines of text, and only what differs between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from ...text.lettering import split_units
from ...text.letters import clean
from ...text.printable import printable


def read_labels(values: Sequence[object] | None, expected: int | None = None) -> list[str]:
    """The labels that a STRING input of a list node holds: a list as it is, a single text by its lines.

    expected: how many there should be. If it is 1, a single text stays whole. Empty texts alone give no labels.
    """
    texts = [printable(str(value)) for value in values or ()]
    if len(texts) == 1 and expected != 1:
        texts = texts[0].rstrip("\r\n").splitlines()
    return texts if any(text.strip() for text in texts) else []


def drop_shared_words(labels: Sequence[str]) -> list[str]:
    """The labels without the words that all begin or end with. No label becomes empty, and a single one stays."""
    words = [list(split_units(clean(label).replace("\n", " ").strip())) for label in labels]
    if len(words) < 2 or len({tuple(label) for label in words}) < 2:
        return list(labels)
    start = _count_common(words)
    end = _count_common([label[start:][::-1] for label in words])
    rest = ["".join(label[start : len(label) - end]).strip(" ,;") for label in words]
    if all(rest):
        return rest
    # One label has nothing of its own: all keep the last shared word, so that it is not empty.
    start = max((i for i in range(start) if words[0][i].strip(" ,;")), default=start)
    if all("".join(label[start:]).strip(" ,;") for label in words):
        return ["".join(label[start:]).strip(" ,;") for label in words]
    return list(labels)


def _count_common(words: Sequence[Sequence[str]]) -> int:
    """How many pieces all begin with."""
    return sum(1 for _ in takewhile(lambda pieces: len(set(pieces)) == 1, zip(*words, strict=False)))
