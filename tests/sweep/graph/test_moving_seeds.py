"""Which seeds the frontend changes after each Run, read from the workflow that it draws."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from graph_lab import GraphLab, node, noise_graph, values, with_graph, with_value
from steer.nodes.sweep.graph.seeds import MovingSeed, find_moving_seeds, set_drawn_seed

LINK = {"name": "seed", "type": "INT", "widget": {"name": "seed"}}


def own(seed: int, control: str) -> dict[str, Any]:
    """The seed stands in the node itself."""
    return {"nodes": [{"id": 2, "type": "ImageAddNoise", "widgets_values": [seed, control, 0.2]}]}


def primitive(seed: int, control: str) -> dict[str, Any]:
    """A Primitive is wired to the seed, whose own word stays as it was."""
    drawn = own(seed, "fixed" if control == "randomize" else "randomize")
    drawn["nodes"][0]["inputs"] = [LINK | {"link": 7}]
    drawn["nodes"].append({"id": 5, "type": "PrimitiveNode", "widgets_values": [seed, control]})
    return drawn | {"links": [[7, 5, 0, 2, 0, "INT"]]}


def inside(seed: int, control: str) -> dict[str, Any]:
    """A subgraph shows the seed of a node in it."""
    hosted = {"id": 2, "type": "ImageAddNoise", "widgets_values": [0, "fixed", 0.2], "inputs": [LINK | {"link": 3}]}
    entry = {"id": 3, "origin_id": -10, "origin_slot": 1, "target_id": 2, "target_slot": 0, "type": "INT"}
    names = [{"name": "image"}, {"name": "seed"}]
    graph = {"id": "own", "inputs": names, "nodes": [hosted], "links": [entry]}
    host = {"id": 20, "type": "own", "widgets_values": [seed, control], "inputs": [LINK | {"link": None}]}
    return {"nodes": [host], "links": [], "definitions": {"subgraphs": [graph]}}


def inside_with_primitive(seed: int, control: str) -> dict[str, Any]:
    """A Primitive is wired to the subgraph."""
    drawn = inside(seed, "fixed")
    drawn["nodes"][0]["inputs"] = [LINK | {"link": 7}]
    drawn["nodes"].append({"id": 5, "type": "PrimitiveNode", "widgets_values": [seed, control]})
    return drawn | {"links": [[7, 5, 0, 20, 0, "INT"]]}


DRAWN = [(own, "2"), (primitive, "2"), (inside, "20:2"), (inside_with_primitive, "20:2")]


@pytest.mark.parametrize(("draw", "node_id"), DRAWN)
def test_where_the_frontend_keeps_the_word_that_moves_a_seed(draw: Any, node_id: str):
    prompt = {node_id: node("ImageAddNoise", seed=5, strength=0.2)}
    assert find_moving_seeds(prompt, [node_id], draw(5, "fixed")) == []
    drawn = draw(5, "randomize")
    (found,) = find_moving_seeds(prompt, [node_id], drawn)
    assert found == MovingSeed(node_id, "seed", 5)
    before = copy.deepcopy(drawn)
    set_drawn_seed(drawn, found, 77)
    assert drawn != before
    moved = {node_id: node("ImageAddNoise", seed=77, strength=0.2)}
    assert find_moving_seeds(moved, [node_id], drawn) == [MovingSeed(node_id, "seed", 77)]


@pytest.mark.parametrize("drawn", [{}, {"nodes": []}, {"nodes": [{"id": 20, "type": "own"}]}, {"nodes": [{"id": 2}]}])
def test_a_workflow_without_the_node_moves_nothing(drawn: dict[str, Any]):
    for node_id in ("2", "20:2"):
        assert find_moving_seeds({node_id: node("ImageAddNoise", seed=5)}, [node_id], drawn) == []


@pytest.mark.server
@pytest.mark.parametrize(("draw", "node_id"), DRAWN[1:])
def test_the_next_run_makes_nothing_again(lab: GraphLab, draw: Any, node_id: str):
    folder = f"moves-{draw.__name__}"

    def run(seed: int) -> tuple[str, list[str]]:
        graph = noise_graph() | {"a": values("number", "0.2, 0.4")}
        graph[node_id] = graph.pop("2")
        graph[node_id]["inputs"]["seed"] = seed
        graph = with_graph(with_value(graph, "11", "a", (node_id, "strength")), [node_id, 0], folder=folder)
        return lab.sweep(graph, extra_data={"extra_pnginfo": {"workflow": draw(seed, "randomize")}})

    assert len(run(5)[1]) == 3
    text, jobs = run(77)
    assert jobs == []
    assert "was changed after the last Run. The pictures of this folder have 5, which is used again." in text
