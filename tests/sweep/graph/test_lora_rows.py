"""Rows of LoRAs in a graph: each cell is the same graph with these LoRAs and strengths typed in."""

from __future__ import annotations

import pytest
from graph_lab import GraphLab, node, tiny_graph, values, with_graph, with_value

pytestmark = pytest.mark.server
ROWS = {"no LoRA": (0.0, 0.0), "red 0.6": (0.6, 0.0), "red 0.6 + blue 1": (0.6, 1.0)}


def test_each_row_is_the_graph_with_its_loras_typed_in(comfy, lab: GraphLab):
    from small_lora import write_lora

    folder = lab.output.parent / "models" / "loras"
    for seed, name in enumerate(("rows-red", "rows-blue")):
        write_lora(folder / f"{name}.safetensors", seed)
    graph = _with_loras(0.0, 0.0) | {
        "a": values("LoRA", "none\nrows-red.safetensors : 0.6\nrows-red.safetensors : 0.6 + rows-blue.safetensors")
    }
    for part, loader in enumerate(("21", "22"), start=1):
        targets = [(loader, name) for name in ("lora_name", "strength_model", "strength_clip")]
        graph = with_value(graph, f"3{part}", "a", *targets, part=part)
    text, jobs = lab.sweep(with_graph(graph, ["10", 0], folder="rows"))
    cells = lab.cells("rows")
    assert len(cells) == 3, (text, lab.report(jobs))
    for pixels, strengths in zip(cells.values(), ROWS.values(), strict=True):
        assert (lab.made_by_hand(_with_loras(*strengths), ["10", 0]) == pixels).all(), strengths
    assert len({pixels.tobytes() for pixels in cells.values()}) == 3
    with_names = [" ".join(labels).replace("rows-", "") for labels in cells]
    assert with_names == list(ROWS)


def _with_loras(red: float, blue: float) -> dict:
    """Two loaders in a row, before the sampler and both prompts."""
    graph = tiny_graph()
    last = "1"
    for loader, name, strength in (("21", "rows-red", red), ("22", "rows-blue", blue)):
        graph[loader] = node(
            "LoraLoader",
            model=[last, 0],
            clip=[last, 1],
            lora_name=f"{name}.safetensors",
            strength_model=strength,
            strength_clip=strength,
        )
        last = loader
    graph["9"]["inputs"]["model"] = [last, 0]
    for prompt in ("7", "8"):
        graph[prompt]["inputs"]["clip"] = [last, 1]
    return graph
