"""A workflow that was saved when ControlNet Guide had inputs of its own for keypoints and lines."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from steer.runner.comfyui.client import ComfyClient
from steer.runner.workflow import to_prompt

if TYPE_CHECKING:
    from frontend import Frontend

pytestmark = pytest.mark.server
GRAPH = Path(__file__).with_name("data") / "guide-with-older-inputs.json"
GUIDE, LINES = "10", ["7", 1]


@pytest.fixture
def graph() -> dict[str, Any]:
    return json.loads(GRAPH.read_text(encoding="utf-8"))


@pytest.fixture
def frontend(server, browser: str) -> Iterator[Frontend]:
    from frontend import Frontend, browser_page

    with browser_page(browser) as page:
        yield Frontend(page, server.url)


def test_its_hint_is_drawn_from_the_lines(client: ComfyClient, graph: dict[str, Any]):
    """As by a guide of today that takes them at its one input."""
    prompt = to_prompt(graph, client.get("/object_info"))
    assert prompt[GUIDE]["inputs"]["lines"] == LINES
    del prompt["13"]  # the picture itself is of no interest here
    prompt["hint"] = {"class_type": "PreviewImage", "inputs": {"images": [GUIDE, 3]}}
    inputs = prompt[GUIDE]["inputs"]
    today = {**inputs, "image": inputs["lines"]}
    del today["lines"]
    hints = []
    for given in (inputs, today, {**today, "image": inputs["image"]}):
        outcome = client.run({**prompt, GUIDE: {**prompt[GUIDE], "inputs": given}})
        (shown,) = (picture for picture in outcome.pictures if picture.node_id == "hint")
        hints.append(np.array(Image.open(io.BytesIO(client.fetch(shown)))))
    assert hints[0].any()
    assert (hints[0] == hints[1]).all()
    assert (hints[0] != hints[2]).any(), "without the lines the picture itself is the hint"


@pytest.mark.browser
def test_the_frontend_keeps_its_wires(client: ComfyClient, graph: dict[str, Any], frontend: Frontend):
    frontend.open(graph)
    assert frontend.said == []
    sent = frontend.prompt()[GUIDE]["inputs"]
    assert sent == to_prompt(graph, client.get("/object_info"))[GUIDE]["inputs"]
    assert sent["lines"] == LINES
