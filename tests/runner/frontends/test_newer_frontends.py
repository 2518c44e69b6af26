"""What newer frontends do with Steer: labels in the user's language, slides as apps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from frontend import READY, Frontend, browser_page
from frontend_versions import NEWEST, frontend_folder
from steer.runner.comfyui.client import ComfyClient
from steer.runner.comfyui.transport import json_content

pytestmark = [pytest.mark.server, pytest.mark.browser]
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComfyClient]:
    """A ComfyUI that sends the newest of the frontends that Steer is tried with."""
    from steer.runner import setup
    from steer.runner.comfyui.process import ComfyServer, own_folders

    folder = tmp_path_factory.mktemp("newest")
    arguments = ["--cpu", "--front-end-root", str(frontend_folder(NEWEST))]
    arguments += own_folders(folder, "output", "user", "temp", "input")
    with ComfyServer(setup.COMFYUI, setup.PYTHON, folder / "comfyui.log", arguments=arguments) as server:
        yield ComfyClient(server.url, server.check_alive)


@pytest.fixture
def frontend(client: ComfyClient, browser: str, request: pytest.FixtureRequest) -> Iterator[Frontend]:
    settings = {"Comfy.TutorialCompleted": True, "Comfy.Locale": getattr(request, "param", "en")}
    client.http.ask("POST", "/settings", **json_content(settings))
    with browser_page(browser) as page:
        yield Frontend(page, client.url)


@pytest.mark.parametrize("frontend", ["ko"], indirect=True)
def test_with_korean_chosen_labels_and_search_are_korean(frontend: Frontend):
    """Frontends before 1.33 lose the labels of all packs when they load the language; README says so."""
    page = frontend.page
    for _ in range(2):  # also when the language was loaded before
        shown = page.evaluate(
            """() => { const node = LiteGraph.createNode('SteerSeeds'); app.graph.add(node);
                return [node.title, node.outputs[0].label || node.outputs[0].localized_name]; }"""
        )
        locale = json.loads((ROOT / "locales" / "ko" / "nodeDefs.json").read_text(encoding="utf-8"))["SteerSeeds"]
        assert shown == [locale["display_name"], locale["outputs"]["0"]["name"]]
        page.reload()
        page.wait_for_function(READY, timeout=60_000)
    frontend.clear()
    page.evaluate("app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
    page.get_by_role("dialog").locator("input").first.wait_for()
    page.keyboard.type("\uc2a4\uc715")  # Sweep
    result = page.get_by_test_id("result-item").first
    result.wait_for()
    assert "Steer /" in result.inner_text()
    page.keyboard.press("Enter")
    page.wait_for_function("app.graph._nodes.length > 0")
    assert page.evaluate("app.graph._nodes[0].type") == "SteerSweep"


# The words of artists, and which of Steer's nodes each is to find. The last ones are names of core's own nodes.
WORDS = {
    "xy plot": ("Sweep", "Contact Sheet", "Value Axis"),
    "xyz": ("Sweep", "Contact Sheet", "Value Axis", "Load Cells"),
    "wildcard": ("Prompt Template",),
    "prompt schedule": ("Timed Swap",),
    "prompt s/r": ("Prompt Swap",),
    "variation": ("Seeds", "Prompt Swap", "Prompt Template", "Rescue Seed", "Seeded Noise"),
    "expression": ("Expression Dial", "Expression Finder"),
    "dwpose": ("OpenPose",),
    "openpose": ("OpenPose",),
    "batch prompts": ("Sweep", "Prompt Swap", "Prompt Template"),
    "face detailer": ("Face Mask",),
    "grid": ("Sweep", "Contact Sheet"),
    "compare": ("Sweep", "Contact Sheet", "Difference", "Value Axis"),
    "sigmas": ("Noise Schedule", "Schedule Plot"),
}
CORE_HAS_THEM = ("grid", "compare", "sigmas")


def test_artists_words_find_the_node(client: ComfyClient, frontend: Frontend):
    """One of the first three hits of each word is the node; of the first ten where core has the word."""
    if not client.node_definitions()["SteerSweep"].get("search_aliases"):
        pytest.skip("this ComfyUI knows no search words (0.3.75 searches the names alone)")
    page = frontend.page
    page.evaluate("app.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
    box = page.locator("input[role=combobox]").first
    box.wait_for()
    page.wait_for_timeout(1000)
    missed = {}
    for word, nodes in WORDS.items():
        box.fill(word)
        page.wait_for_timeout(900)
        hits = [text.split("\n")[0] for text in page.get_by_test_id("result-item").all_inner_texts()]
        if not set(nodes) & set(hits[: 10 if word in CORE_HAS_THEM else 3]):
            missed[word] = hits[:10]
    assert missed == {}


def test_a_slide_opens_and_runs_as_an_app(frontend: Frontend):
    page = frontend.page
    frontend.open(json.loads((ROOT / "workflows" / "04-expression-swap.json").read_text(encoding="utf-8")))
    page.evaluate("app.extensionManager.command.execute('Comfy.ToggleLinear')")
    page.get_by_role("button", name="Skip").click()  # the tour
    for label in ("Prompt", "find", "swaps", "seed"):
        page.get_by_text(label, exact=True).filter(visible=True).first.wait_for()
    page.locator("textarea").filter(visible=True).nth(1).fill("angry")
    page.get_by_role("button", name="Run", exact=True).first.click()
    picture = page.locator("img[src*='04-moods']").first
    picture.wait_for(timeout=120_000)
    page.wait_for_function("e => e.complete && e.naturalWidth > 500", arg=picture.element_handle())
    swap = next(node for node in frontend.prompt().values() if node["class_type"] == "SteerPromptSwap")
    assert swap["inputs"]["swaps"] == "angry"


def test_a_guide_of_an_older_workflow_keeps_its_wires(frontend: Frontend):
    """In the frontend of this ComfyUI too: tests/control/test_older_graphs.py."""
    graph = json.loads((ROOT / "tests" / "control" / "data" / "guide-with-older-inputs.json").read_text("utf-8"))
    frontend.open(graph)
    sent = frontend.prompt()["10"]["inputs"]
    assert (sent["image"], sent["lines"], sent["latent"]) == (["3", 0], ["7", 1], ["4", 0])
