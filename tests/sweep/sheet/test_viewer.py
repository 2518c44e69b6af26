"""The page of a sweep's folder: opened from the disk in a real browser, with texts that try to be HTML."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from steer.nodes.sweep.folder.manifest import AxisRecord, CellPlan, CellRecord, Manifest
from steer.nodes.sweep.folder.viewer import render_page, write_viewer

EVIL = "</script><script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"
MOODS = AxisRecord("prompt", ("smiling", "angry", f"{IMAGE} & 'laughing'"))
PLACES = AxisRecord("prompt", ("backstreet", EVIL))
SEEDS = AxisRecord(IMAGE, ("seed 1", "seed 2"))

SHOWN = """[...document.querySelectorAll('#grid tr')].slice(1).map(row => [...row.querySelectorAll('td')].map(cell =>
    cell.querySelector('img') ? cell.querySelector('img').naturalWidth - 100 : cell.innerText))"""


def file_of(number: int) -> str:
    return f"a cell #{number} 100%\u63a8?.png"


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Twelve cells; number 1 failed, number 2 is not made yet. The folder held another sweep before."""
    found = Manifest(tmp_path)
    found.start("one cell", [], [CellPlan("k0", (), ())])
    axes = (PLACES, MOODS, SEEDS)
    cells = [
        CellPlan(f"k{number}", at, tuple(axis.labels[i] for axis, i in zip(axes, at, strict=True)))
        for number, at in enumerate(itertools.product(range(2), range(3), range(2)))
    ]
    found.start(EVIL, axes, cells)
    for number in range(12):
        values = {"prompt": f"a girl, {EVIL} \u2028\ud800", "seed": number, "cfg": float("nan")}
        if number == 1:
            found.record(CellRecord("k1", None, f"no such LoRA: {EVIL}", values, 0.1))
        elif number != 2:
            Image.new("RGB", (100 + number, 64), (20 * number, 90, 160)).save(tmp_path / file_of(number))
            found.record(CellRecord(f"k{number}", file_of(number), None, values, 1.0))
    return found


def data_of(html: str) -> Any:
    found = re.findall(r'<script id="data" type="application/json">(.*)</script>', html)
    assert len(found) == 1
    return json.loads(found[0])


def test_no_text_leaves_its_json(manifest: Manifest):
    html = render_page(manifest)
    harmless = Manifest(manifest.folder / "harmless")
    harmless.start("", [], [CellPlan("k", (), ())])
    assert html.count("<") == render_page(harmless).count("<"), "texts add no tags"
    data = data_of(html)
    assert [grid["title"] for grid in data["grids"]] == [EVIL, "one cell"], "the last one first"
    assert data["grids"][0]["axes"][0] == {"name": "prompt", "labels": ["backstreet", EVIL]}
    assert data["states"]["k1"]["error"] == f"no such LoRA: {EVIL}"
    assert data["states"]["k3"]["values"][2] == ["cfg", "NaN"]
    assert "k2" not in data["states"]


def test_a_vanished_picture_is_not_shown_and_no_grid_is_reported(manifest: Manifest):
    (manifest.folder / file_of(5)).unlink()
    path = write_viewer(manifest)
    assert path == manifest.folder / "index.html"
    assert data_of(path.read_text(encoding="utf-8"))["states"]["k5"]["file"] is None
    with pytest.raises(ValueError, match="holds no grid"):
        write_viewer(Manifest(manifest.folder / "empty"))
    assert sorted(p.name for p in manifest.folder.glob("index*")) == ["index.html"]


