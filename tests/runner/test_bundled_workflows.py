"""Every bundled workflow: it runs once on a real server, and the real frontend opens it and its pictures.

Screenshots are kept in output/screenshots/ of the checkout.
"""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from PIL import Image
from steer.runner.workflow import is_twin

if TYPE_CHECKING:
    from frontend import Frontend
    from steer.runner.comfyui.client import RunOutcome
    from steer.runner.comfyui.messages import Picture

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "output" / "screenshots"
FILES = {path.stem: path for path in sorted((ROOT / "workflows").glob("*.json"))}
WORKFLOWS = [name for name in FILES if not is_twin(name)]
TWINS = [name for name in FILES if is_twin(name)]
# In the browser: those of SD 1.5, and one on each of today's families.
OPENED = [name for name in TWINS if name.endswith("-sd15")]
OPENED += ["07-inpaint-the-expression-qwen", "08-canny-same-face-angle-zimage", "09-mlsd-one-room-two-styles-sdxl"]
# KSampler and Save Image, as it is; a Sweep with few steps, but others than on the server, which has made those cells.
RUN_IN_BROWSER = {"01-recognition-and-generation": None, "04-expression-swap": 3}
STEPS, SIDE = 2, 128  # of the runs on the server: what is checked is the way of a picture, not its looks
SET_STEPS = """steps => app.graph._nodes.flatMap(node => node.widgets || []).filter(widget => widget.name === 'steps')
    .map(widget => widget.value = steps)"""
SWEEP_GRAPH = "SteerSweepGraph"  # its cells open as cells: tests/sweep/graph/test_in_the_browser.py
FINDS_FACES = "SteerExpressionFinder"  # in pictures of the size that the workflow has
FIRST_STEPS = {"SteerEarlyPick": 1}  # of kinds that make the first of those steps


class Run(NamedTuple):
    """A workflow with few steps and small pictures, its prompt, and what came of it."""

    graph: dict[str, Any]
    prompt: dict[str, Any]
    outcome: RunOutcome


@pytest.fixture(scope="module")
def run_once(server) -> Callable[[str], Run]:
    """Runs a bundled workflow on the server, each at most once."""
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.workflow import Workflow
    from steer.runner.workflow.prompt import find_nodes

    client = ComfyClient(server.url, server.check_alive)
    object_info = client.get("/object_info")
    runs: dict[str, Run] = {}

    def run(name: str) -> Run:
        if name not in runs:
            workflow = Workflow(json.loads(FILES[name].read_text(encoding="utf-8")), object_info)
            stepping = {
                workflow.place(number, "steps", "test"): FIRST_STEPS.get(node["class_type"], STEPS)
                for number, node in workflow.prompt.items()
                if isinstance(node["inputs"].get("steps"), int)
            }
            sizing = {
                workflow.place(number, side, "test"): SIDE
                for number in find_nodes(workflow.prompt, "EmptyLatentImage")
                for side in ("width", "height")
            }
            finds_faces = FINDS_FACES in _kinds(workflow.prompt)
            workflow = workflow.with_values(stepping if finds_faces else stepping | sizing)
            assert workflow.graph is not None
            runs[name] = Run(workflow.graph, workflow.prompt, client.run(workflow.prompt, workflow.graph))
        return runs[name]

    return run


def _kinds(prompt: dict[str, Any]) -> set[str]:
    return {node["class_type"] for node in prompt.values()}


def _links(graph: dict[str, Any]) -> set[tuple[Any, ...]]:
    return {tuple(link[1:]) for link in graph["links"]}


def _assert_same(frontend: Frontend, committed: dict[str, Any]) -> dict[str, Any]:
    """The frontend has neither lost nor repaired anything. Returns the graph as it would save it."""
    opened = frontend.graph()
    assert {node["type"] for node in opened["nodes"]} == {node["type"] for node in committed["nodes"]}
    assert _links(opened) == _links(committed)
    found = _values(opened)
    for node in committed["nodes"]:
        promoted = [name for owner, name in node["properties"].get("proxyWidgets", []) if owner == "-1"]
        if promoted and not found[node["id"]]:  # newer frontends save these values inside of the subgraph
            shown = frontend.shown_values(node["id"])
            found[node["id"]] = [shown[name] for name in promoted]
    assert found == _values(committed)
    return opened


def _values(graph: dict[str, Any]) -> dict[int, Any]:
    """The values of each node's widgets. Newer frontends leave an empty list out."""
    return {node["id"]: node.get("widgets_values") or [] for node in graph["nodes"]}


