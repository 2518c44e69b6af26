"""Workflows as the frontend saves them: what it never sends is not asked for, what it chooses at random is fixed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

INFO: dict[str, Any] = {
    "Text": {
        "input": {
            "required": {"text": ["STRING", {"multiline": True, "dynamicPrompts": True}], "plain": ["STRING", {}]}
        },
        "input_order": {"required": ["text", "plain"]},
        "output": ["TEXT"],
        "output_name": ["TEXT"],
    },
    "Sampler": {
        "input": {"required": {"text": ["TEXT"], "seed": ["INT", {"default": 0, "control_after_generate": True}]}},
        "input_order": {"required": ["text", "seed"]},
        "output": [],
        "output_name": [],
    },
}
INNER = "0f1e2d3c-0000-4000-8000-000000000001"


def node(number: int, kind: str, widgets: tuple[Any, ...] = (), taken: Any = (), given: Any = (), mode: int = 0) -> Any:
    """taken, given: (type, link) of each socket."""
    return {
        "id": number,
        "type": kind,
        "mode": mode,
        "widgets_values": list(widgets),
        "properties": {},
        "inputs": [{"name": kind_.lower(), "type": kind_, "link": link} for kind_, link in taken],
        "outputs": [{"name": kind_, "type": kind_, "links": [link]} for kind_, link in given],
    }


def graph(text: str = "a girl") -> dict[str, Any]:
    """A text by way of a Set and a Get into a bypassed stranger, and on into a sampler; around it what never runs."""
    nodes = [
        node(1, "Text", (text, "{a|b}"), given=[("TEXT", 1)]),
        node(2, "SetNode", ("it",), taken=[("TEXT", 1)]),
        node(3, "GetNode", ("it",), given=[("TEXT", 2)]),
        node(4, "Stranger", (), [("TEXT", 2)], [("TEXT", 3)], mode=4),
        node(5, "Sampler", (7, "fixed"), [("TEXT", 3)]),
        node(6, "Label (rgthree)"),
        node(7, "A label"),
        node(8, "Fast Bypasser (rgthree)", taken=[("TEXT", 4)]),
        node(9, "Stranger", ("x.safetensors",), given=[("MODEL", None)], mode=2),
        node(10, INNER, mode=2),
    ]
    links = [[1, 1, 0, 2, 0, "TEXT"], [2, 3, 0, 4, 0, "TEXT"], [3, 4, 0, 5, 0, "TEXT"], [4, 1, 0, 8, 0, "TEXT"]]
    inner = {"id": INNER, "nodes": [node(1, "Stranger", given=[("TEXT", None)])], "links": []}
    return {"nodes": nodes, "links": links, "version": 0.4, "definitions": {"subgraphs": [inner]}}


def test_what_the_frontend_does_not_send_is_neither_sent_nor_missing(tmp_path: Path):
    from steer.runner.comfyui.inventory import ComfyFolder
    from steer.runner.share.check import examine
    from steer.runner.workflow import to_prompt
    from steer.runner.workflow.prompt import WorkflowError

    prompt = to_prompt(graph(), INFO)
    assert {i: each["class_type"] for i, each in prompt.items()} == {"1": "Text", "5": "Sampler"}
    assert prompt["5"]["inputs"]["text"] == ["1", 0]
    (tmp_path / "nodes.py").write_text('{"Text": 1, "Sampler": 2}', encoding="utf-8")
    place = ComfyFolder(tmp_path, ["Text", "Sampler", "Stranger"])
    assert examine(graph(), place, []).missing == 0
    for spoil in (
        lambda data: data["nodes"][8].update(mode=0),
        lambda data: data["nodes"][9].update(mode=0),
        lambda data: data["nodes"].append(node(11, "Stranger", taken=[("TEXT", 4)])),
    ):
        lacking = graph()
        spoil(lacking)
        assert examine(lacking, place, []).missing
        with pytest.raises(WorkflowError, match="no node named Stranger"):
            to_prompt(lacking, INFO)


def test_choices_in_a_prompt_are_the_same_each_time_and_travel_with_the_job():
    from steer.runner.batch.jobs import make_jobs
    from steer.runner.workflow import to_prompt

    data = graph(r"a \{girl\}, {smiling|angry|{very |}sad}, {red|blue|green} hat // {never|seen}")
    untouched = copy.deepcopy(data)
    jobs = make_jobs({"w": (data, [])}, INFO, range(24))
    assert [job.key for job in jobs] == [job.key for job in make_jobs({"w": (data, [])}, INFO, range(24))]
    few = make_jobs({"other": (data, [])}, INFO, [5, 3])
    assert [job.prompt for job in few] == [jobs[5].prompt, jobs[3].prompt], "by the seed, not by the place in the list"
    texts = [job.prompt["1"]["inputs"]["text"] for job in jobs]
    assert all(text.startswith("a {girl}, ") and "|" not in text and "never" not in text for text in texts)
    assert len(set(texts)) > 6
    for job in jobs:
        assert job.workflow is not None
        assert {json.dumps(to_prompt(job.workflow, INFO), sort_keys=True) for _ in range(4)} == {
            json.dumps(job.prompt, sort_keys=True)
        }, "a saved picture opens as what made it"
        assert job.prompt["1"]["inputs"]["plain"] == "{a|b}"
    assert data == untouched
