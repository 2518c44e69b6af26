"""A workflow is converted once for each content, and the place of each value in its file is known exactly."""

from __future__ import annotations

import copy
from typing import Any

import pytest

HOST = "0f1e2d3c-0000-4000-8000-000000000002"


def node_info(**inputs: Any) -> dict[str, Any]:
    return {
        "input": {"required": inputs},
        "input_order": {"required": list(inputs)},
        "output": ["LATENT"],
        "output_name": ["LATENT"],
    }


SAMPLER = node_info(
    seed=["INT", {"control_after_generate": True}],
    steps=["INT", {}],
    tiled=["BOOLEAN", {}],
    mode=[["fixed", "Random"], {}],
    text=["STRING", {"dynamicPrompts": True}],
)
INFO: dict[str, Any] = {"Sampler": SAMPLER, "Loader": node_info(image=[["a.png"], {"image_upload": True}])}


def node(number: int, kind: str, values: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "mode": 0, "inputs": [], "outputs": [], "widgets_values": values} | more


def graph(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"nodes": list(nodes), "links": [], "version": 0.4} | more


def in_subgraph() -> dict[str, Any]:
    """Two instances of a subgraph, each with a seed of its own; its steps are the definition's."""
    widgets = [{"name": name, "type": "INT", "link": None, "widget": {"name": name}} for name in ("seed", "steps")]
    inner = node(7, "Sampler", [1, "fixed", 20, False, "fixed", ""], inputs=[widgets[0] | {"link": 1}, widgets[1]])
    link = {"id": 1, "origin_id": -10, "origin_slot": 0, "target_id": 7, "target_slot": 0, "type": "INT"}
    definition = {
        "id": HOST,
        "nodes": [inner],
        "links": [link],
        "inputs": [{"name": "seed", "type": "INT", "linkIds": [1]}],
        "outputs": [],
    }
    hosts = [node(number, HOST, [seed], inputs=widgets[:1]) for number, seed in ((12, 5), (13, 6))]
    return graph(*hosts, definitions={"subgraphs": [definition]})


def test_each_value_is_found_in_its_place_and_changed_alone():
    from steer.runner.workflow import Workflow

    values = [7, "randomize", 20, True, "fixed", "{a|a}"]
    workflow = Workflow(graph(node(1, "Sampler", values)), INFO)
    before = {"seed": 7, "steps": 20, "tiled": True, "mode": "fixed", "text": "a"}
    assert workflow.prompt["1"]["inputs"] == before
    assert workflow.prompt["1"]["inputs"]["tiled"] is True
    for widget, key, value in [
        ("seed", 0, 3),
        ("steps", 2, 30),
        ("tiled", 3, False),
        ("mode", 4, "Random"),
        ("text", 5, "b"),
    ]:
        place = workflow.place("1", widget, "test")
        assert place == ("nodes", 0, "widgets_values", key)
        assert workflow.with_values({place: value}).prompt["1"]["inputs"] == before | {widget: value}
    assert workflow.data["nodes"][0]["widgets_values"] == values
    assert type(workflow.prompt["1"]["inputs"]["seed"]) is int


def test_values_saved_by_name_and_names_of_files_in_other_letters():
    from steer.runner.workflow import Workflow

    named = {"seed": 7, "steps": None, "tiled": False, "mode": "RANDOM", "text": ""}
    workflow = Workflow(graph(node(1, "Sampler", named), node(2, "Loader", ["A.PNG", "image"])), INFO)
    assert workflow.prompt["1"]["inputs"] == named | {"mode": "Random"}
    assert workflow.prompt["2"]["inputs"] == {"image": "a.png"}
    assert workflow.find_place("1", "steps") == ("nodes", 0, "widgets_values", "steps")
    assert workflow.find_place("1", "mode") == ("nodes", 0, "widgets_values", "mode")
    assert workflow.find_place("2", "image") == ("nodes", 1, "widgets_values", 0)


def test_a_value_of_a_subgraph_is_its_instances_own_or_its_definitions():
    from steer.runner.workflow import Setting, Workflow

    workflow = Workflow(in_subgraph(), INFO)
    assert {i: each["inputs"]["seed"] for i, each in workflow.prompt.items()} == {"12:7": 5, "13:7": 6}
    one = Setting("12:7", "seed", 9).apply(workflow)
    assert {i: each["inputs"]["seed"] for i, each in one.prompt.items()} == {"12:7": 9, "13:7": 6}
    both = Setting("Sampler", "steps", 3).apply(workflow)
    assert [each["inputs"]["steps"] for each in both.prompt.values()] == [3, 3]
    assert workflow.data == in_subgraph(), "nothing changes a workflow"


def test_the_definition_of_a_lone_instance_holds_the_same_value():
    from steer.runner.workflow import Setting, Workflow

    data = in_subgraph()
    del data["nodes"][1]
    changed = Setting("12:7", "seed", 9).apply(Workflow(data, INFO))
    inner = changed.data["definitions"]["subgraphs"][0]["nodes"][0]
    assert changed.data["nodes"][0]["widgets_values"] == [9]
    assert inner["widgets_values"] == [
        9,
        *in_subgraph()["definitions"]["subgraphs"][0]["nodes"][0]["widgets_values"][1:],
    ]
    assert changed.prompt["12:7"]["inputs"]["seed"] == 9
    seeded = changed.with_values(changed.seed_values(4))
    assert seeded.data["definitions"]["subgraphs"][0]["nodes"][0]["widgets_values"][0] == 4

    shared = Setting("12:7", "seed", 9).apply(Workflow(in_subgraph(), INFO))
    assert shared.data["definitions"] == in_subgraph()["definitions"], "one definition cannot hold two values"


def test_a_widget_without_a_value_in_the_file_is_named():
    from steer.runner.workflow import Setting, Workflow, WorkflowError

    info = {"Sampler": node_info(seed=["INT", {}], added_later=["INT", {"default": 4}])}
    workflow = Workflow(graph(node(1, "Sampler", [7, "fixed"])), info)
    assert workflow.prompt["1"]["inputs"] == {"seed": 7, "added_later": 4}
    with pytest.raises(WorkflowError, match=r"--set Sampler.added_later: the file holds no value for it\. Save"):
        Setting("Sampler", "added_later", 5).apply(workflow)
    with pytest.raises(WorkflowError, match=r"no such widget\. It has: seed, added_later"):
        Setting("Sampler", "nothing", 5).apply(workflow)


def test_it_is_converted_once_for_each_content(monkeypatch: pytest.MonkeyPatch):
    from steer.runner.batch.jobs import make_jobs
    from steer.runner.workflow import Setting, workflow

    converted: list[Any] = []

    def convert(data: Any, info: Any) -> Any:
        converted.append(copy.deepcopy(data))
        return real(data, info)

    real = workflow.convert
    monkeypatch.setattr(workflow, "convert", convert)
    data = graph(node(1, "Sampler", [0, "fixed", 20, True, "fixed", "a girl"]))
    jobs = make_jobs({"w": (data, [])}, INFO, range(1, 9), [Setting("Sampler", "steps", 5)])
    assert [job.prompt["1"]["inputs"]["seed"] for job in jobs] == list(range(1, 9))
    assert {job.prompt["1"]["inputs"]["steps"] for job in jobs} == {5}
    assert len(converted) == 1 + 1 + 8, "as it is in its file, with the setting, with each seed"
    assert all(each not in converted[:i] for i, each in enumerate(converted))