def _inputs(prompt: dict[str, Any]) -> dict[str, Any]:
    """What each node gets, but for the text area of Preview Any, which the frontend adds and sends along."""
    return {
        number: (node["class_type"], {k: v for k, v in node["inputs"].items() if k != "preview"})
        for number, node in _without_jobs(prompt).items()
    }


def _without_jobs(prompt: dict[str, Any]) -> dict[str, Any]:
    """Without the widget in which the last job of a Sweep Graph is named, which makes the sheet."""
    return {
        number: {**node, "inputs": {k: v for k, v in node["inputs"].items() if k != "cell"}}
        if node["class_type"] == SWEEP_GRAPH
        else node
        for number, node in prompt.items()
    }


def _of_its_job(prompt: dict[str, Any], made_by: dict[str, Any]) -> dict[str, Any]:
    """What of a prompt the last job of a Sweep Graph holds: what saves something else has run once before it."""
    if SWEEP_GRAPH not in _kinds(prompt):
        return prompt
    return {i: node for i, node in prompt.items() if i in made_by or node["class_type"] != "SaveImage"}


def _saved(run: Run) -> list[Picture]:
    """The pictures that the workflow saves as itself."""
    return [
        shown
        for shown in run.outcome.pictures
        if shown.type == "output" and run.prompt[shown.node_id]["class_type"] != SWEEP_GRAPH
    ]


@pytest.fixture(scope="module")
def tab(server, browser: str) -> Iterator[Frontend]:
    """One tab for all tests of this file: to load the frontend takes longer than most of them."""
    from frontend import Frontend, browser_page

    with browser_page(browser) as page:
        page.route("https://huggingface.co/**", lambda route: route.abort())  # the dialog asks how large models are
        yield Frontend(page, server.url)


@pytest.fixture
def frontend(tab: Frontend) -> Frontend:
    """The tab, which has said nothing yet."""
    tab.forget_toasts()  # one may lie over the button Run
    return tab


def _as_queued(prompt: dict[str, Any]) -> dict[str, Any]:
    """A saved prompt without what ComfyUI's cache notes in it of nodes that read files, its own Load Image too."""
    return {number: {k: v for k, v in node.items() if k != "is_changed"} for number, node in prompt.items()}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_runs_to_pictures_that_open_as_it(client, run_once: Callable[[str], Run], name: str):
    graph, prompt, outcome = run_once(name)
    saved = _saved(run_once(name))
    assert saved, "a bundled workflow saves at least one picture"
    for shown in outcome.pictures:
        with Image.open(io.BytesIO(client.fetch(shown))) as picture:
            assert any(low < high for low, high in picture.convert("RGB").getextrema()), "a blank picture"
            if shown in saved:
                assert json.loads(picture.info["workflow"]) == graph
                made_by = _as_queued(json.loads(picture.info["prompt"]))
                whole = json.loads(json.dumps(_without_jobs(prompt)))
                assert _without_jobs(made_by) == _of_its_job(whole, made_by)
    if SWEEP_GRAPH in _kinds(prompt):
        client.run(prompt, graph)  # finds all there
    again = client.run(prompt, graph)
    assert again.executed == [], "an unchanged rerun executes nothing"


@pytest.mark.browser
@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow_opens_and_its_pictures_open_as_it(
    server, client, frontend: Frontend, run_once: Callable[[str], Run], name: str
):
    from steer.runner import workflow as workflows

    committed = json.loads(FILES[name].read_text(encoding="utf-8"))
    pictures = [vars(picture) for picture in _saved(run_once(name))]
    if name == WORKFLOWS[0]:
        frontend.open_template("steer", name, FILES)  # whose page shows all the others too
    else:
        frontend.open_file(FILES[name])
    assert frontend.said == []
    assert frontend.unknown_nodes() == []
    opened = _assert_same(frontend, committed)
    # The frontend sends the very prompt that run.py sends, and run.py the same for what it saves.
    object_info = client.get("/object_info")
    ours = _inputs(workflows.to_prompt(committed, object_info))
    assert _inputs(frontend.prompt()) == ours
    assert _inputs(workflows.to_prompt(opened, object_info)) == ours
    frontend.screenshot(SCREENSHOTS / f"{name}-opened.png")
    if name in RUN_IN_BROWSER:
        if steps := RUN_IN_BROWSER[name]:
            assert frontend.page.evaluate(SET_STEPS, steps) == [steps]
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
        assert _inputs(_of_its_job(frontend.prompt(), made_by)) == _inputs(made_by), path.name
        assert frontend.unknown_nodes() == []
        if path in cells:
            assert [node["inputs"]["cell"] for node in made_by.values() if node["inputs"].get("cell")], path.name


