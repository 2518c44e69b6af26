"""Text that stays in its box: wrapped, then shrunk down to a floor, then cut with an ellipsis."""

from __future__ import annotations

import bisect
import math
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw

from .fonts import Fonts
from .letters import clean, clusters

LINE_HEIGHT = 1.36  # of the size: room for accents on Hangul and Han, whose letters fill the em
BASELINE = 1.03
MAX_LETTERS = 2000  # of one label; what lies beyond could never be shown
ELLIPSIS = "\u2026"
# Marks that may not begin a line, and those that may not end one (the common part of JIS X 4051 and GB/T 15834).
CLOSING = frozenset(
    ",.:;!?)]}%"
    "\u3001\u3002\uff0c\uff0e\u30fb\uff1a\uff1b\uff1f\uff01\u300d\u300f\u3011\u3009\u300b\u3015\uff09\uff3d\uff5d"
    "\u201d\u2019\u3041\u3043\u3045\u3047\u3049\u3063\u3083\u3085\u3087\u30a1\u30a3\u30a5\u30a7\u30a9\u30c3\u30e3"
    "\u30e5\u30e7\u30fc\u3005\u309d\u309e\u30fd\u30fe\uff05\u2026"
)
OPENING = frozenset("([{\u300c\u300e\u3010\u3008\u300a\u3014\uff08\uff3b\uff5b\u201c\u2018")
BREAK_AFTER = frozenset("-/_,|+=")


@dataclass(frozen=True)
class TextBlock:
    """Wrapped lines at one size. width, height: the pixels they need, rounded up."""

    lines: tuple[str, ...]
    size: int
    width: int
    height: int


def line_height(size: float) -> int:
    """Pixels from one baseline to the next."""
    return math.ceil(size * LINE_HEIGHT)


def split_units(line: str) -> Iterator[str]:
    """The pieces of a line that wrapping keeps whole; spaces are pieces of their own.

    Korean and Latin break between words, and after - / _ , inside them; Han and kana between any two.
    """
    current = ""
    for cluster in clusters(line):
        if cluster.isspace():
            if current:
                yield current
            yield " "
            current = ""
            continue
        if current and cluster not in CLOSING and _breaks(current, cluster):
            yield current
            current = ""
        current += cluster
    if current:
        yield current


def _breaks(before: str, cluster: str) -> bool:
    if before[-1] in OPENING:
        return False
    if before[-1] in BREAK_AFTER:
        return len(before) > 1
    return _is_ideographic(before[-1]) or _is_ideographic(cluster[0])


def _is_ideographic(letter: str) -> bool:
    code = ord(letter)
    han = 0x3000 <= code < 0x3130 or 0x3400 <= code < 0xA000 or 0xF900 <= code < 0xFB00 or 0x20000 <= code < 0x32000
    return han or 0xFF01 <= code < 0xFF61 or (code >= 0x1F000 and unicodedata.category(letter) == "So")


def wrap(text: str, fonts: Fonts, size: int, width: float, limit: int) -> tuple[list[str], bool]:
    """`text` (cleaned) in lines of at most `width` pixels, and whether all of it fits into `limit` lines.

    A letter wider than the width gets a line of its own.
    """
    lines: list[str] = []
    for hard_line in text.split("\n"):
        for line in _wrap_line(hard_line, fonts, size, width):
            if len(lines) == limit:
                return lines, False
            lines.append(line)
    return lines, True


def _wrap_line(line: str, fonts: Fonts, size: int, width: float) -> Iterator[str]:
    current = ""
    for unit in split_units(line):
        if fonts.width(current + unit, size) <= width or (unit == " " and not current):
            current = "" if unit == " " and not current else current + unit
            continue
        if current:
            yield current.rstrip()
            current = "" if unit == " " else unit
        else:
            current = unit
        if fonts.width(current, size) > width:
            *full, current = _chop(current, fonts, size, width)
            yield from full
    yield current.rstrip()


