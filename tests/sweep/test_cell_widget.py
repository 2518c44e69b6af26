"""The widget `cell`: each text asks for one thing, and the texts of old workflows stay readable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steer.nodes.sweep.folder.manifest import AxisRecord, CellPlan, Grid
from steer.nodes.sweep.folder.selection import find_cell
from steer.nodes.sweep.plan.cell_widget import (
    OneCell,
    PlanOnly,
    SetAside,
    SeveralCells,
    WholeSweep,
    is_whole_sweep,
    read_cell,
    read_cells,
    write_cell,
    write_cells,
)

LABELS = ("angry; sad", 'a "quoted" one', "seed 3", "\ud654\ub0a8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", WholeSweep()),
        (" \n", WholeSweep()),
        ("?", PlanOnly()),
        (" ? ", PlanOnly()),
        ("-", SetAside()),
        ("angry; seed 3", OneCell("angry; seed 3")),
        ("7", OneCell("7")),
        ("[1]", OneCell("[1]")),
        ("[]", OneCell("[]", ())),
        ('["angry", "seed 3"]', OneCell('["angry", "seed 3"]', ("angry", "seed 3"))),
        ("[[]]", SeveralCells((OneCell("[]", ()),))),
        ('[["a"], ["b"]]', SeveralCells((OneCell('["a"]', ("a",)), OneCell('["b"]', ("b",))))),
        ('[["a"], "b"]', OneCell('[["a"], "b"]')),
    ],
)
def test_each_text_asks_for_one_thing(text: str, expected: object):
    assert read_cell(text) == expected


def test_the_texts_of_old_pictures_stay_the_same():
    assert write_cell(("angry", "seed 3")) == '["angry", "seed 3"]'
    assert write_cells([("angry", "seed 3"), ("sad",)]) == '[["angry", "seed 3"], ["sad"]]'
    assert write_cell(LABELS) == '["angry; sad", "a \\"quoted\\" one", "seed 3", "\ud654\ub0a8"]'


@given(st.lists(st.text(), max_size=4), st.lists(st.lists(st.text(), max_size=3), min_size=1, max_size=3))
def test_labels_read_back(labels: list[str], cells: list[list[str]]):
    assert read_cell(write_cell(labels)) == OneCell(write_cell(labels), tuple(labels))
    assert read_cells(write_cells(cells)) == [tuple(cell) for cell in cells]
    assert read_cells(write_cell(labels)) is None


@pytest.mark.parametrize(
    ("inputs", "whole"),
    [({}, True), ({"cell": None}, True), ({"cell": " "}, True), ({"cell": "?"}, False), ({"cell": "sad"}, False)],
)
def test_a_blank_or_absent_cell_is_the_whole_sweep(inputs: dict[str, object], whole: bool):
    assert is_whole_sweep({"inputs": inputs}) is whole


def test_a_request_finds_its_cell_or_says_cell():
    axes = (AxisRecord("prompt", ("smiling", "angry")), AxisRecord("seed", ("seed 3", "seed 30")))
    places = [(i, j) for i in range(2) for j in range(2)]
    cells = [CellPlan(f"{at}", at, (axes[0].labels[at[0]], axes[1].labels[at[1]])) for at in places]
    grid = Grid("", axes, tuple(cells))
    assert find_cell(grid, OneCell("angry; seed 3")).at == (1, 0)
    assert find_cell(grid, OneCell("", ("smiling", "seed 30"))).at == (0, 1)
    for request, fault in (
        (OneCell("sad"), "cell: no label holds 'sad'"),
        (OneCell("angry; smiling"), "cell: no cell holds all of"),
        (OneCell("angry"), "cell: 'angry' names 2 of them of the 4 cells"),
        (OneCell("x", ("x",)), "cell: 'x' names none of the 4 cells"),
    ):
        with pytest.raises(ValueError, match=fault):
            find_cell(grid, request)