@pytest.mark.browser
def test_twins_open_and_offer_exactly_the_models_that_are_missing(frontend: Frontend):
    for name in OPENED:
        committed = json.loads(FILES[name].read_text(encoding="utf-8"))
        graphs = [committed, *committed.get("definitions", {}).get("subgraphs", [])]
        nodes = (node for graph in graphs for node in graph["nodes"])
        models = [model for node in nodes for model in node["properties"].get("models", [])]
        frontend.open_file(FILES[name])
        wanted = {(f"{model['directory']} / {model['name']}", model["url"]) for model in models}
        assert sorted(frontend.missing_models()) == sorted(wanted), name
        assert {text.split("\n")[0] for text in frontend.said} <= {"dialog: Missing Models"}, name
        frontend.said.clear()
        assert frontend.unknown_nodes() == []
        _assert_same(frontend, committed)
        frontend.screenshot(SCREENSHOTS / f"{name}-opened.png")


def test_every_twin_has_the_inputs_of_its_nodes(client):
    from steer.runner import workflow as workflows

    object_info = client.get("/object_info")
    for name in TWINS:
        prompt = workflows.to_prompt(json.loads(FILES[name].read_text(encoding="utf-8")), object_info)
        for node in prompt.values():
            declared = object_info[node["class_type"]]["input"]
            given = node["inputs"].keys()
            assert declared.get("required", {}).keys() <= given, (name, node["class_type"])
            assert given <= declared.get("required", {}).keys() | declared.get("optional", {}).keys(), name


# Newer frontends read some subgraphs of older files otherwise: docs/comfyui-versions.md.
READ_OTHERWISE = {
    "link-that-is-not-there",
    "link-that-no-input-holds",
    "primitive-into-subgraph",
    "seed-in-subgraph",
}


@pytest.mark.browser
def test_the_frontend_sends_what_steer_sends_for_cases_and_templates(client, tab: Frontend):
    """A sample of what `run.py report conversion` compares."""
    from conversions import CASES, compare, is_known, official_templates, our_prompt

    object_info = client.get("/object_info")
    cases = ((path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(CASES.glob("*.json")))
    known = [(name, graph) for name, graph in cases if "nodes" in graph and is_known(graph, object_info)]
    templates = (each for each in official_templates() if is_known(each[1], object_info))
    known = [*known[::2][:15], *itertools.islice(templates, 0, 30, 3)]
    assert len(known) == 25
    for name, graph in known:
        if not tab.version.startswith("1.32.") and (name in READ_OTHERWISE or name.startswith("subgraph")):
            continue
        theirs = tab.open(graph) or tab.prompt_or_fault()
        found = compare(name, theirs, our_prompt(graph, object_info), object_info)
        assert found.different == [], name


# A blueprint between Demo Model and Save Image, at a size that takes no time.
AROUND_BLUEPRINT = """() => {
    const blueprint = app.graph._nodes[0];
    const [model, save] = ["SteerDemoModel", "SaveImage"].map(kind => app.graph.add(LiteGraph.createNode(kind)));
    model.pos = [-400, 0]; blueprint.pos = [0, 0]; save.pos = [600, 0];
    for (const slot of [0, 1, 2]) model.connect(slot, blueprint, slot);
    blueprint.connect(0, save, 0);
    const values = {seeds: "1-3", steps: 2, width: 64, height: 64, folder: "sweeps/blueprint"};
    for (const widget of blueprint.widgets) if (widget.name in values) widget.value = values[widget.name]; }"""


@pytest.mark.browser
def test_blueprints_are_found_by_search_and_make_pictures(server, frontend: Frontend):
    from steer.workflows.source.blueprints import BLUEPRINTS

    assert {path.stem for path in (ROOT / "subgraphs").glob("*.json")} == set(BLUEPRINTS)
    for name in sorted(BLUEPRINTS, key=lambda name: name == "Sheet of seeds"):  # the last one stays
        frontend.add_by_search(name)
        assert frontend.page.evaluate("app.graph._nodes.map(node => node.title)") == [name]
        assert frontend.unknown_nodes() == []
    frontend.page.evaluate(AROUND_BLUEPRINT)
    frontend.fit_view()
    assert frontend.run()
    assert frontend.said == []
    assert len(list((Path(server.arguments[2]) / "sweeps" / "blueprint").glob("*.png"))) == 3
