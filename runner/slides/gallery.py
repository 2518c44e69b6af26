"""The gallery page: every slide's question and pictures on one offline HTML page, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup
from PIL import Image

from ...files import write_whole
from ..pack import ROOT
from ..workflow import list_bundled
from .folder import kind_of

if TYPE_CHECKING:
    from .slide import Slide

TEMPLATE = "gallery.html"
# Titles of two nodes whose pictures lie over one another under a slider: one becomes the other.
COMPARED = (("Demo Picture", "Canny"), ("Demo Picture", "M-LSD"), ("As a photo", "In animation style"))
WEIGHTS = ROOT / "demo" / "weights"
# Emphasis and code alone: the notes of foreign workflows must bring no links and no pictures into an offline page.
MARKDOWN = MarkdownIt("zero").enable(["emphasis", "backticks"])


def write(slides: Sequence[Slide], folder: Path) -> Path:
    """Write `folder/index.html` with every picture of every slide; returns its path.

    Raises:
        OSError: it cannot be written.
    """
    page = folder / "index.html"
    write_whole(page, render(slides, folder).encode())
    return page


def render(slides: Sequence[Slide], folder: Path) -> str:
    """The page as HTML; its links to pictures are relative to `folder`."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
    )

    def url(path: Path) -> str:
        return quote(path.relative_to(folder).as_posix())

    environment.filters["markdown"] = _markdown
    environment.filters["url"] = url
    environment.filters["kind"] = _kind
    environment.filters["size"] = _size
    return environment.get_template(TEMPLATE).render(
        slides=slides, arrange=_arrange, bundled={path.stem for path in list_bundled()}, model_mb=_model_mb()
    )


def _arrange(slide: Slide) -> list[list[tuple[Path, str]]]:
    """The files of a slide with their captions: its result first, then the others, two together that are compared."""
    ordered = _order(slide)
    figures = [[each] for each in ordered]
    for before, after in COMPARED:
        pair = [next((each for each in ordered if each[1] == title), None) for title in (before, after)]
        if pair[0] and pair[1] and _have_one_shape(pair[0][0], pair[1][0]):
            place = figures.index([pair[0]])
            figures[place] = [pair[0], pair[1]]
            figures.remove([pair[1]])
            break
    return figures


def _have_one_shape(one: Path, other: Path) -> bool:
    (width, height), (across, down) = _size(one) or (0, 0), _size(other) or (0, 0)
    return width * height * across * down > 0 and abs(width * down - across * height) <= max(width, across)


def _order(slide: Slide) -> list[tuple[Path, str]]:
    """The files of a slide with their captions, its result first: the largest of the pictures that were saved."""
    pairs = _without_repeats(slide)
    if not pairs:
        return []
    ranks = [(path in slide.saved, *(_size(path) or (0, 0))) for path, _ in pairs]
    first = max(range(len(pairs)), key=lambda number: (ranks[number][0], ranks[number][1] * ranks[number][2]))
    return [pairs[first], *pairs[:first], *pairs[first + 1 :]]


def _without_repeats(slide: Slide) -> list[tuple[Path, str]]:
    """The files with their captions; of a picture that one node shows and another one saves, only what is saved.

    What is compared stays, for it is shown beside another one.
    """
    pairs = list(zip(slide.pictures, slide.captions, strict=True))
    pixels = {path: _pixels(path) for path in slide.pictures}
    saved = {pixels[path] for path in slide.saved} - {None}
    compared = {title for titles in COMPARED for title in titles}
    return [
        (path, title) for path, title in pairs if path in slide.saved or title in compared or pixels[path] not in saved
    ]


def _size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture in pixels; None for what Pillow cannot read."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _pixels(path: Path) -> str | None:
    """What two files of one picture have in common; None for films, and for what Pillow cannot read."""
    try:
        with Image.open(path) as picture:
            if getattr(picture, "n_frames", 1) > 1:
                return None
            return f"{picture.size} {sha256(picture.convert('RGBA').tobytes()).hexdigest()}"
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def _model_mb() -> int:
    """The size of the embedded model, ControlNets and autoencoder included."""
    return round(sum(path.stat().st_size for path in WEIGHTS.glob("*.safetensors")) / 1e6)


def _markdown(text: str) -> Markup:
    return Markup(MARKDOWN.renderInline(text))


def _kind(path: Path) -> str:
    return kind_of(path).partition("/")[0]
