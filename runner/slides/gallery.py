"""The gallery page: every slide's question and pictures on one offline HTML page, light and dark."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from .folder import kind_of

if TYPE_CHECKING:
    from .slide import Slide

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Steer: the slides</title>
<style>
:root {{ color-scheme: light dark; --line: light-dark(#d8dce2, #3a3f47); --dim: light-dark(#5b6470, #9aa4b1); }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem;
        background: light-dark(#fbfbfc, #17191d); color: light-dark(#1d2127, #e7eaee); overflow-wrap: anywhere; }}
h1 {{ font-size: 1.6rem; margin: 0 0 .5rem; }} h2 {{ font-size: 1.35rem; margin: 0 0 .25rem; }}
nav ol {{ margin: 0 0 1.5rem; padding-left: 1.5rem; }} a {{ color: light-dark(#1a5fb4, #99c1f1); }}
:focus-visible {{ outline: 3px solid currentColor; outline-offset: 2px; border-radius: 4px; }}
section {{ border-top: 1px solid var(--line); padding: 1.25rem 0; }}
p {{ margin: 0 0 .75rem; color: var(--dim); }} .bad {{ color: light-dark(#b3261e, #ff8a80); white-space: pre-wrap; }}
.pictures {{ display: flex; flex-wrap: wrap; gap: .75rem; }}
ul {{ margin: .75rem 0; padding-left: 1.25rem; list-style-type: "\\2713\\a0"; }}
li.bad {{ list-style-type: "\\2717\\a0"; }}
figure {{ margin: 0; max-width: 100%; }} figure a {{ display: block; }}
figcaption {{ font-size: .85rem; color: var(--dim); }}
img, video {{ max-width: 100%; max-height: 420px; border-radius: 4px; display: block; }}
</style></head><body>
<h1>Steer: the slides</h1>
<nav aria-label="Slides"><ol>{links}</ol></nav>
<main>{sections}</main>
</body></html>
"""


def write(slides: list[Slide], folder: Path) -> Path:
    """Write `folder/index.html` with every picture of every slide; returns its path."""
    page = folder / "index.html"
    links = "".join(f'<li><a href="#{quote(slide.name)}">{_heading(slide)}</a></li>' for slide in slides)
    sections = "\n".join(_section(slide, folder) for slide in slides)
    page.write_text(PAGE.format(links=links, sections=sections), encoding="utf-8")
    return page


def _heading(slide: Slide) -> str:
    return escape(slide.question or slide.name)


def _inline(markdown: str) -> str:
    """Markdown's **bold** and *italic* as HTML, everything else escaped."""
    bold = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(markdown))
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", bold)


def _section(slide: Slide, folder: Path) -> str:
    figures = "".join(
        f"<figure>{_figure(path, folder, caption)}<figcaption>{escape(caption)}</figcaption></figure>"
        for path, caption in zip(slide.pictures, slide.captions, strict=True)
    )
    checks = ", ".join(
        f"{escape(name)}: yes" if passed else f'<span class="bad">{escape(name)}: NO</span>'
        for name, passed in slide.checks.items()
    )
    told = (
        f'<p class="bad">{escape(slide.error)}</p>'
        if slide.error
        else f"<p><small>{escape(slide.name)}: {slide.seconds:.1f} s. {checks}</small></p>"
    )
    promises = "".join(
        f"<li{'' if kept else ' class=bad'}>{escape(text)}{'' if kept else ' (not kept)'}</li>"
        for text, kept in slide.measured.items()
    )
    told = f"<ul>{promises}</ul>{told}" if promises else told
    look_at = f"<p>{_inline(slide.look_at)}</p>" if slide.look_at else ""
    return (
        f'<section id="{escape(slide.name)}"><h2>{_heading(slide)}</h2>{look_at}<div class="pictures">{figures}</div>'
        f"{told}</section>"
    )


def _figure(path: Path, folder: Path, caption: str) -> str:
    """A picture, a player for what moves or sounds, the name of anything else."""
    url = _url(path, folder)
    kind = kind_of(path).partition("/")[0]
    if kind in ("video", "audio"):
        return f'<{kind} controls src="{url}" aria-label="{escape(caption)}"></{kind}>'
    inner = f'<img src="{url}" alt="{escape(caption)}">' if kind == "image" else escape(path.name)
    return f'<a href="{url}">{inner}</a>'


def _url(path: Path, folder: Path) -> str:
    return quote(path.relative_to(folder).as_posix())
