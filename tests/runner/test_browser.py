"""The real frontend in a real browser: every bundled workflow opens from the template browser and runs.

Screenshots are kept in output/screenshots/ of the checkout.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = [pytest.mark.server, pytest.mark.browser]
ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "output" / "screenshots"
FILES = {path.stem: path for path in sorted((ROOT / "workflows").glob("*.json"))}
WORKFLOWS = [name for name in FILES if not name.endswith("-sd15")]
TWINS = [name for name in FILES if name.endswith("-sd15")]


def _links(graph: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {tuple(link[1:]) for link in graph["links"]}


def _assert_same(opened: dict[str, Any], committed: dict[str, Any]) -> None:
    """The frontend has neither lost nor repaired anything."""
    assert {node["type"] for node in opened["nodes"]} == {node["type"] for node in committed["nodes"]}
    assert _links(opened) == _links(committed)
    values = {node["id"]: node.get("widgets_values") for node in committed["nodes"]}
    assert {node["id"]: node.get("widgets_values") for node in opened["nodes"]} == values


def _inputs(prompt: dict[str, Any]) -> dict[str, Any]:
    """What each node gets, but for the text area of Preview Any, which the frontend adds and sends along."""
    return {
        number: (node["class_type"], {k: v for k, v in node["inputs"].items() if k != "preview"})
        for number, node in prompt.items()
    }


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_opens_from_the_template_browser_and_runs(server, client, browser: str, name: str):
    from frontend import Frontend, browser_page
    from steer.runner import workflow as workflows

    committed = json.loads(FILES[name].read_text(encoding="utf-8"))
    with browser_page(browser) as page:
        frontend = Frontend(page, server.url)
        frontend.open_template("steer", name)
        assert frontend.said == []
        assert frontend.unknown_nodes() == []
        _assert_same(frontend.graph(), committed)
        # The frontend sends the very prompt that run.py sends.
        assert _inputs(frontend.prompt()) == _inputs(workflows.to_prompt(committed, client.get("/object_info")))
        frontend.screenshot(SCREENSHOTS / f"{name}-opened.png")
        pictures = frontend.run()
        frontend.screenshot(SCREENSHOTS / f"{name}-run.png")
        assert frontend.said == []
        assert pictures
        assert frontend.overflowing() == []
        _assert_pictures_open_as_what_made_them(frontend, Path(server.arguments[2]), pictures)


def _assert_pictures_open_as_what_made_them(frontend: Any, output: Path, shown: list[dict[str, Any]]) -> None:
    """Each saved picture, and one of each sweep, dropped into the frontend gives the prompt that made it."""
    saved = [output / picture["subfolder"] / picture["filename"] for picture in shown if picture["type"] == "output"]
    prompt = frontend.prompt()
    folders = [node["inputs"]["folder"] for node in prompt.values() if node["class_type"] == "SteerSweep"]
    cells = [min((output / folder).glob("*.png")) for folder in folders]
    assert saved
    for path in [*dict.fromkeys(saved), *cells]:
        with Image.open(path) as picture:
            made_by = json.loads(picture.info["prompt"])
        frontend.drop(path.name, path.read_bytes())
        assert _inputs(frontend.prompt()) == _inputs(made_by), path.name
        assert frontend.unknown_nodes() == []
        if path in cells:
            assert [node["inputs"]["cell"] for node in made_by.values() if node["inputs"].get("cell")], path.name


def test_twins_open_and_offer_exactly_the_models_that_are_missing(server, browser: str):
    from frontend import Frontend, browser_page

    with browser_page(browser) as page:
        page.route("https://huggingface.co/**", lambda route: route.abort())  # the dialog asks how large they are
        frontend = Frontend(page, server.url)
        for name in TWINS:
            committed = json.loads(FILES[name].read_text(encoding="utf-8"))
            models = [model for node in committed["nodes"] for model in node["properties"].get("models", [])]
            frontend.open_template("steer", name)
            wanted = {(f"{model['directory']} / {model['name']}", model["url"]) for model in models}
            assert sorted(frontend.missing_models()) == sorted(wanted), name
            assert [text.split("\n")[0] for text in frontend.said] == ["dialog: Missing Models"], name
            frontend.said.clear()
            assert frontend.unknown_nodes() == []
            _assert_same(frontend.graph(), committed)
            frontend.screenshot(SCREENSHOTS / f"{name}-opened.png")
