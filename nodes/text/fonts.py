"""Fonts for text in any language: two that ship with Steer, Pillow's own, then those installed on this machine.

Shipped (font_files/, SIL Open Font License): Latin, Greek, Cyrillic, Korean, Japanese, Chinese from Noto Sans CJK,
and emoji without colour from Noto Emoji. They come before the machine's own, so that a sheet looks the same everywhere.

Whether a font has a letter is found by drawing it: fontTools, which could read that from the file, is none of Steer's
dependencies, and Pillow does not say.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont, features

from .letters import clusters, is_joiner, letters_to_draw, wants_emoji

Font: TypeAlias = ImageFont.FreeTypeFont

FONT_FILES = Path(__file__).parent / "font_files"
CJK_FILE = FONT_FILES / "NotoSansCJKjp-Subset.otf"
EMOJI_FILE = FONT_FILES / "NotoEmoji-Subset.ttf"
CJK, EMOJI, PILLOW = 0, 1, 2  # the numbers of the fonts that are always there; more follow
# Emoji of Noto Emoji are 1.25 em wide and high; so they are drawn a little smaller, to sit among letters.
EMOJI_SCALE = 0.92

_PROBE_SIZE = 24  # pixels: large enough that any two letters differ
_NO_LETTER = "\uffff"  # which no font has
_MAX_SYSTEM_FONTS = 400
_MAX_NAMED = 8  # letters named in a log line
_MAX_MISSED = 50  # letters that no font of this machine had, before it is no longer searched: each costs all fonts
# Which of the system's fonts to try first; the rest follow by name.
_PREFERRED = (
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
_STYLES = ("bold", "italic", "oblique", "black", "thin", "light", "condensed")


def embedded_font(size: float) -> Font:
    """The font inside Pillow (Aileron: Latin letters) at `size` pixels.

    Raises:
        RuntimeError: this Pillow cannot draw text.
    """
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("Pillow was built without FreeType and cannot draw text. Install Pillow from PyPI.")
    return font


class _Source:
    """One font file at any size, and which letters it has. path: None is Pillow's own."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._sizes: dict[float, Font] = {}
        self._has: dict[str, bool] = {}

    def at(self, size: float) -> Font:
        if size not in self._sizes:
            self._sizes[size] = embedded_font(size) if self.path is None else ImageFont.truetype(str(self.path), size)
        return self._sizes[size]

    def has(self, letter: str) -> bool:
        """Whether `letter` comes out as anything else than the font's sign for a missing one."""
        if letter not in self._has:
            try:
                self._has[letter] = self._draw(letter) != self._missing
            except OSError:  # no font, a damaged one, or colour bitmaps that exist at one size only
                self._has[letter] = False
        return self._has[letter]

    @cached_property
    def _missing(self) -> bytes:
        return self._draw(_NO_LETTER)

    def _draw(self, letter: str) -> bytes:
        picture = Image.new("L", (4 * _PROBE_SIZE, 3 * _PROBE_SIZE))
        ImageDraw.Draw(picture).text((_PROBE_SIZE, 2 * _PROBE_SIZE), letter, 255, self.at(_PROBE_SIZE), anchor="ls")
        return picture.tobytes()


class Fonts:
    """The fonts of one drawing: every letter is drawn in the first that has it.

    Texts are cleaned (letters.py) and of one line; sizes are pixels of an em.

    first: the font to try first, CJK (as sheets) or PILLOW (as charts). system: whether the fonts installed on this
    machine follow the shipped ones. `missing` collects the letters that none of them has.
    """

    def __init__(self, system: bool = True, first: int = CJK) -> None:
        self.missing: set[str] = set()
        self._order = (CJK, PILLOW, EMOJI) if first == CJK else (PILLOW, CJK, EMOJI)
        self._sources = [_Source(CJK_FILE), _Source(EMOJI_FILE), _Source(None)]
        self._untried = _list_system_fonts() if system else iter(())
        self._chosen: dict[str, int] = {}
        self._widths: dict[tuple[str, float], float] = {}
        self._ligatures = features.check("raqm")

    def split_runs(self, text: str) -> list[tuple[int, str]]:
        """`text` in pieces of one font each: (the font's number, piece)."""
        runs: list[tuple[int, str]] = []
        for cluster in clusters(text):
            number = runs[-1][0] if cluster.isspace() and runs and runs[-1][0] != EMOJI else self.choose_font(cluster)
            if not self._ligatures:
                cluster = "".join(letter for letter in cluster if not is_joiner(letter))
            if runs and runs[-1][0] == number:
                runs[-1] = (number, runs[-1][1] + cluster)
            else:
                runs.append((number, cluster))
        return runs

    def font(self, number: int, size: float) -> Font:
        """The font with this number."""
        return self._sources[number].at(size * EMOJI_SCALE if number == EMOJI else size)

    def width(self, text: str, size: float) -> float:
        """Pixels that `text` takes, with what its ends reach beyond their letters."""
        key = (text, size)
        if key not in self._widths:
            runs = [(self.font(number, size), run) for number, run in self.split_runs(text)]
            beyond = 0.0
            if runs:
                font, run = runs[-1]
                beyond = max(0.0, font.getbbox(run, anchor="ls")[2] - font.getlength(run))
            advance = sum(font.getlength(run) for font, run in runs)
            self._widths[key] = self.overhang(text, size) + advance + beyond
        return self._widths[key]

    def overhang(self, text: str, size: float) -> float:
        """Pixels that the first letter, a j for one, reaches to the left of where it is set."""
        for number, run in self.split_runs(text):
            return max(0.0, -self.font(number, size).getbbox(run, anchor="ls")[0])
        return 0.0

    def choose_font(self, cluster: str) -> int:
        """The number of the first font that has the whole cluster; PILLOW if none has."""
        if cluster not in self._chosen:
            self._chosen[cluster] = self._find_font(cluster)
        return self._chosen[cluster]

    def _find_font(self, cluster: str) -> int:
        letters = letters_to_draw(cluster)
        order = (EMOJI, CJK, PILLOW) if wants_emoji(cluster) else self._order
        others = range(PILLOW + 1, len(self._sources)) if len(self.missing) < _MAX_MISSED else ()
        for number in (*order, *others):
            if all(map(self._sources[number].has, letters)):
                return number
        for source in self._untried if len(self.missing) < _MAX_MISSED else ():
            self._sources.append(source)
            if all(map(source.has, letters)):
                return len(self._sources) - 1
        self.missing.update(letters)
        return PILLOW


def name_letters(letters: set[str]) -> str:
    """Letters for a log line: 'X' (U+0058), ..."""
    names = [f"'{letter}' (U+{ord(letter):04X})" for letter in sorted(letters)]
    rest = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + rest


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


def _list_system_fonts() -> Iterator[_Source]:
    """Fonts installed here, the most promising first. Nothing is read until the first is asked for."""
    files: list[Path] = []
    for folder in font_folders():
        for parent, _, names in os.walk(folder):
            files += [Path(parent, name) for name in names if name.lower().endswith((".ttf", ".otf", ".ttc"))]
    for path in sorted(files, key=_rank)[:_MAX_SYSTEM_FONTS]:
        yield _Source(path)


def _rank(path: Path) -> tuple[bool, int, str]:
    name = path.name.lower().replace(" ", "")
    preferred = next((i for i, start in enumerate(_PREFERRED) if name.startswith(start)), len(_PREFERRED))
    return any(style in name for style in _STYLES), preferred, name
