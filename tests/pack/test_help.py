"""The help pages show pictures that the bundled workflows make; the README says the same in both languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "nodes" / "web" / "docs"
PICTURE = re.compile(r"!\[([^]]+)\]\(pictures/([^)]+)\)")


def test_pages_show_pictures_of_the_workflows_and_no_others():
    from steer.runner.dev.workflows import help_picture
    from steer.workflows.source.slides import SLIDES

    pictures = {help_picture(slide.NAME, title): slide.NAME for slide in SLIDES for title in slide.HELP}
    used: set[str] = set()
    for page in DOCS.glob("*.md"):
        texts = [path.read_text(encoding="utf-8") for path in (page, DOCS / page.stem / "ko.md")]
        english, korean = (PICTURE.findall(text) for text in texts)
        assert [name for _, name in english] == [name for _, name in korean], page.name
        for words, name in [*english, *korean]:
            assert pictures[name] in words, (
                f"{page.name}: {name} is a picture of {pictures[name]}, which its words must name"
            )
        used |= {name for _, name in english}
    assert used == pictures.keys() == {path.name for path in (DOCS / "pictures").iterdir()}


def test_every_page_says_when_what_and_what_to_mind():
    for page in DOCS.glob("*.md"):
        texts = [path.read_text(encoding="utf-8") for path in (page, DOCS / page.stem / "ko.md")]
        english, korean = ([line for line in text.splitlines() if line.startswith("#")] for text in texts)
        assert {"## When to use it", "## Pitfalls"} <= {*english}, page.name
        assert {"## \uc5b8\uc81c \uc4f0\ub098\uc694", "## \uc8fc\uc758\ud560 \uc810"} <= {*korean}, page.name
        assert all(re.search(r"!\[[^]]+\]\((pictures|measured)/", text) for text in texts), page.name


def test_pictures_are_small():
    for path in (DOCS / "pictures").iterdir():
        with Image.open(path) as picture:
            assert 256 <= max(picture.size) <= 512, path.name
        assert path.stat().st_size < 100_000, path.name


def _outline(path: Path) -> dict[str, Any]:
    """What a translation leaves as it is: levels of headings, commands, pictures, rows of tables with their names."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```.*?^```", text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    rows = [line.split(" | ")[0] for line in prose.splitlines() if line.startswith("|")]
    return {
        "headings": [line.split(" ")[0] for line in prose.splitlines() if line.startswith("#")],
        "commands": [[line.partition("#")[0].rstrip() for line in block.splitlines()] for block in blocks],
        "pictures": re.findall(r"!\[[^]]+\]\(([^)]+)\)", text),
        "rows": [re.findall(r"`[^`]+`|\*\*[^*]+\*\*", row) for row in rows],
        "lists": sum(bool(re.match(r"(-|[0-9]+\.) ", line)) for line in prose.splitlines()),
        "code": sorted(set(re.findall(r"`[^`]+`", prose))),
    }


def test_the_korean_readme_mirrors_the_english_one():
    english, korean = (_outline(ROOT / name) for name in ("README.md", "README.ko.md"))
    for part in english:
        assert korean[part] == english[part], f"README.ko.md differs from README.md in its {part}"


def test_the_readme_names_every_node_and_workflow():
    from steer.workflows.source.slides import SLIDES

    labels = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
    rows = {name.strip("*`") for row in _outline(ROOT / "README.md")["rows"] for name in row}
    slides = {slide.NAME for slide in SLIDES}
    assert slides | {label["display_name"] for label in labels.values()} <= rows
