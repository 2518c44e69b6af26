"""The gallery page: every slide's pictures on one offline HTML page, light and dark."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from .slides import Slide

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Steer: the slides</title>
<style>
:root {{ color-scheme: light dark; --line: light-dark(#d8dce2, #3a3f47); --dim: light-dark(#5b6470, #9aa4b1); }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem;
        background: light-dark(#fbfbfc, #17191d); color: light-dark(#1d2127, #e7eaee); }}
h1 {{ font-size: 1.5rem; }} h2 {{ font-size: 1.1rem; margin: 0 0 .25rem; }}
section {{ border-top: 1px solid var(--line); padding: 1.25rem 0; }}
p {{ margin: 0 0 .75rem; color: var(--dim); }} .bad {{ color: light-dark(#b3261e, #ff8a80); white-space: pre-wrap; }}
.pictures {{ display: flex; flex-wrap: wrap; gap: .75rem; }}
figure {{ margin: 0; max-width: 100%; }} figcaption {{ font-size: .85rem; color: var(--dim); }}
img {{ max-width: 100%; max-height: 420px; border-radius: 4px; display: block; }}
</style></head><body>
<h1>Steer: the slides</h1>
{sections}
</body></html>
"""


def write(slides: list[Slide], folder: Path) -> Path:
    """Write `folder/index.html` with every picture of every slide; returns its path."""
    page = folder / "index.html"
    page.write_text(PAGE.format(sections="\n".join(_section(slide, folder) for slide in slides)), encoding="utf-8")
    return page


def _section(slide: Slide, folder: Path) -> str:
    figures = "".join(
        f'<figure><a href="{_url(path, folder)}"><img src="{_url(path, folder)}" alt="{escape(caption)}"></a>'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for path, caption in zip(slide.pictures, slide.captions, strict=True)
    )
    checks = ", ".join(f"{name}: {'yes' if passed else 'NO'}" for name, passed in slide.checks.items())
    told = (
        f'<p class="bad">{escape(slide.error)}</p>'
        if slide.error
        else f"<p>{slide.seconds:.1f} s. {escape(checks)}</p>"
    )
    name = escape(slide.name)
    return f'<section id="{name}"><h2>{name}</h2>{told}<div class="pictures">{figures}</div></section>'


def _url(path: Path, folder: Path) -> str:
    return quote(path.relative_to(folder).as_posix())
