"""What lies behind a Sweep Graph: it runs once, when all cells are there, and what it saves opens as the sweep."""

from __future__ import annotations

from typing import Any

import pytest
from graph_lab import GraphLab, failing_sweep, node, noise_sweep, read_texts, seeds, with_value
from server_prompts import refused

pytestmark = pytest.mark.server


def two_sweeps(first: dict[str, Any], second: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Two sweeps in one graph, the second under other ids, and one Save Image behind the sheets of both."""

    def moved(value: Any) -> Any:
        return [f"2{value[0]}", value[1]] if isinstance(value, list) else value

    other = {
        f"2{i}": node(each["class_type"], **{name: moved(value) for name, value in each["inputs"].items()})
        for i, each in second.items()
    }
    both = node("ImageBatch", image1=["99", 0], image2=["299", 0])
    return first | other | {"both": both, "save": node("SaveImage", images=["both", 0], filename_prefix=prefix)}


def with_value_behind(name: str) -> dict[str, Any]:
    """A sweep over seeds, and a Sweep Value of the same axis into a node behind it or into its own widget."""
    graph = noise_sweep("1-2", folder="behind")
    graph["i"] = node("ImageAddNoise", image=["99", 0], seed=1, strength=0.1)
    graph["p"] = node("PreviewImage", images=["i", 0])
    return with_value(graph, "12", "a", ("i", "seed") if name == "node" else ("99", name))


def test_a_picture_saved_behind_the_sheet_holds_the_sweep(lab: GraphLab):
    graph = noise_sweep("1-2", folder="sheet-png")
    graph["save"] = node("SaveImage", images=["99", 0], filename_prefix="sheet-png-sheet")
    lab.sweep(graph)
    (path,) = lab.output.glob("sheet-png-sheet*.png")
    prompt = read_texts(path)["prompt"]
    assert prompt == graph, "not the job that closed it"
    next(iter(lab.files("sheet-png").values())).unlink()
    text, jobs = lab.sweep(prompt)
    assert "1 to make" in text
    assert lab.report(jobs) == "2 of 2 pictures are there."


def test_what_lies_behind_two_sweeps_runs_once_when_both_are_there(lab: GraphLab):
    first, second = noise_sweep("1-3", folder="both-1"), noise_sweep("4-6", folder="both-2")
    lab.queue(two_sweeps(first, second, "both-sheets"))
    lab.wait_until_idle()
    assert len(lab.files("both-1")) == len(lab.files("both-2")) == 3
    assert len(list(lab.output.glob("both-sheets*.png"))) == 2, "one batch of two sheets"


def test_two_sweeps_with_cells_that_fail_do_not_begin_each_other_anew(lab: GraphLab):
    first, second = failing_sweep("1\nno", folder="fails-1"), failing_sweep("2\nnor here", folder="fails-2")
    lab.queue(two_sweeps(first, second, "fails-sheets"))
    lab.wait_until_idle()
    assert len(list(lab.output.glob("fails-sheets*.png"))) == 2
    for folder in ("fails-1", "fails-2"):
        lines = (lab.output / folder / "manifest.jsonl").read_text().splitlines()
        assert sum('"cell"' in line and '"error"' in line for line in lines) == 2, "each cell was tried once"


@pytest.mark.parametrize(
    ("name", "fault"),
    [("node", "lies behind a Sweep Graph"), ("folder", "goes into a widget of a Sweep Graph")],
)
def test_a_value_that_changes_nothing_that_is_kept(lab: GraphLab, name: str, fault: str):
    assert fault in refused(lab.client, with_value_behind(name))
    assert not (lab.output / "behind").exists()


def test_a_value_beside_the_sweep_is_a_plain_one(lab: GraphLab):
    graph = with_value(noise_sweep("1-2", folder="beside") | {"b": seeds("7-8")}, "12", "b")
    graph["i"] = node("ImageAddNoise", image=["1", 0], seed=["12", 0], strength=0.1)
    graph["p"] = node("PreviewImage", images=["i", 0])
    lab.sweep(graph)
    assert len(lab.files("beside")) == 2
