"""Fonts for text in any language: two that ship with Steer, Pillow's own, then whatever the system has.

Shipped (font_files/, SIL Open Font License): Latin, Greek, Cyrillic, Korean, Japanese, Chinese from Noto Sans CJK,
and emoji without colour from Noto Emoji. They come first, so that a sheet looks the same on every machine.
"""

from __future__ import annotations

import math
import os
import sys
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont, features

Font: TypeAlias = ImageFont.FreeTypeFont

FONT_FILES = Path(__file__).parent / "font_files"
CJK_FILE = FONT_FILES / "NotoSansCJKjp-Subset.otf"
EMOJI_FILE = FONT_FILES / "NotoEmoji-Subset.ttf"
CJK, EMOJI, PILLOW = 0, 1, 2  # places in Fonts' order
# Emoji of Noto Emoji are 1.25 em wide and high; so they are drawn a little smaller, to sit among letters.
EMOJI_SCALE = 0.92

PROBE_SIZE = 24  # pixels: large enough that any two letters differ
MAX_SYSTEM_FONTS = 400
# Which of the system's fonts to ask first; the rest follow by name.
PREFERRED = (
    "notosans",
    "malgun",
    "applesdgothicneo",
    "msyh",
    "dejavusans.",
    "segoeui",
    "arialunicode",
    "arial",
    "noto",
)
STYLES = ("bold", "italic", "oblique", "black", "thin", "light", "condensed")

ZWJ = "\u200d"
REGIONAL = range(0x1F1E6, 0x1F200)
SKIN_TONES = range(0x1F3FB, 0x1F400)
TAGS = range(0xE0020, 0xE0080)


def embedded_font(size: float) -> Font:
    """The font inside Pillow (Aileron: Latin letters) at `size` pixels."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType and cannot draw text. Install Pillow from PyPI.")
    return font


def clean(text: str) -> str:
    """`text` as fonts can draw it: composed (NFC), no control characters but line breaks, no lone surrogates."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(_drawable(letter) for letter in text)


def _drawable(letter: str) -> str:
    if letter == "\n" or letter == ZWJ or ord(letter) in TAGS:
        return letter
    kind = unicodedata.category(letter)
    if kind == "Cs":
        return "\ufffd"
    if kind == "Cf":  # invisible marks of direction and the like
        return ""
    return " " if kind in ("Cc", "Zl", "Zp", "Zs") else letter


def clusters(text: str) -> Iterator[str]:
    """What a reader sees as one letter each: a base with its accents, an emoji with its modifiers, a flag.

    A small version of the grapheme clusters of Unicode Standard Annex 29: enough for labels.
    """
    current = ""
    for letter in text:
        if current and _joins(current, letter):
            current += letter
            continue
        if current:
            yield current
        current = letter
    if current:
        yield current


def _joins(cluster: str, letter: str) -> bool:
    code = ord(letter)
    if letter == ZWJ or cluster[-1] == ZWJ or code in SKIN_TONES or code in TAGS:
        return not cluster[-1].isspace()
    if code in REGIONAL:
        return len(cluster) == 1 and ord(cluster) in REGIONAL
    return unicodedata.category(letter) in ("Mn", "Me", "Mc") and not cluster[-1].isspace()


def _is_selector(letter: str) -> bool:
    return 0xFE00 <= ord(letter) <= 0xFE0F


def _letters(text: str) -> list[str]:
    """What a font must have to draw `text`: all but spaces and marks that only steer how letters join."""
    return [c for c in text if c != ZWJ and not _is_selector(c) and not c.isspace() and ord(c) not in TAGS]


def _wants_emoji(cluster: str) -> bool:
    return ord(cluster[0]) >= 0x1F000 or "\ufe0f" in cluster or "\u20e3" in cluster


class _Source:
    """One font file at any size, and which letters it has."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._sizes: dict[float, Font] = {}
        self._has: dict[str, bool] = {}

    def at(self, size: float) -> Font:
        if size not in self._sizes:
            self._sizes[size] = embedded_font(size) if self.path is None else ImageFont.truetype(str(self.path), size)
        return self._sizes[size]

    def covers(self, letter: str) -> bool:
        """Whether `letter` comes out as anything else than the font's sign for a missing one."""
        if letter not in self._has:
            try:
                self._has[letter] = self._shape(letter) != self._missing
            except OSError:  # no font, a damaged one, or colour bitmaps that exist at one size only
                self._has[letter] = False
        return self._has[letter]

    @cached_property
    def _missing(self) -> bytes:
        return self._shape("\uffff")

    def _shape(self, letter: str) -> bytes:
        picture = Image.new("L", (4 * PROBE_SIZE, 3 * PROBE_SIZE))
        ImageDraw.Draw(picture).text((PROBE_SIZE, 2 * PROBE_SIZE), letter, 255, self.at(PROBE_SIZE), anchor="ls")
        return picture.tobytes()


