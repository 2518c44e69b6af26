"""Sweep on a real server: killed in the middle, cancelled, and its pictures opened by the real frontend."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from graph_lab import wait_for
from PIL import Image
from server_prompts import get_json
from sweep_lab import SMALL

if TYPE_CHECKING:
    from frontend import Frontend

pytestmark = pytest.mark.server
PROMPT = "girl, smiling, backstreet"


def sweep_graph(object_info: dict[str, Any], folder: str, seeds: str, swaps: str, steps: int = 2) -> dict[str, Any]:
    """The UI workflow of a sweep over moods and seeds."""
    from steer.workflows.source.builder import GraphBuilder

    graph = GraphBuilder("sweep", object_info, "0.1.0")
    model = graph.node("SteerDemoModel", at=(0, 0), size=(300, 100))
    latent = graph.node("EmptyLatentImage", at=(0, 150), size=(300, 110), width=64, height=64, batch_size=1)
    moods = graph.node("SteerPromptSwap", at=(0, 300), size=(300, 260), prompt=PROMPT, swaps=swaps)
    numbers = graph.node("SteerSeeds", at=(0, 600), size=(300, 140), text=seeds)
    graph.node(
        "SteerSweep",
        at=(400, 0),
        size=(400, 700),
        model=model["model"],
        clip=model["clip"],
        vae=model["vae"],
        latent=latent[0],
        positive=PROMPT,
        seed=11,
        steps=steps,
        cfg=6.0,
        folder=folder,
        axis_1=moods["axis"],
        axis_2=numbers["axis"],
    )
    return graph.to_json()


def pictures(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob("*.png")}


def recorded(folder: Path) -> list[str]:
    """The files that the manifest records, in its order."""
    lines = map(json.loads, (folder / "manifest.jsonl").read_text(encoding="ascii").splitlines())
    return [line["file"] for line in lines if line["kind"] == "cell"]


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def test_a_killed_server_loses_no_finished_picture(server, tmp_path: Path):
    from steer.runner import setup
    from steer.runner import workflow as workflows
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.comfyui.process import ComfyServer, own_folders

    folder = Path(server.arguments[2]) / "killed"
    # A ComfyUI of this test alone over the folder of the shared one, which goes on where it was killed.
    arguments = ["--cpu", "--output-directory", server.arguments[2], *own_folders(tmp_path, "user", "temp")]
    arguments += ["--disable-api-nodes"]

    def queue(running: ComfyServer) -> Any:
        client = ComfyClient(running.url, running.check_alive)
        object_info = client.get("/object_info")
        graph = sweep_graph(object_info, "killed", "1-4", "angry\nlaughing", steps=4)
        return client.run(workflows.to_prompt(graph, object_info), graph)

    with ComfyServer(setup.COMFYUI, setup.PYTHON, tmp_path / "comfyui.log", arguments=arguments) as running:
        failure: list[BaseException] = []

        def first_run() -> None:
            try:
                queue(running)
            except Exception as error:  # noqa: BLE001  # the server is killed under it
                failure.append(error)

        thread = threading.Thread(target=first_run)
        thread.start()
        wait_for(lambda: len(list(folder.glob("*.png"))) >= 5)
        assert running.process is not None
        os.kill(running.process.pid, signal.SIGKILL)
        thread.join(30)
        assert failure, "the run ended before the server was killed"
    before = {name: entry for name, entry in pictures(folder).items() if name in recorded(folder)}
    assert 4 <= len(before) < 12
    queue(server)
    after = pictures(folder)
    assert len(after) == 12
    assert before.items() <= after.items(), "a finished picture was touched"
    assert sorted(recorded(folder)) == sorted(after), "a cell was made twice, or one is lost"
    assert not list(folder.glob("*.part"))


def cancelled(server, client, graph: dict[str, Any], folder: Path, count: int) -> dict[str, tuple[int, bytes]]:
    """The pictures of a sweep that was cancelled as soon as `count` of them were there."""
    from steer.runner import workflow as workflows
    from steer.runner.comfyui.messages import QueueError

    stop = threading.Thread(
        target=lambda: (wait_for(lambda: len(list(folder.glob("*.png"))) >= count), _post(f"{server.url}/interrupt"))
    )
    stop.start()
    with pytest.raises(QueueError, match="cancelled"):
        client.run(workflows.to_prompt(graph, get_json(f"{server.url}/object_info")), graph)
    stop.join()
    return pictures(folder)


def test_cancel_then_run_again_makes_only_the_rest(server, client):
    from steer.runner import workflow as workflows

    folder = Path(server.arguments[2]) / "cancelled-again"
    object_info = get_json(f"{server.url}/object_info")
    graph = sweep_graph(object_info, "cancelled-again", "1-8", "angry\nlaughing", steps=4)
    before = cancelled(server, client, graph, folder, 5)
    assert 5 <= len(before) < 24
    client.run(workflows.to_prompt(graph, object_info), graph)
    after = pictures(folder)
    assert len(after) == 24
    assert before.items() <= after.items(), "a finished picture was touched"
    assert sorted(recorded(folder)) == sorted(after), "a cell was made twice, or one is lost"


def test_cancel_and_a_frozen_picture_by_the_api(server, client):
    from steer.runner import workflow as workflows

    folder = Path(server.arguments[2]) / "cancelled"
    object_info = get_json(f"{server.url}/object_info")
    graph = sweep_graph(object_info, "cancelled", "1-40", "angry", steps=4)
    before = cancelled(server, client, graph, folder, 2)
    assert 2 <= len(before) < 80
    name = sorted(before)[-1]
    data = before[name][1]
    with Image.open(io.BytesIO(data)) as image:
        frozen = {kind: json.loads(image.info[kind]) for kind in ("prompt", "workflow")}
    assert {
        tuple(node["widgets_values"][-1:]) for node in frozen["workflow"]["nodes"] if node["type"] == "SteerSweep"
    } == {(next(node["inputs"]["cell"] for node in frozen["prompt"].values() if node["class_type"] == "SteerSweep"),)}
    assert frozen["prompt"] == workflows.to_prompt(frozen["workflow"], object_info), "both are the same graph"
    (picture,) = client.run(frozen["prompt"], frozen["workflow"]).pictures
    assert picture.type == "output"
    assert (pixels(client.fetch(picture)) == pixels(data)).all()
    assert before.items() <= pictures(folder).items()


def _post(url: str, body: bytes = b"{}") -> None:
    urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": "application/json"}), timeout=30).close()


@pytest.fixture(scope="module")
def tab(server, browser: str) -> Iterator[Frontend]:
    """One tab for all tests of this file: to load the frontend takes longer than most of them."""
    from frontend import Frontend, browser_page

    with browser_page(browser) as page:
        frontend = Frontend(page, server.url)
        frontend.clear()
        yield frontend


@pytest.fixture
def frontend(tab: Frontend) -> Frontend:
    """The tab with an empty canvas."""
    tab.page.evaluate("app.graph.clear()")
    tab.said.clear()
    return tab


def open_graph(frontend: Frontend, graph: dict[str, Any]) -> None:
    frontend.page.evaluate("workflow => app.loadGraphData(workflow)", graph)
    frontend.page.wait_for_function("app.graph._nodes.length > 4")


def open_dropped(frontend: Frontend, path: Path) -> None:
    """Drop a picture onto an empty canvas."""
    frontend.page.evaluate("app.graph.clear()")
    frontend.drop(path.name, path.read_bytes())
    frontend.page.wait_for_function("app.graph._nodes.length > 4")


@pytest.mark.browser
def test_a_picture_of_a_sweep_in_a_subgraph_dropped_into_the_frontend_makes_itself(server, frontend: Frontend):
    folder, page = Path(server.arguments[2]) / "dropped", frontend.page
    open_graph(frontend, sweep_graph(get_json(f"{server.url}/object_info"), "dropped", "3, 30", "angry"))
    page.evaluate("app.graph.convertToSubgraph(new Set([app.graph._nodes.find(n => n.type === 'SteerSweep')])); 0")
    frontend.run()
    before = pictures(folder)
    assert len(before) == 4
    path = folder / random.choice(sorted(before))
    with Image.open(path) as image:
        sweeps = [node["inputs"] for node in json.loads(image.info["prompt"]).values() if "cell" in node["inputs"]]
    open_dropped(frontend, path)
    prompt = frontend.prompt()
    ((number, cell),) = [(i, n["inputs"]["cell"]) for i, n in prompt.items() if n["class_type"] == "SteerSweep"]
    assert ":" in number, "it is in a subgraph"
    assert [cell] == [inputs["cell"] for inputs in sweeps], path.name
    frontend.run()
    assert frontend.said == []
    made = pictures(folder)
    assert before.items() <= made.items()
    (new,) = made.keys() - before.keys()
    assert (pixels(made[new][1]) == pixels(before[path.name][1])).all()


@pytest.mark.browser
def test_the_second_run_in_a_page_saves_workflows_too(server, client, frontend: Frontend):
    """Since the first one the frontend keeps the text below the node as one more value of it."""
    from steer.runner import workflow as workflows

    folder, page = Path(server.arguments[2]) / "second-in-a-page", frontend.page
    object_info = client.get("/object_info")
    graph = sweep_graph(object_info, "second-in-a-page", "3", "angry")
    open_graph(frontend, graph)
    frontend.run()
    first = pictures(folder)
    page.evaluate("app.graph._nodes.find(n => n.type === 'SteerSeeds').widgets[0].value = '3, 30'")
    saved = frontend.graph()
    (values,) = [node["widgets_values"] for node in saved["nodes"] if node["type"] == "SteerSweep"]
    assert values[-1] in (f"2 of 2 saved. {SMALL}", ""), (
        "the text of the first run; newer frontends keep only its place"
    )
    # run.py reads such a file as the frontend does, and sets its widgets.
    assert workflows.to_prompt(saved, object_info) == frontend.prompt()
    alone = workflows.Setting("Sweep", "cell", "angry; seed 30")
    frozen = alone.apply(workflows.Workflow(saved, object_info)).data
    frontend.run()
    both = pictures(folder)
    assert frontend.said == []
    assert (len(first), len(both)) == (2, 4)
    prompts = []
    for name, (_, data) in both.items():
        with Image.open(io.BytesIO(data)) as image:
            texts = {kind: json.loads(text) for kind, text in image.info.items()}
        prompts.append(texts["prompt"])
        assert workflows.to_prompt(texts["workflow"], object_info) == texts["prompt"], name
    assert workflows.to_prompt(frozen, object_info) in prompts
    name = max(both, key=lambda name: both[name][0])  # the last one made
    open_dropped(frontend, folder / name)
    with Image.open(folder / name) as image:
        assert frontend.prompt() == json.loads(image.info["prompt"])


@pytest.mark.browser
def test_a_new_sweep_has_nothing_that_changes_its_seed_after_a_run(client, frontend: Frontend):
    """Else the Run after a Cancel would make all pictures anew."""
    graph = sweep_graph(client.get("/object_info"), "new", "3", "angry")
    (values,) = [node["widgets_values"] for node in graph["nodes"] if node["type"] == "SteerSweep"]
    names = frontend.page.evaluate("LiteGraph.createNode('SteerSweep').widgets.map(widget => widget.name)")
    assert names == [
        "positive",
        "negative",
        "seed",
        "steps",
        "cfg",
        "sampler_name",
        "scheduler",
        "denoise",
        "batch_size",
        "max_cells",
        "folder",
        "on_error",
        "cell",
    ]
    assert len(values) == len(names), "the workflows that run.py writes are of that kind too"
    assert values[names.index("seed") :][:2] == [11, 2]
