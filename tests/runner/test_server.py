"""What a real ComfyUI server offers of Steer, and a server that goes on serving after bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from server_prompts import get_json, http_status, refused
from steer.runner.engine import is_own

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def object_info(server) -> dict[str, Any]:
    return get_json(f"{server.url}/object_info")


@pytest.mark.skipif(not is_own(), reason="they are written with the nodes of the ComfyUI that run.py unpacks")
def test_committed_workflows_are_what_their_sources_write(object_info: dict[str, Any]):
    from steer.runner.dev.workflows import build, text_of

    built = {slide.name: text_of(slide.workflow) for slide in build(object_info)}
    committed = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "workflows").glob("*.json")}
    assert built.keys() == committed.keys()
    for name, text in built.items():
        assert text == committed[name], f"{name}: write it again with `python run.py workflows`"


def test_server_offers_templates_thumbnails_help_and_labels(server):
    names = get_json(f"{server.url}/api/workflow_templates")["steer"]
    assert sorted(names) == sorted(path.stem for path in (ROOT / "workflows").glob("*.json"))
    for name in names:
        assert http_status(f"{server.url}/api/workflow_templates/steer/{name}.json") == 200
        assert http_status(f"{server.url}/api/workflow_templates/steer/{name}.jpg") == 200
    for page in (ROOT / "nodes" / "web" / "docs").glob("*.md"):
        assert http_status(f"{server.url}/extensions/steer/docs/{page.name}") == 200
        assert http_status(f"{server.url}/extensions/steer/docs/{page.stem}/ko.md") == 200
    for picture in (ROOT / "nodes" / "web" / "docs" / "pictures").iterdir():  # pages name them by this place
        assert http_status(f"{server.url}/extensions/steer/docs/pictures/{picture.name}") == 200
    labels = get_json(f"{server.url}/i18n")
    for language in sorted(path.name for path in (ROOT / "locales").glob("[a-z]*")):
        committed = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))
        assert {k: v for k, v in labels[language]["nodeDefs"].items() if k in committed} == committed


IMAGE = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255}}
SHOW = {"class_type": "PreviewImage", "inputs": {"images": ["x", 0]}}


def _node(object_info: dict[str, Any], kind: str, **values: Any) -> dict[str, Any]:
    """A node of the API prompt with the defaults of its required widgets."""
    required = object_info[kind]["input"]["required"]
    defaults = {name: spec[1]["default"] for name, spec in required.items() if len(spec) > 1 and "default" in spec[1]}
    return {"class_type": kind, "inputs": defaults | values}


def test_bad_input_is_named_plainly_and_the_server_goes_on(client, object_info: dict[str, Any]):
    def canny(**values: Any) -> dict[str, Any]:
        return {"image": IMAGE, "x": _node(object_info, "SteerCanny", image=["image", 0], **values), "show": SHOW}

    def plot(**values: Any) -> dict[str, Any]:
        chart = _node(object_info, "SteerSchedulePlot", sigmas_1=["x", 0])
        return {"x": _node(object_info, "SteerNoiseSchedule", **values), "plot": chart}

    cases = {
        "low_threshold": canny(low_threshold=200, high_threshold=100),
        "scheduler": plot(scheduler="no such scheduler"),
        "steps": plot(steps=0),
        "sigmas_1": plot(denoise=0.0),
    }
    for word, prompt in cases.items():
        assert word in refused(client, prompt), word
    assert client.run(canny()).pictures