class Fonts:
    """The fonts of one drawing. `missing` collects the letters that none of them has.

    system: whether to look at the fonts installed on this machine for letters that no shipped font has.
    """

    def __init__(self, system: bool = True) -> None:
        self.missing: set[str] = set()
        self._sources = [_Source(CJK_FILE), _Source(EMOJI_FILE), _Source(None)]
        self._more = _system_fonts() if system else iter(())
        self._chosen: dict[str, int] = {}
        self._widths: dict[tuple[str, float], float] = {}
        self._ligatures = features.check("raqm")

    def runs(self, text: str) -> list[tuple[int, str]]:
        """`text` (cleaned, one line) in pieces of one font each: (the font's number, piece)."""
        found: list[tuple[int, str]] = []
        for cluster in clusters(text):
            number = found[-1][0] if cluster.isspace() and found and found[-1][0] != EMOJI else self.font_of(cluster)
            if not self._ligatures:
                cluster = "".join(c for c in cluster if c != ZWJ and not _is_selector(c) and ord(c) not in TAGS)
            if found and found[-1][0] == number:
                found[-1] = (number, found[-1][1] + cluster)
            else:
                found.append((number, cluster))
        return found

    def font(self, number: int, size: float) -> Font:
        return self._sources[number].at(size * EMOJI_SCALE if number == EMOJI else size)

    def width(self, text: str, size: float) -> float:
        """Pixels that one line of cleaned `text` takes at `size`, with what its ends reach beyond their letters."""
        key = (text, size)
        if key not in self._widths:
            runs = [(self.font(number, size), run) for number, run in self.runs(text)]
            beyond = 0.0
            if runs:
                font, run = runs[-1]
                beyond = max(0.0, font.getbbox(run, anchor="ls")[2] - font.getlength(run))
            advance = sum(font.getlength(run) for font, run in runs)
            self._widths[key] = self.overhang(text, size) + advance + beyond
        return self._widths[key]

    def overhang(self, text: str, size: float) -> float:
        """Pixels that the first letter of a line, a j for one, reaches to the left of where it is set."""
        for number, run in self.runs(text):
            return max(0.0, -self.font(number, size).getbbox(run, anchor="ls")[0])
        return 0.0

    def covers(self, number: int, text: str) -> bool:
        """Whether font `number` has every letter of cleaned `text`."""
        return all(self._sources[number].covers(letter) for letter in _letters(text))

    def font_of(self, cluster: str) -> int:
        """The number of the first font that has the whole cluster; of Pillow's when none has."""
        if cluster not in self._chosen:
            self._chosen[cluster] = self._search(cluster)
        return self._chosen[cluster]

    def _search(self, cluster: str) -> int:
        order = [EMOJI, CJK, PILLOW] if _wants_emoji(cluster) else [CJK, PILLOW, EMOJI]
        for number in (*order, *range(PILLOW + 1, len(self._sources))):
            if self.covers(number, cluster):
                return number
        for source in self._more:
            self._sources.append(source)
            if self.covers(len(self._sources) - 1, cluster):
                return len(self._sources) - 1
        self.missing.update(_letters(cluster))
        return PILLOW


def find_unknown_letters(letters: set[str]) -> str:
    """Letters that no font has, for a log line: 'X' (U+0058), ..."""
    named = [f"'{letter}' (U+{ord(letter):04X})" for letter in sorted(letters)]
    return ", ".join(named[:8]) + (f" and {len(named) - 8} more" if len(named) > 8 else "")


def font_folders() -> list[Path]:
    """Where this system keeps fonts: fontconfig's usual folders, or those of Windows or macOS."""
    home = Path.home()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA", str(home / "AppData" / "Local"))
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts", Path(local) / "Microsoft" / "Windows" / "Fonts"]
    if sys.platform == "darwin":
        return [home / "Library" / "Fonts", Path("/Library/Fonts"), Path("/System/Library/Fonts")]
    data = os.environ.get("XDG_DATA_HOME", str(home / ".local" / "share"))
    shared = os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")
    return [home / ".fonts", *(Path(folder) / "fonts" for folder in (data, *shared) if folder)]


def _system_fonts() -> Iterator[_Source]:
    """Fonts installed here, the most promising first. Nothing is read until the first is asked for."""
    files: list[Path] = []
    for folder in font_folders():
        for parent, _, names in os.walk(folder):
            files += [Path(parent, name) for name in names if name.lower().endswith((".ttf", ".otf", ".ttc"))]
    for path in sorted(files, key=_rank)[:MAX_SYSTEM_FONTS]:
        yield _Source(path)


def _rank(path: Path) -> tuple[bool, int, str]:
    name = path.name.lower().replace(" ", "")
    preferred = next((i for i, start in enumerate(PREFERRED) if name.startswith(start)), len(PREFERRED))
    return any(style in name for style in STYLES), preferred, name


def font_for(text: str, size: float) -> Font:
    """Pillow's own font if it has every letter of `text`, else the one, shipped or the system's, that has most."""
    own = embedded_font(size)
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
