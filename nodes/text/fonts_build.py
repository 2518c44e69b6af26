"""Makes the fonts in font_files/ again. Needs fontTools; nothing in Steer does.

    pip install fonttools
    pip download --no-deps noto-cjk-sans-jp-regular==0.0.1   # a wheel: unzip it
    npm pack @expo-google-fonts/noto-emoji@0.4.7             # a tarball: unpack it
    python nodes/text/fonts_build.py NotoSansCJKjp-Regular.otf NotoEmoji_400Regular.ttf nodes/text/font_files

From Noto Sans CJK (Japanese forms where languages differ): all 11,172 Hangul syllables, kana, the Han characters of
JIS X 0208 level 1, GB 2312 level 1 and Big5 level 1 (7,268 together), Latin, Greek, Cyrillic, punctuation, arrows,
symbols. From Noto Emoji: everything, with the ligatures of joined emoji.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

LOW_BYTES = range(0xA1, 0xFF)
RANGES = (
    (0x20, 0x250),
    (0x370, 0x530),
    (0x1E00, 0x1F00),
    (0x2000, 0x2070),
    (0x2100, 0x2300),
    (0x2460, 0x2500),
    (0x25A0, 0x2700),
    (0x3000, 0x3130),
    (0x3131, 0x318F),
    (0xAC00, 0xD7A4),
    (0xFF00, 0xFFEF),
)


def characters(codec: str, rows: Iterable[int], cells: Sequence[int] = LOW_BYTES) -> set[int]:
    """Code points of the given rows of a double-byte character set."""
    found = (bytes([row, cell]).decode(codec, "ignore") for row in rows for cell in cells)
    return {ord(text) for text in found if len(text) == 1}


def cjk_characters() -> set[int]:
    """Code points of the subset of Noto Sans CJK."""
    level_1 = (
        characters("euc_jp", range(0xA1, 0xD0))  # with its symbols
        | characters("gb2312", range(0xB0, 0xD8))
        | characters("big5", range(0xA4, 0xC7), [*range(0x40, 0x7F), *LOW_BYTES])
    )
    return level_1.union(*(range(*bounds) for bounds in RANGES))


def build(source: Path, target: Path, code_points: Iterable[int], layout: Sequence[str]) -> None:
    """Write the subset of the font `source` with these code points, unhinted, to `target`."""
    from fontTools import subset  # type: ignore  # only who makes the fonts needs it

    options = subset.Options(hinting=False, layout_features=list(layout), notdef_outline=True, glyph_names=False)
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # with copyright, licence and its address
    font = subset.load_font(str(source), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=code_points)
    subsetter.subset(font)
    font.save(str(target))


if __name__ == "__main__":
    cjk, emoji, folder = (Path(argument) for argument in sys.argv[1:4])
    build(cjk, folder / "NotoSansCJKjp-Subset.otf", cjk_characters(), ())
    build(emoji, folder / "NotoEmoji-Subset.ttf", range(0x20, 0x20000), ("ccmp", "liga"))
