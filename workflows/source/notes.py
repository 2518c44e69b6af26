"""How tall a note is: its Markdown as Nodes 2.0 draws it in the frontend 1.45, which gives texts the most room.

The frontend brings its font along (Inter), so that lines break at the same words everywhere.
"""

from __future__ import annotations

import re

# The widths of the characters from the space to ~, in hundredths of the size of the font.
REGULAR = (
    "61 36 56 60 62 58 58 52 58 58 25 22 40 60 61 84 61 25 30 30 47 63 22 43 22 33 22 22 63 63 63 52 97 65 64 72 69 "
    "58 55 73 71 23 53 63 54 86 71 75 61 75 63 61 61 70 65 95 65 64 61 30 33 30 44 45 24 52 57 52 57 54 31 57 55 21 "
    "21 51 21 84 55 55 57 57 32 47 31 55 51 75 51 51 48 38 30 38 63"
)
BOLD = (
    "65 39 60 62 66 60 62 55 61 62 21 25 47 62 65 94 65 27 33 33 54 65 24 44 24 36 24 25 65 65 65 57 101 71 64 73 70 "
    "61 58 74 72 26 56 69 56 89 73 75 63 75 65 65 64 70 71 100 70 69 63 33 36 33 46 48 29 55 60 56 60 56 37 60 59 25 "
    "25 55 25 88 59 58 60 60 37 52 37 59 55 82 54 55 52 44 35 44 65"
)
FIRST = ord(" ")
SPACE, CODE, UNKNOWN = 25, 60, 100  # CODE: each character of a monospaced font
MARGIN_OF_CODE = 6.0  # pixels at both of its ends
TEXT, HEADING = 14.0, 18.0  # pixels of the font
LINE = 1.6  # heights of the font
BEFORE_HEADING, BELOW_HEADING, BELOW_PARAGRAPH, AROUND_ITEM = 32.0, 16.0, 7.0, 8.0
INDENT = 32  # of a list
EDGE_ACROSS, EDGE_DOWN = 34, 28  # of the node around its text
RESERVE = 1.09  # the page breaks some lines earlier
HEAD, ITEM, PARAGRAPH = "## ", "- ", ""
MARK = re.compile(r"(\*\*|\*|`)")


def height_of_note(text: str, width: int) -> int:
    """The height below its title of a note with headings, paragraphs and lists, in pixels. width: of the node."""
    height, margin, last = 0.0, 0.0, HEAD
    for kind, words in _blocks(text):
        room = width - EDGE_ACROSS - INDENT * (kind == ITEM)
        size = HEADING if kind == HEAD else TEXT
        above = {HEAD: BEFORE_HEADING, ITEM: AROUND_ITEM, PARAGRAPH: 0.0}[kind] if height else 0.0
        height += max(margin, above) + LINE * size * _lines(words, room, size, bold=kind == HEAD)
        margin, last = {HEAD: BELOW_HEADING, ITEM: AROUND_ITEM, PARAGRAPH: BELOW_PARAGRAPH}[kind], kind
    return round(height + (margin if last == ITEM else 0) + EDGE_DOWN)


def _blocks(text: str) -> list[tuple[str, str]]:
    """Headings, paragraphs and items of lists, each in one line."""
    found: list[tuple[str, str]] = []
    for part in re.split(r"\n\s*\n", text.strip()):
        begins = True
        for line in part.split("\n"):
            kind = next(kind for kind in (HEAD, ITEM, PARAGRAPH) if line.startswith(kind))
            if kind != PARAGRAPH or begins:
                found.append((kind, line.removeprefix(kind)))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
            begins = False
    return found


def _lines(text: str, room: float, size: float, bold: bool) -> int:
    lines, at = 1, 0.0
    for word in _widths(text, size, bold):
        if at and at + SPACE * size / 100 + word > room:
            lines, at = lines + 1, word
        else:
            at += word + (SPACE * size / 100 if at else 0)
    return lines


def _widths(text: str, size: float, bold: bool) -> list[float]:
    """The width of each word."""
    words, code = [0.0], False
    for piece in MARK.split(text):
        if piece == "`":
            code = not code
            words[-1] += MARGIN_OF_CODE
        elif piece == "**":
            bold = not bold
        elif piece != "*":
            for i, word in enumerate(piece.split(" ")):
                words += [0.0] if i else []
                words[-1] += RESERVE * sum(CODE if code else _width(each, bold) for each in word) * size / 100
    return [word for word in words if word]


_TABLES = {bold: [int(each) for each in table.split()] for bold, table in ((False, REGULAR), (True, BOLD))}


def _width(character: str, bold: bool) -> int:
    number = ord(character) - FIRST
    return _TABLES[bold][number] if 0 <= number < len(_TABLES[bold]) else UNKNOWN
