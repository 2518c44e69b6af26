"""The help pages have one order and pictures of the bundled workflows; the README says the same in both languages."""

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


# What the headings of a page are, in their order.
ENGLISH = ("Try this", "Inputs", "Pitfalls", "Details")
KOREAN = (
    "\ud574 \ubcf4\uc138\uc694",
    "\uc785\ub825",
    "\uc8fc\uc758\ud560 \uc810",
    "\uc790\uc138\ud788",
)
FIRST_SCREEN = 600  # characters
PANEL_WORD, PANEL_CELL = 12, 110  # characters that a table of two columns has room for in a panel of 240 pixels


def _pages() -> list[tuple[str, str, tuple[str, ...], dict[str, Any]]]:
    """Each page: its name and text, the headings of its language, the labels of its node."""
    pages = []
    for language, headings in (("en", ENGLISH), ("ko", KOREAN)):
        labels = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))
        for english in sorted(DOCS.glob("*.md")):
            path = english if language == "en" else DOCS / english.stem / "ko.md"
            text = path.read_text(encoding="utf-8")
            assert f"\n## {headings[-1]}\n" in text, f"{path}: has no {headings[-1]}"
            pages.append((path.relative_to(DOCS).as_posix(), text, headings, labels[english.stem]))
    return pages


def test_every_page_begins_with_its_node_and_a_picture():
    for name, text, _, label in _pages():
        assert text.startswith(f"# {label['display_name']}\n"), f"{name}: the heading is the node's one name"
        first_screen = text[:FIRST_SCREEN].partition("\n## ")[0].partition("\n|")[0]
        assert re.search(r"^!\[", first_screen, re.MULTILINE), f"{name}: no picture on the first screen"


def test_every_page_has_things_to_try_inputs_and_pitfalls_above_its_details():
    for name, text, (tries, inputs, pitfalls, details), label in _pages():
        above = text[: text.index(f"\n---\n\n## {details}\n")]
        sections = re.split(r"^## ", above, flags=re.MULTILINE)[1:]
        points = {part.partition("\n")[0]: len(re.findall(r"^- ", part, re.MULTILINE)) for part in sections}
        expected = {tries: 2, inputs: 0, pitfalls: 3} if label.get("inputs") else {tries: 2, pitfalls: 3}
        assert list(points.items()) == list(expected.items()), name
        assert f"\n## {details}\n" not in above
        assert not re.search(r"^## ", text[len(above) + len(f"\n---\n\n## {details}\n") :], re.MULTILINE), name


def test_the_table_of_inputs_names_each_by_its_label_and_fits_a_narrow_panel():
    for name, text, (*_, details), label in _pages():
        above = text[: text.index(f"\n## {details}\n")]
        rows = [line.strip("| ").split(" | ") for line in above.splitlines() if line.startswith("| ")][1:]
        assert all(len(row) == 2 for row in rows), f"{name}: a table of two columns"
        named = sorted(each.strip() for row in rows for each in row[0].split(","))
        assert named == sorted(slot["name"].replace("_", " ") for slot in label.get("inputs", {}).values()), name
        for cell in (cell for row in rows for cell in row):
            longest = max(re.findall(r"[!-~]+", cell) or [""], key=len)
            assert len(longest.strip(",.:;")) <= PANEL_WORD, f"{name}: {longest} is too long for the table"
            assert len(cell) <= PANEL_CELL, f"{name}: {cell}"


def test_lists_are_explained_in_the_same_words():
    others = re.compile(r"commas (?:or|and) line breaks|line breaks (?:or|and) commas", re.IGNORECASE)
    for name, text, *_ in _pages():
        assert not others.search(text), f"{name}: say 'Write one in each line, or put commas between them.'"


def test_bold_words_in_korean_are_bold():
    """Markdown shows the stars of `**word)**` when a letter follows: Korean particles do."""
    shown = re.compile(r"[^\w\s*]\*\*[\uac00-\ud7a3]")
    for name, text, *_ in _pages():
        assert not (found := shown.search(re.sub(r"`[^`]*`", "x", text))), f"{name}: {found}"


def test_pictures_are_small():
    for path in (DOCS / "pictures").iterdir():
        with Image.open(path) as picture:
            assert 256 <= max(picture.size) <= 1100, path.name
        assert path.stat().st_size < 150_000, path.name


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
