"""The gallery page in a real browser, from its file and with no network: light and dark, by keyboard, on a phone."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageChops

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from steer.runner.comfyui.process import ComfyServer

pytestmark = [pytest.mark.server, pytest.mark.browser]
SCREENSHOTS = Path(__file__).resolve().parents[3] / "output" / "screenshots"
SCHEMES = ("light", "dark")
LONG = "a_name_that_can_be_broken_nowhere_" * 4

# Every text on the page with the colour it has and the one that it stands on.
TEXTS = """() => {
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    const numbers = color => color.match(/[0-9.]+/g).map(Number);
    const ground = element => {
        for (let e = element; e; e = e.parentElement) {
            const color = numbers(getComputedStyle(e).backgroundColor);
            if (color.length === 3) return color;
            if (color[3] !== 0) throw new Error('a ground that can be seen through');
        }
        throw new Error('no ground');
    };
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
        const kind = element.closest('figcaption, li, p, h1, h2, a, summary').tagName;
        found.push({text: walker.currentNode.data.trim(), kind,
                    bad: !!element.closest('.bad'), color: numbers(getComputedStyle(element).color),
                    ground: ground(element)});
    }
    return found; }"""
# What can be used, in the order of the page; the browser numbers each, for the comparison with what Tab reaches.
USABLE = """() => {
    const all = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex], video, audio')];
    all.forEach((element, number) => element.dataset.number = number);
    return all.length; }"""
FOCUSED = """() => {
    const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
    if (e === document.body) return null;
    const ring = style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
    return {number: Number(e.dataset.number), ring, color: style.outlineColor.match(/[0-9.]+/g).map(Number),
            ground: getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number),
            box: [box.left, box.top, box.right, box.bottom]}; }"""


def contrast(one: list[float], other: list[float]) -> float:
    """WCAG 2.2, "contrast ratio" and "relative luminance"."""

    def luminance(color: list[float]) -> float:
        assert len(color) == 3, "a colour that can be seen through"
        parts = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(scope="module")
def gallery_file(server: ComfyServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real run of a small workflow, and of slides in every state that one can be in."""
    from small_workflows import edges_only
    from steer.runner import workflow as workflows
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.slides import gallery
    from steer.runner.slides.command import run_slide
    from steer.runner.slides.slide import Slide
    from steer.runner.workflow import Note

    folder = tmp_path_factory.mktemp("gallery")
    client = ComfyClient(server.url, server.check_alive)
    graph = workflows.read_graph(edges_only(tmp_path_factory.mktemp("edges")))
    real = run_slide(client, "08-edges", graph, client.get("/object_info"), folder)
    assert real.ok, real.error
    real.promises = {"edges on the hint's edges: F1 0.81": True}
    wide, sound, other = folder / "wide.png", folder / "sound.wav", folder / "other.bin"
    Image.radial_gradient("L").resize((3000, 200)).save(wide)
    other.write_bytes(b"x")
    with wave.open(str(sound), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0\0" * 800)
    odd = Slide(
        "odd",
        Note("Why " + LONG + "?", LONG, "**Look at** " + LONG, (LONG, "`more`")),
        [wide, sound, other],
        [LONG, "Sound", "Other"],
        61.5,
        {"made pictures": True, "no picture is blank": False},
        {"lines found again: 0.31": False},
    )
    broken = Slide(
        "broken", Note("Does it end?"), error=f"The node stopped:\n  File /{LONG}/{LONG}.py\n  RuntimeError: no"
    )
    return gallery.write([real, odd, broken], folder)


@pytest.fixture(scope="module")
def window(browser: str) -> Iterator[Page]:
    """One browser for all tests, from which nothing but files is let through."""
    from frontend import browser_page

    with browser_page(browser) as page:
        page.route(lambda url: not url.startswith("file:"), lambda route: route.abort())
        page.context.set_offline(True)
        yield page


@pytest.fixture
def page(window: Page, gallery_file: Path) -> Iterator[Page]:
    """The page, opened from its file; afterwards, nothing was requested outside its folder."""
    urls: list[str] = []

    def note(request: Any) -> None:
        urls.append(request.url)

    window.on("request", note)
    window.goto("about:blank")  # from a fragment of the same page, it would not be loaded again
    window.set_viewport_size({"width": 1280, "height": 800})
    window.goto(gallery_file.as_uri())
    yield window
    window.remove_listener("request", note)
    assert gallery_file.as_uri() in urls
    inside = gallery_file.parent.as_uri() + "/"
    outside = [url for url in urls if not url.startswith(inside) and url != "about:blank"]
    assert outside == [], "a request left the page"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_can_be_read(page: Page, scheme: Any):
    page.emulate_media(color_scheme=scheme)
    texts = page.evaluate(TEXTS)
    assert {"H1", "H2", "A", "P", "LI", "FIGCAPTION", "SUMMARY"} <= {text["kind"] for text in texts}
    assert {text["bad"] for text in texts} == {True, False}
    ground = texts[0]["ground"]
    assert (sum(ground) > 600) == (scheme == "light"), ground
    for text in texts:
        assert contrast(text["color"], text["ground"]) >= 4.5, text
    page.screenshot(path=SCREENSHOTS / f"gallery-{scheme}.png", full_page=True)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(page: Page, scheme: Any, tmp_path: Path):
    page.emulate_media(color_scheme=scheme)
    count = page.evaluate(USABLE)
    assert count >= 3 + 3  # the slides' links and the first slide's pictures
    reached: list[int] = []
    for _ in range(count * 12):  # a player has stops of its own inside
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUSED)
        if focus is None or (reached and focus["number"] == 0):
            break
        if focus["number"] in reached:
            continue
        reached.append(focus["number"])
        assert focus["ring"] >= 2, focus
        assert contrast(focus["color"], focus["ground"]) >= 3, focus
        left, top, right, bottom = focus["box"]
        assert right > left, focus
        assert bottom > top, focus
        assert top < 800, "focus is where nobody sees it"
        assert bottom > 0, "focus is where nobody sees it"
        shots = [tmp_path / name for name in ("with.png", "without.png")]
        for shot in shots:
            page.screenshot(path=shot)
            page.evaluate("document.activeElement.blur()")
        with Image.open(shots[0]) as one, Image.open(shots[1]) as other:
            assert ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox(), focus
        page.evaluate("number => document.querySelector(`[data-number='${number}']`).focus()", focus["number"])
    assert reached == list(range(count))
    page.evaluate("document.activeElement.blur()")