@pytest.mark.browser
def test_it_opens_from_the_disk_and_switches_axes(manifest: Manifest, browser: str):
    from frontend import browser_page
    from playwright.sync_api import expect

    write_viewer(manifest)
    said: list[str] = []
    asked: list[str] = []
    with browser_page(browser) as tab:
        tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto((manifest.folder / "index.html").as_uri())

        def table() -> list[list[int | str]]:
            """What each cell shows: the number of its picture by the pixels that arrived, or its text."""
            tab.evaluate("Promise.all([...document.images].map(image => image.decode()))")
            return tab.evaluate(SHOWN)

        def pick(label: str, value: int) -> None:
            tab.get_by_label(label, exact=True).select_option(str(value))

        blank = f"no such LoRA: {EVIL}"
        assert table() == [[0, "not made yet", 4], [6, 8, 10]], "the first axis makes rows, the second columns"
        assert tab.locator("h1").inner_text() == EVIL
        assert tab.locator("#grid th[scope=col]").all_inner_texts() == list(MOODS.labels)
        assert tab.locator("#grid th[scope=row]").all_inner_texts() == list(PLACES.labels)
        assert tab.locator("#count").inner_text() == "10 of 12 pictures, 1 failed"

        # Another value of the axis that is neither rows nor columns; then that axis as columns.
        pick(IMAGE, 1)
        assert table() == [[blank, 3, 5], [7, 9, 11]]
        pick("Columns", 2)
        assert tab.locator("#grid th[scope=col]").all_inner_texts() == ["seed 1", "seed 2"]
        assert table() == [[0, blank], [6, 7]], "the mood is smiling"
        pick("Rows", 1)
        assert table() == [[0, blank], ["not made yet", 3], [4, 5]], "the place is backstreet"
        pick("Rows", 2)
        assert table() == [[0, "not made yet", 4], [blank, 3, 5]], "rows and columns change places"
        tab.reload()
        assert table() == [[0, "not made yet", 4], [blank, 3, 5]], "the view survives a reload"

        # By keyboard alone: to a cell, enlarge it, its neighbours, back.
        tab.locator("#grid button").first.focus()
        for key in ("ArrowDown", "ArrowRight", "Enter"):
            tab.keyboard.press(key)
        large = tab.locator("dialog[open] .stage img")
        assert large.evaluate("image => image.decode().then(() => image.naturalWidth)") == 103
        values = tab.locator("#values").inner_text()
        assert f"a girl, {EVIL}" in values
        assert file_of(3) in values
        tab.keyboard.press("ArrowLeft")
        assert tab.locator("dialog[open] .stage").inner_text() == blank
        tab.keyboard.press("Escape")
        expect(tab.locator("dialog[open]")).to_have_count(0)
        expect(tab.locator("#grid button", has_text=blank)).to_be_focused()

        # The other sweep of the folder, a single cell; both themes are readable.
        papers = set()
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            papers.add(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert papers == {"rgb(255, 255, 255)", "rgb(22, 24, 29)"}
        pick("Sweep", 1)
        assert tab.locator("#grid img").count() == 1
    assert said == []
    folder = manifest.folder.as_uri()
    assert all(url.startswith(folder) for url in asked), "nothing outside the folder is asked for"


@pytest.mark.browser
def test_it_can_be_read_on_a_phone_and_pictures_fill_the_screen(tmp_path: Path, browser: str):
    from frontend import browser_page

    rows = AxisRecord("prompt", ("gorgeous cute Austrian girl, smiling", "extraordinarily angry"), "Moods")
    columns = AxisRecord("prompt", ("a backstreet in the rain", "meadows"), "Places")
    manifest = Manifest(tmp_path)
    cells = [CellPlan(f"k{i}{j}", (i, j), (rows.labels[i], columns.labels[j])) for i in range(2) for j in range(2)]
    manifest.start("girl", (rows, columns), cells)
    for cell in cells:
        Image.new("RGB", (64, 64), (250, 250, 250)).save(tmp_path / f"{cell.key}.png")
        manifest.record(CellRecord(cell.key, f"{cell.key}.png", None, {}, 1.0))
    assert [axis["name"] for axis in data_of(render_page(Manifest(tmp_path)))["grids"][0]["axes"]] == [
        "Moods",
        "Places",
    ]
    write_viewer(manifest)
    with browser_page(browser, 390, 844) as tab:
        tab.emulate_media(color_scheme="dark")
        tab.goto((tmp_path / "index.html").as_uri())
        boxes = [head.bounding_box() for head in tab.locator("#grid th").all()]
        for box, words in zip(boxes, (*columns.labels, *rows.labels), strict=True):
            assert box is not None
            lines = box["height"] / 21
            assert box["width"] > 100, f"'{words}' is not broken into letters"
            assert lines < 3
        assert tab.evaluate("document.querySelector('main').scrollWidth <= innerWidth"), "two columns fit"
        assert tab.get_by_label("Rows").locator("option").all_inner_texts() == [
            "none",
            "Moods: gorgeous cute Austrian girl, smiling, e...",
            "Places: a backstreet in the rain, meadows",
        ]
        assert tab.evaluate("getComputedStyle(document.querySelector('.cell img')).filter") == "brightness(0.85)"
        tab.locator("#grid button").first.click()
        large = tab.locator("dialog[open] .stage img")
        large.evaluate("image => image.decode()")
        box = large.bounding_box()
        assert box is not None
        assert box["width"] > 350, "a picture of 64 pixels fills the screen"
        assert tab.evaluate("getComputedStyle(document.querySelector('.stage img')).filter") == "none"
