"""The bundled workflows on a real ComfyUI server, and a server that goes on serving after bad input."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from server_prompts import get_json, http_status, refused

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted(path for path in (ROOT / "workflows").glob("*.json") if not path.stem.endswith("-sd15"))


@pytest.fixture(scope="session")
def object_info(server) -> dict[str, Any]:
    return get_json(f"{server.url}/object_info")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflow_runs_to_pictures_that_open_as_it(client, object_info: dict[str, Any], path: Path):
    from steer.runner import workflow as workflows

    graph = workflows.read(path)
    prompt = workflows.to_prompt(graph, object_info)
    outcome = client.run(prompt, graph)
    assert outcome.pictures
    saved = [picture for picture in outcome.pictures if picture.type == "output"]
    assert saved, "a bundled workflow saves at least one picture"
    for shown in outcome.pictures:
        with Image.open(io.BytesIO(client.fetch(shown))) as picture:
            assert any(low < high for low, high in picture.convert("RGB").getextrema()), "a blank picture"
            if shown.type == "output":
                assert json.loads(picture.info["workflow"]) == graph
                assert json.loads(picture.info["prompt"]) == json.loads(json.dumps(prompt))
    again = client.run(prompt, graph)
    assert again.executed == [], "an unchanged rerun executes nothing"


def test_committed_workflows_are_what_their_sources_write(object_info: dict[str, Any]):
    from steer.runner.build import build, text_of

    built = {name: text_of(workflow) for name, workflow, _ in build(object_info)}
    committed = {path.stem: path.read_text(encoding="utf-8") for path in WORKFLOWS}
    assert built.keys() == committed.keys()
    for name, text in built.items():
        assert text == committed[name], f"{name}: write it anew with `python run.py workflows`"


def test_server_offers_templates_thumbnails_help_and_labels(server):
    names = get_json(f"{server.url}/api/workflow_templates")["steer"]
    assert sorted(names) == sorted(path.stem for path in (ROOT / "workflows").glob("*.json"))
    for name in names:
        assert http_status(f"{server.url}/api/workflow_templates/steer/{name}.json") == 200
        assert http_status(f"{server.url}/api/workflow_templates/steer/{name}.jpg") == 200
    for page in (ROOT / "nodes" / "web" / "docs").glob("*.md"):
        assert http_status(f"{server.url}/extensions/steer/docs/{page.name}") == 200
        assert http_status(f"{server.url}/extensions/steer/docs/{page.stem}/ko.md") == 200
    labels = get_json(f"{server.url}/i18n")
    for language in ("en", "ko"):
        committed = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))
        assert {k: v for k, v in labels[language]["nodeDefs"].items() if k in committed} == committed


IMAGE = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255}}
SHOW = {"class_type": "PreviewImage", "inputs": {"images": ["x", 0]}}


def _canny(**values: Any) -> dict[str, Any]:
    return {"class_type": "SteerCanny", "inputs": {"image": ["image", 0], "low_threshold": 100, "high_threshold": 200} | values}


def _schedule(object_info: dict[str, Any], **values: Any) -> dict[str, Any]:
    required = object_info["SteerNoiseSchedule"]["input"]["required"]
    defaults = {name: (spec[1].get("default") if len(spec) > 1 else None) for name, spec in required.items()}
    return {"class_type": "SteerNoiseSchedule", "inputs": defaults | values}


def test_bad_input_is_told_plainly_and_the_server_goes_on(client, object_info: dict[str, Any]):
    plot = {"class_type": "SteerSchedulePlot", "inputs": {"sigmas_1": ["x", 0]}}
    cases = {
        "threshold": {"image": IMAGE, "x": _canny(low_threshold=200, high_threshold=100), "show": SHOW},
        "scheduler": {"x": _schedule(object_info, scheduler="no such scheduler"), "plot": plot},
        "steps": {"x": _schedule(object_info, steps=0), "plot": plot},
        "sigmas": {"x": _schedule(object_info, denoise=0.0), "plot": plot},
    }
    for word, prompt in cases.items():
        assert word in refused(client, prompt).lower(), word
    good = client.run({"image": IMAGE, "x": _canny(), "show": SHOW})
    assert good.pictures