def test_a_link_of_the_list_leads_to_its_slide(page: Page):
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#odd"
    assert page.evaluate("document.querySelector('#odd h2').getBoundingClientRect().top") < 800
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_slide_has_its_own_number_in_the_list(page: Page):
    """Also where it is the only one that was run."""
    numbers = page.locator("nav li").evaluate_all("items => items.map(item => item.value)")
    assert numbers[0] == 8


def test_every_picture_is_there_and_described_in_words(page: Page):
    images = page.evaluate(
        "Promise.all([...document.images].map(async i => [await i.decode().then(() => i.naturalWidth), i.alt]))"
    )
    assert len(images) >= 2
    assert all(width > 0 and alt.strip() and not alt.endswith(".png") for width, alt in images), images
    players = page.evaluate("[...document.querySelectorAll('video, audio')].map(p => p.getAttribute('aria-label'))")
    assert players == ["Sound"]


def test_the_result_is_first_and_pictures_have_their_own_size(page: Page):
    page.set_viewport_size({"width": 1280, "height": 800})
    sizes = "[...document.querySelectorAll('#odd figure, [id=\"08-edges\"] figure')].map(f => [f.className,"
    sizes += " f.querySelector('img')?.naturalWidth, f.querySelector('img')?.getBoundingClientRect().width])"
    found = page.evaluate(sizes)
    assert [name for name, *_ in found].count("result") == 2
    captions = "[...document.querySelectorAll('[id=\"08-edges\"] figcaption')].map(c => c.textContent)"
    assert page.evaluate(captions) == ["Edges", "Demo Picture | Canny"], "what was saved comes first, be it smaller"
    shown = [(natural, width) for _, natural, width in found if natural]
    assert all(width == pytest.approx(min(natural, 1026), abs=40) for natural, width in shown), shown
    broken = "[...document.querySelectorAll('details')].map(d => [d.closest('section').id, d.open])"
    assert page.evaluate(broken) == [["08-edges", False], ["odd", True]]


def test_two_pictures_are_compared_by_keyboard_and_by_finger(page: Page):
    page.set_viewport_size({"width": 390, "height": 800})
    slider = page.locator('[id="08-edges"] input[type=range]')
    assert slider.get_attribute("aria-label") == "From Demo Picture to Canny"
    shown = "getComputedStyle(document.querySelector('.compared a:nth-child(2) img')).clipPath"
    slider.focus()
    page.keyboard.press("Home")
    assert page.evaluate(shown) == "inset(0px 0px 0px 0%)"
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.2 * box["height"])
    assert 70 <= float(page.evaluate(shown).split()[-1].rstrip("%)")) <= 80


def test_without_scripts_the_two_lie_side_by_side(page: Page):
    with page.context.browser.new_context(java_script_enabled=False) as context:  # type: ignore[union-attr]
        still = context.new_page()
        still.set_viewport_size({"width": 1280, "height": 800})
        still.goto(page.url)
        left, right = (each.bounding_box() for each in still.locator(".compared img").all())
        assert left is not None
        assert right is not None
        assert left["x"] + left["width"] <= right["x"] or left["y"] + left["height"] <= right["y"]
        assert still.locator("input").count() == 0


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_is_wider_than_the_window(page: Page, width: int, scheme: Any):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("scrollTo(10000, 0)")
    assert page.evaluate("scrollX") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = "[...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
    assert page.evaluate(f"{beyond}.map(e => e.outerHTML.slice(0, 80))") == []
    page.screenshot(path=SCREENSHOTS / f"gallery-{scheme}-{width}.png", full_page=True)


def test_a_picture_that_is_shown_and_saved_is_there_once(tmp_path: Path):
    """A Sweep shows its sheet and Save Image saves it: of other bytes, for only one of them holds the workflow."""
    from PIL.PngImagePlugin import PngInfo
    from steer.runner.slides.gallery import render
    from steer.runner.slides.slide import Slide

    info = PngInfo()
    info.add_text("workflow", "{}")
    sheet, cell = Image.new("RGB", (60, 20), "red"), Image.new("RGB", (20, 20), "red")
    files = [tmp_path / name for name in ("shown.png", "saved.png", "cell.png")]
    sheet.save(files[0])
    sheet.save(files[1], pnginfo=info)
    cell.save(files[2])
    slide = Slide("a", pictures=files, captions=["Sweep", "Save Image", "Sweep"], saved={files[1]})
    page = render([slide], tmp_path)
    assert [page.count(f'src="{file.name}"') for file in files] == [0, 1, 1]
    slide.saved = set()
    assert 'src="shown.png"' in render([slide], tmp_path), "two that are only shown both stay"
