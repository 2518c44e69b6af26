"""Fonts for charts and captions: Pillow's own, and others (see sweep/fonts.py) for scripts that it lacks."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFont

from ..sweep.fonts import PILLOW, Fonts, clean, clusters

Font = ImageFont.FreeTypeFont


def default_font(size: float) -> Font:
    """Pillow's embedded font at `size` pixels."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType and cannot draw text. Install Pillow from PyPI.")
    return font


def font_for(text: str, size: float) -> Font:
    """Pillow's own font if it has every letter of `text`, else the one, shipped or the system's, that has most."""
    own = default_font(size)
    if covers(own, text):
        return own
    fonts = Fonts()
    letters = {cluster for cluster in clusters(clean(text)) if not cluster.isspace()}
    numbers = sorted({fonts.font_of(letter) for letter in letters})
    best = max(numbers, key=lambda number: sum(fonts.covers(number, letter) for letter in letters), default=PILLOW)
    return fonts.font(best, size)


def covers(font: Font, text: str) -> bool:
    """Whether no letter of `text` comes out as the font's sign for a missing one."""
    missing = _shape(font, "\uffff")
    return all(letter.isspace() or _shape(font, letter) != missing for letter in set(text))


def _shape(font: Font, letter: str) -> bytes:
    picture = Image.new("L", (math.ceil(3 * font.size), math.ceil(3 * font.size)))
    ImageDraw.Draw(picture).text((font.size, font.size), letter, fill=255, font=font)
    return picture.tobytes()


def one_line(text: str) -> str:
    """`text` without line breaks and control characters, which fonts cannot draw."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def shorten(text: str, font: Font, width: float) -> str:
    """`text`, cut and ended with three dots where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text.rstrip() + "..."