def _chop(word: str, fonts: Fonts, size: int, width: float) -> list[str]:
    """A word that no line can hold, in pieces that lines can; a letter too wide loses its marks to the next piece."""
    pieces = [""]
    for cluster in clusters(word):
        for part in [cluster] if fonts.width(cluster, size) <= width else cluster:
            if pieces[-1] and fonts.width(pieces[-1] + part, size) > width:
                pieces.append("")
            pieces[-1] += part
    return pieces


def cut(line: str, fonts: Fonts, size: float, width: float) -> str:
    """`line` with an ellipsis, cut so far that both fit into `width` pixels."""
    letters = clusters(line[:MAX_LETTERS])

    def shortened(count: int) -> str:
        return "".join(letters[:count]).rstrip() + ELLIPSIS

    # By halves: a width costs as much as the line is long. Then one by one, because letters that join may be narrower.
    most = bisect.bisect_right(range(1, len(letters) + 1), width, key=lambda n: fonts.width(shortened(n), size))
    while most and fonts.width(shortened(most), size) > width:
        most -= 1
    return shortened(most)


def shorten(line: str, fonts: Fonts, size: float, width: float) -> str:
    """`line` if it fits into `width` pixels, else cut with an ellipsis. Of long ones, MAX_LETTERS letters count."""
    if len(line) > MAX_LETTERS:
        return cut(line, fonts, size, width)
    return line if fonts.width(line, size) <= width else cut(line, fonts, size, width)


def prepare_label(text: str) -> str:
    """`text` as it will be wrapped: drawable, without empty lines at its ends, not longer than any box."""
    text, longer = text[:MAX_LETTERS], len(text) > MAX_LETTERS
    text = "\n".join(line.strip() for line in clean(text).strip().split("\n"))
    return text + ELLIPSIS if longer else text


def common_size(texts: Iterable[str], fonts: Fonts, width: float, base: int, floor: int, lines: int) -> int:
    """The largest size from `base` down to `floor` at which every text fits into `lines` lines; else the floor."""
    size = base
    for text in texts:
        while size > floor and not _fits(text, fonts, size, width, lines):
            size -= 1
    return size


def _fits(text: str, fonts: Fonts, size: int, width: float, lines: int) -> bool:
    """No line too many, and no word broken in two."""
    whole = all(fonts.width(unit, size) <= width for line in text.split("\n") for unit in split_units(line))
    return whole and wrap(text, fonts, size, width, lines)[1]


def set_text(text: str, fonts: Fonts, size: int, width: float, limit: int) -> TextBlock:
    """A block of at most `limit` lines of at most `width` pixels; the last ends in an ellipsis where text is left."""
    if not text:
        return TextBlock((), size, 0, 0)
    lines, complete = wrap(text, fonts, size, width, limit)
    if not complete:
        lines[-1] = cut(lines[-1], fonts, size, width)
    needed = math.ceil(max(fonts.width(line, size) for line in lines))
    return TextBlock(tuple(lines), size, needed, len(lines) * line_height(size))


def draw_line(
    pen: ImageDraw.ImageDraw, line: str, fonts: Fonts, size: float, place: tuple[float, float], fill: int | str
) -> None:
    """Write one line whose baseline begins at `place` (x, y)."""
    x, y = place
    for number, run in fonts.split_runs(line):
        font = fonts.font(number, size)
        pen.text((round(x), round(y)), run, fill=fill, font=font, anchor="ls")
        x += font.getlength(run)


def draw_block(
    image: Image.Image,
    block: TextBlock,
    fonts: Fonts,
    box: tuple[int, int, int, int],
    colour: str,
    align: str = "centre",
) -> None:
    """Write `block` at the top of `box` (x, y, width, height); align: left, centre or right. Nothing lands outside."""
    x, y, width, height = box
    if not block.lines or width < 1 or height < 1:
        return
    mask = Image.new("L", (width, height))
    pen = ImageDraw.Draw(mask)
    for i, line in enumerate(block.lines):
        free = width - fonts.width(line, block.size)
        left = {"left": 0.0, "centre": free / 2, "right": free}[align] + fonts.overhang(line, block.size)
        draw_line(pen, line, fonts, block.size, (left, i * line_height(block.size) + round(block.size * BASELINE)), 255)
    image.paste(colour, (x, y, x + width, y + height), mask)
