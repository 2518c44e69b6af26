"""Sentences that the reports of several nodes share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .pictures import Bytes, Placement


def count_of(number: int, one: str, many: str = "") -> str:
    """ "1 line" or "2 lines"; `many` where the plural is not `one` with an s."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def number_lines(lines: Sequence[str]) -> str:
    """The report of a batch: a single line if all are the same, else "picture 1: ..." and so on."""
    if len(set(lines)) == 1:
        return lines[0]
    return "\n".join(f"picture {number}: {line}" for number, line in enumerate(lines, 1))


def group_lines(lines: Mapping[int, str], count: int) -> list[str]:
    """Each text once, after the numbers of its pictures unless it is of all `count` of them; "" is left out.

    lines: by the number of the picture in its batch, from 0.
    """
    numbers: dict[str, list[str]] = {}
    for index, line in lines.items():
        if line:
            numbers.setdefault(line, []).append(str(index + 1))
    return [line if len(found) == count else f"picture {', '.join(found)}: {line}" for line, found in numbers.items()]


def describe_pass_on(name: str, picture: Bytes, placement: Placement, how: str) -> str:
    """The line on a picture, uint8 [H, W, 3], that is such a hint already.

    name: of the hint, such as "a line hint". how: what is done where its size changes.
    """
    if placement.is_identity(picture.shape[:2]):
        return f"passed on as it is: this is {name} already"
    (height, width), size = picture.shape[:2], f"{placement.width}x{placement.height}"
    return f"brought from {width}x{height} to {size}, {how}: this is {name} already"
