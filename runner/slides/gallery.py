"""The gallery page: every slide's question and pictures on one offline HTML page, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from ...files import write_whole
from .folder import kind_of

if TYPE_CHECKING:
    from .slide import Slide

TEMPLATE = "gallery.html"
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
    return environment.get_template(TEMPLATE).render(slides=slides)


def _markdown(text: str) -> Markup:
    return Markup(MARKDOWN.renderInline(text))


def _kind(path: Path) -> str:
    return kind_of(path).partition("/")[0]
