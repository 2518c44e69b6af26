"""Sweep Graph in the real frontend: built by search on an empty canvas, run, cancelled, run again, and opened again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from frontend import Frontend, browser_page
from graph_lab import GraphLab, read_pixels, read_texts, wait_for
from layout import SETTING

pytestmark = [pytest.mark.server, pytest.mark.browser, pytest.mark.slow]

WIRE = """([from, output, to, input]) => {
    const node = id => app.graph._nodes.find(n => n.id == id), target = node(to);
    const slot = target.inputs.findIndex(i => i.name === input);
    return slot >= 0 && !!node(from).connect(node(from).outputs.findIndex(o => o.name === output), target, slot); }"""
WRITE = """([id, name, value]) => { const node = app.graph._nodes.find(n => n.id == id);
    node.widgets.find(w => w.name === name).value = value; }"""


class Canvas:
    """The canvas of a tab, used as a person does: a double click and a word add a node."""

    def __init__(self, frontend: Frontend) -> None:
        self.frontend, self.page = frontend, frontend.page
        frontend.clear()

    def add(self, words: str, kind: str) -> int:
        """Add a node by the search; its number."""
        self.frontend.add_by_double_click(words)
        added = self.page.evaluate("[app.graph._nodes.at(-1).id, app.graph._nodes.at(-1).type]")
        assert added[1] == kind, f"the search for '{words}' found {added[1]}"
        # Out of sight, so that the next double click falls on an empty place.
        self.page.evaluate("() => { app.canvas.ds.offset[0] -= 1500; app.canvas.setDirty(true, true); }")
        self.page.wait_for_timeout(500)
        return int(added[0])

    def wire(self, source: int, output: str, target: int, name: str) -> None:
        assert self.page.evaluate(WIRE, [source, output, target, name]), f"{output} -> {name}"

    def write(self, node: int, **values: Any) -> None:
        for name, value in values.items():
            self.page.evaluate(WRITE, [node, name, value])

    def read(self, node: int) -> dict[str, Any]:
        return self.frontend.shown_values(node)

    def press_run(self) -> None:
        self.page.get_by_role("button", name="Run", exact=True).first.click()


@pytest.fixture(params=[False, True], ids=["classic", "vue"])
def canvas(request, lab: GraphLab, browser: str) -> Iterator[Canvas]:
    lab.post(f"/settings/{SETTING}")  # the server knows it from now on
    with browser_page(browser) as page:
        frontend = Frontend(page, lab.server.url)
        page.evaluate("([id, on]) => app.extensionManager.setting.set(id, on)", [SETTING, request.param])
        page.wait_for_timeout(500)
        yield Canvas(frontend)
        page.evaluate("id => app.extensionManager.setting.set(id, false)", SETTING)


def done(lab: GraphLab) -> bool:
    queue = lab.client.get("/queue")
    return not queue["queue_running"] and not queue["queue_pending"]


def test_built_by_search_run_cancelled_run_again_and_opened(lab: GraphLab, canvas: Canvas, request):
    folder = f"browser-{request.node.callspec.id}"
    plain = canvas.add("EmptyImage", "EmptyImage")
    noise = canvas.add("ImageAddNoise", "ImageAddNoise")
    numbers = canvas.add("Seeds", "SteerSeeds")
    axis = canvas.add("Value Axis", "SteerValueAxis")
    seed = canvas.add("Sweep Value", "SteerSweepValue")
    strength = canvas.add("Sweep Value", "SteerSweepValue")
    sweep = canvas.add("Sweep Graph", "SteerSweepGraph")
    canvas.write(plain, width=64, height=64)
    canvas.write(numbers, text="1-12")
    canvas.write(axis, kind="number", text="0.2, 0.6")
    canvas.write(sweep, folder=folder)
    canvas.wire(plain, "IMAGE", noise, "image")
    canvas.wire(numbers, "axis", seed, "axis")
    canvas.wire(axis, "axis", strength, "axis")
    canvas.wire(seed, "value", noise, "seed")
    canvas.wire(strength, "value", noise, "strength")
    canvas.wire(noise, "IMAGE", sweep, "images")
    canvas.press_run()
    home = lab.output / folder
    wait_for(lambda: len(list(home.glob("*.png"))) >= 3)
    canvas.page.evaluate("app.extensionManager.command.execute('Comfy.ClearPendingTasks')")
    wait_for(lambda: done(lab))
    some = len(list(home.glob("*.png")))
    assert 3 <= some <= 24
    canvas.press_run()
    wait_for(lambda: len(list(home.glob("*.png"))) == 24 and done(lab))
    canvas.page.wait_for_function("id => (app.nodeOutputs[id]?.images || []).length", arg=str(sweep))
    errors = [text for text in canvas.frontend.said if "error" in text.lower()]
    assert not errors
    check_opened(lab, canvas, home, sweep, (seed, strength))


def check_opened(lab: GraphLab, canvas: Canvas, home: Path, sweep: int, values: tuple[int, int]) -> None:
    """A saved picture that is dropped in opens as its cell, and makes itself again."""
    path = sorted(home.glob("*seed_7*.png"))[-1]
    canvas.page.evaluate("app.graph.clear()")
    canvas.frontend.drop(path.name, path.read_bytes())
    canvas.page.wait_for_function("app.graph._nodes.length === 7")
    frozen = read_texts(path)
    texts = frozen["prompt"][str(sweep)]["inputs"]["cell"]
    assert canvas.read(sweep)["cell"] == texts
    assert [canvas.read(node)["index"] for node in values] == [6, 1 if "0.6" in texts else 0]
    before = set(home.glob("*.png"))
    canvas.press_run()
    wait_for(lambda: len(set(home.glob("*.png")) - before) == 1 and done(lab))
    (again,) = set(home.glob("*.png")) - before
    assert (read_pixels(again) == read_pixels(path)).all()
    assert json.loads((home / "manifest.jsonl").read_text().splitlines()[0])["kind"] == "grid"
