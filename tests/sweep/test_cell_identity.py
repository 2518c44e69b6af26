"""What a cell is known by: its key, and the frozen prompt and workflow in its picture."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from steer.nodes.axis import Lora
from steer.nodes.control.stack import Control
from steer.nodes.sweep.plan.cell_key import SESSION, Upstream, describe_shared, hash_cell
from steer.nodes.sweep.plan.cell_widget import ASIDE
from steer.nodes.sweep.plan.cells import Settings
from steer.nodes.sweep.plan.freeze import freeze_prompt, freeze_workflow, idle_sweeps, put_aside

BASE = Settings("girl", "", 7, 20, 8.0, "euler", "normal", 1.0)
LATENT = {"samples": torch.zeros(1, 4, 8, 8)}
FILES = {"v1.safetensors": "10 5", "l.safetensors": "20 6"}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def graph() -> dict[str, Any]:
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="v1.safetensors"),
        "5": node("FreeU", model=["4", 0], b1=1.1),
        "9": node("SteerSweep", model=["5", 0], clip=["4", 1], vae=["4", 2], seed=7),
    }


def key(
    prompt: dict[str, Any],
    settings: Settings = BASE,
    latent: Any = LATENT,
    at: str = "9",
    files: Any = FILES,
    **optional: Any,
) -> str:
    shared = describe_shared(Upstream(prompt.get, files.get), at, latent, **optional)
    return hash_cell(settings, shared, files.get)


def test_names_places_and_widgets_of_the_sweep_do_not_count():
    moved = {
        "a": graph()["4"] | {"_meta": {"title": "mine"}},
        "b:1": node("FreeU", b1=1.1, model=["a", 0]),
        "c": node("SteerSweep", model=["b:1", 0], clip=["a", 1], vae=["a", 2], seed=8, folder="x"),
    }
    moved["a"]["is_changed"] = [f"{SESSION}3"]
    assert key(graph()) == key(moved, at="c") == key(graph() | {"7": node("Else", x=["9", 0])})


def test_everything_that_makes_the_picture_counts():
    patched, reloaded, looped, seen = graph(), graph(), graph(), graph()
    patched["5"]["inputs"]["b1"] = 1.2
    reloaded["9"]["inputs"]["vae"] = ["4", 1]
    looped["5"]["inputs"]["extra"] = ["5", 0]
    seen["4"]["is_changed"] = ["a file's hash"]
    hint = torch.rand(1, 8, 8, 3)
    noisy = {"samples": LATENT["samples"] + torch.eye(8)}
    settings = [
        replace(BASE, positive="boy"),
        replace(BASE, negative="x"),
        replace(BASE, seed=8),
        replace(BASE, steps=21),
        replace(BASE, cfg=8.1),
        replace(BASE, sampler="heun"),
        replace(BASE, scheduler="karras"),
        replace(BASE, denoise=0.9),
        replace(BASE, checkpoint="v1.safetensors"),
        replace(BASE, lora=Lora("l.safetensors")),
        replace(BASE, lora=Lora("l.safetensors", 0.5)),
        replace(BASE, control_strength=0.5),
        replace(BASE, control_start=0.5),
        replace(BASE, control_end=0.5),
    ]
    keys = [
        key(graph()),
        key(patched),
        key(reloaded),
        key(looped),
        key(seen),
        key(graph(), latent=noisy),
        key(graph(), latent=LATENT | {"noise_mask": torch.ones(1, 8, 8)}),
        key(graph(), latent=LATENT | {"batch_index": [3]}),
        key(graph(), files=FILES | {"v1.safetensors": "10 6"}),
        key(graph(), control=(Control(None, hint),)),
        key(graph(), control=(Control(None, hint * 0.5),)),
        key(graph(), control=(Control(None, hint, mode="prompt"),)),
        key(graph(), sigmas=torch.ones(3)),
        key(graph(), sigmas=torch.ones(4)),
        key(graph(), sampler=object()),
        *(key(graph(), one) for one in settings),
    ]
    assert len(set(keys)) == len(keys)


def test_what_is_overridden_does_not_count():
    other = replace(BASE, steps=99, scheduler="karras", denoise=0.1)
    assert key(graph(), sigmas=torch.ones(3)) == key(graph(), other, sigmas=torch.ones(3))
    swept = replace(BASE, checkpoint="v1.safetensors")
    assert key(graph(), swept) == key({"9": node("SteerSweep")}, swept), "a checkpoint brings its own model"


def test_a_deep_graph_and_one_with_many_paths():
    deep: dict[str, Any] = {"0": node("Load")}
    for number in range(1, 5000):  # 2 ** 5000 paths, deeper than Python's stack
        deep[str(number)] = node("Merge", a=[str(number - 1), 0], b=[str(number - 1), 1])
    deep["sweep"] = node("SteerSweep", model=["4999", 0])
    other = copy.deepcopy(deep)
    other["0"]["inputs"]["x"] = 1
    assert key(deep, at="sweep") != key(other, at="sweep")


def test_a_frozen_prompt_changes_the_cell_only_and_forgets_the_cache():
    prompt = graph()
    prompt["4"]["is_changed"] = [1]
    before = copy.deepcopy(prompt)
    frozen = freeze_prompt(prompt, "9", "here")
    assert prompt == before
    assert frozen["9"]["inputs"] == prompt["9"]["inputs"] | {"cell": "here"}
    assert (frozen["4"], frozen["5"]) == (graph()["4"], graph()["5"])


def test_a_frozen_prompt_sets_the_sweeps_aside_that_its_picture_does_not_need():
    prompt = graph() | {
        "first": node("SteerSweep", model=["4", 0]),
        "encoded": node("VAEEncode", pixels=["first", 0]),
        "behind": node("SteerSweep", report=["9", 2], cell=" "),
        "beside": node("SteerSweep", model=["4", 0], cell=""),
        "one": node("SteerSweep", model=["4", 0], cell="angry"),
    }
    prompt["9"]["inputs"]["latent"] = ["encoded", 0]
    prompt["first"]["inputs"]["loop"] = ["9", 1]
    assert idle_sweeps(prompt, "9") == ["behind", "beside"]
    frozen = freeze_prompt(prompt, "9", "here")
    changed = {name: one["inputs"]["cell"] for name, one in frozen.items() if one != prompt[name]}
    assert changed == {"9": "here", "behind": ASIDE, "beside": ASIDE}
    assert idle_sweeps(prompt, "made by another node") == []
    assert freeze_prompt(prompt, "made by another node", "here") == prompt


def sweep(number: int, value: str = "") -> dict[str, Any]:
    return {"id": number, "type": "SteerSweep", "widgets_values": ["girl", 7, "fixed", value]}


def in_subgraphs(instances: int) -> dict[str, Any]:
    inner = {"id": "inner", "nodes": [sweep(7)]}
    outer = {"id": "outer", "nodes": [{"id": 3, "type": "inner"}]}
    nodes = [{"id": 10 + i, "type": "outer"} for i in range(instances)]
    return {"nodes": nodes, "definitions": {"subgraphs": [outer, inner]}}


def cell_of(workflow: dict[str, Any], path: str) -> str:
    """The widget as the frontend would read it."""
    graphs = {graph["id"]: graph for graph in workflow.get("definitions", {}).get("subgraphs", [])}
    *outer, last = path.split(":")
    where = workflow
    for part in outer:
        where = graphs[next(n["type"] for n in where["nodes"] if str(n["id"]) == part)]
    values = next(n for n in where["nodes"] if str(n["id"]) == last)["widgets_values"]
    return values["cell"] if isinstance(values, dict) else values[-1]


def test_a_frozen_workflow_at_the_top_and_in_subgraphs():
    flat = {"nodes": [sweep(6), sweep(7), {"id": 8, "type": "SteerSweep", "widgets_values": {"seed": 1, "cell": ""}}]}
    frozen = freeze_workflow(flat, "7", "here")
    assert frozen is not None
    assert [cell_of(frozen, number) for number in ("6", "7", "8")] == ["", "here", ""]
    frozen = freeze_workflow(flat, "8", "here")
    assert frozen is not None
    assert [cell_of(frozen, number) for number in ("6", "7", "8")] == ["", "", "here"]
    frozen = freeze_workflow(flat, "8", "here", ["6", "7", "9"])
    assert frozen is not None
    assert [cell_of(frozen, number) for number in ("6", "7", "8")] == [ASIDE, ASIDE, "here"]
    nested = freeze_workflow(in_subgraphs(1), "10:3:7", "here")
    assert nested is not None
    assert cell_of(nested, "10:3:7") == "here"
    assert len(nested["definitions"]["subgraphs"]) == 2, "a subgraph that stands in one place needs no copy"


def test_a_subgraph_that_stands_twice_is_frozen_in_one_place_only():
    workflow = in_subgraphs(2)
    before = copy.deepcopy(workflow)
    frozen = freeze_workflow(workflow, "11:3:7", "here")
    assert workflow == before
    assert frozen is not None
    assert (cell_of(frozen, "10:3:7"), cell_of(frozen, "11:3:7")) == ("", "here")
    ids = [graph["id"] for graph in frozen["definitions"]["subgraphs"]]
    assert len(set(ids)) == len(ids)
    alone = freeze_workflow(workflow, "11:3:7", "here", ["10:3:7"])
    assert alone is not None
    assert (cell_of(alone, "10:3:7"), cell_of(alone, "11:3:7")) == (ASIDE, "here")


@pytest.mark.parametrize("path", ["6", "7:1", "10:4:7", "10:3:8"])
def test_a_workflow_without_the_node_is_reported(path: str):
    assert (
        freeze_workflow(in_subgraphs(1) | {"nodes": [{"id": 10, "type": "outer"}, {"id": 7, "type": "X"}]}, path, "x")
        is None
    )


def test_a_node_whose_last_widget_is_another_is_left_alone():
    assert freeze_workflow({"nodes": [sweep(7, "someone else's")]}, "7", "here") is None
    assert freeze_workflow({"nodes": [sweep(7, " ")]}, "7", "here") == {"nodes": [sweep(7, "here")]}, "blank is none"


def after_a_run(number: int, cell: str = "", *behind: Any) -> dict[str, Any]:
    """A Sweep with all its widgets as the frontend saves it, and what it puts behind them."""
    own = ["girl", "", 7, 20, 8.0, "euler", "normal", 1, 0, 256, "sweeps/sweep", "blank", cell]
    return {"id": number, "type": "SteerSweep", "widgets_values": [*own, *behind]}


@pytest.mark.parametrize("behind", [("cell 3 of 3: sad x seed 3",), (None, "6 cells"), ("{", True, None, "x"), ()])
def test_the_text_below_the_node_that_is_saved_behind_the_cell_is_no_hindrance(behind: tuple[Any, ...]):
    before = {"nodes": [after_a_run(6, "", *behind), after_a_run(7, " ", *behind)]}
    expected = {"nodes": [after_a_run(6, ASIDE, *behind), after_a_run(7, "here", *behind)]}
    assert freeze_workflow(before, "7", "here", ["6"]) == expected
    one_cell = {"nodes": [after_a_run(7, "angry", *behind)]}
    assert freeze_workflow(one_cell, "7", "here") is None, "the blank one before it is the negative prompt"
    assert put_aside(one_cell, ["7"]) == one_cell


def test_what_newer_frontends_read_first_has_the_cell_too():
    values = ["blank", ""]
    workflow = {
        "nodes": [{"id": 1, "widgets_values": values, "widgets_values_named": {"on_error": "blank", "cell": ""}}]
    }
    frozen = freeze_workflow(workflow, "1", "angry")
    assert frozen is not None
    assert frozen["nodes"][0]["widgets_values"] == ["blank", "angry"]
    assert frozen["nodes"][0]["widgets_values_named"]["cell"] == "angry"
