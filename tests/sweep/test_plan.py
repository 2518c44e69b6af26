"""From axes to cells: their settings, their order, which share a batch, and what is refused."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steer.nodes.axis import Axis, Lora, prompt_axis, seed_axis
from steer.nodes.prompts.swap import WholePrompt, WordSwap
from steer.nodes.sweep.plan.cells import (
    FIELDS,
    ORDER,
    Cell,
    Connected,
    Settings,
    check_axes,
    number_labels,
    plan_cells,
    split_batches,
    state_plan,
)

BASE = Settings("girl, smiling, [red:blue:0.5] hat, backstreet", "bad", 7, 20, 8.0, "euler", "normal", 1.0)
MOODS = prompt_axis([WordSwap(("smiling",), None), WordSwap(("smiling",), ("angry",))], ["smiling", "angry"])
PLACES = prompt_axis([WordSwap(("backstreet",), ("smiling meadows",))], ["meadows"])
VALUES = {
    "checkpoint": ("a", "b"),
    "LoRA": (None, Lora("l", 0.5)),
    "control strength": (0.5, 1.0),
    "control start": (0.0, 0.2),
    "control end": (0.8, 1.0),
    "sampler": ("euler", "heun"),
    "scheduler": ("normal", "karras"),
    "steps": (4, 8),
    "denoise": (0.5, 1.0),
    "cfg": (4.0, 8.0),
    "seed": (1, 2),
}


def cells_of(axes: Sequence[Axis]) -> list[Cell]:
    return plan_cells(BASE, axes, repr)


def axis(name: str) -> Axis:
    return Axis(name, VALUES[name], tuple(map(str, VALUES[name])))


def test_every_setting_but_the_prompts_has_an_axis():
    assert {field.name for field in fields(Settings)} == {*FIELDS.values(), "positive", "negative"}
    assert set(ORDER) == {*FIELDS, "prompt", "switch time"}


@pytest.mark.parametrize("name", VALUES)
def test_an_axis_sets_its_setting_and_nothing_else(name: str):
    cells = cells_of([axis(name)])
    assert [getattr(cell.settings, FIELDS[name]) for cell in cells] == list(VALUES[name])
    others = [field.name for field in fields(Settings) if field.name != FIELDS[name]]
    assert all(getattr(cell.settings, other) == getattr(BASE, other) for cell in cells for other in others)


@given(st.permutations(["seed", "checkpoint", "cfg", "LoRA"]), st.integers(0, 4))
def test_slow_axes_are_outermost_whatever_the_wiring(names: list[str], count: int):
    axes = [axis(name) for name in names[:count]]
    cells = cells_of(axes)
    assert sorted(cell.at for cell in cells) == list(itertools.product(range(2), repeat=count))
    for cell in cells:  # wired order everywhere but in time
        assert cell.labels == tuple(axis.labels[i] for axis, i in zip(axes, cell.at, strict=True))
    for slow, fast in itertools.combinations([name for name in ORDER if name in names[:count]], 2):
        changes = [
            sum(a.at[names.index(name)] != b.at[names.index(name)] for a, b in itertools.pairwise(cells))
            for name in (slow, fast)
        ]
        assert changes[0] < changes[1]


def test_prompts_compose_without_touching_each_other():
    cells = cells_of([MOODS, PLACES])
    assert [cell.settings.positive for cell in cells] == [
        "girl, smiling, [red:blue:0.5] hat, smiling meadows",
        "girl, angry, [red:blue:0.5] hat, smiling meadows",
    ]


def test_switch_times_reach_swapped_prompts():
    times = Axis("switch time", ("0.2", "8"), ("switch 0.2", "switch 8"))
    texts = [cell.settings.positive for cell in cells_of([times, MOODS])]
    assert texts[0] == "girl, smiling, [red:blue:0.2] hat, backstreet"
    assert texts[-1] == "girl, angry, [red:blue:8] hat, backstreet"


@pytest.mark.parametrize(
    ("axes", "connected", "most", "fault"),
    [
        ([axis("seed")] * 2, Connected(), 99, "axis 2: two axes vary the seed"),
        ([axis("sampler")], Connected(sampler=True), 99, "axis 1: it varies the sampler, but a sampler is connected"),
        ([axis("steps")], Connected(sigmas=True), 99, "it varies steps, but sigmas are connected"),
        ([axis("control end")], Connected(), 99, "no control is connected"),
        ([seed_axis(range(10_000))], Connected(), 256, "10,000 cells, more than 256"),
        ([seed_axis([3, 4, 3])], Connected(), 99, "axis 1 .seed.: 'seed 3' is there twice"),
        ([Axis("weather", (1,), ("sun",))], Connected(), 99, "cannot vary 'weather'"),
        ([prompt_axis([i], [str(i)]) for i in range(17)], Connected(), 99, "there are 17. Use at most 16"),
    ],
)
def test_what_cannot_be_swept_is_refused(axes: list[Axis], connected: Connected, most: int, fault: str):
    with pytest.raises(ValueError, match=fault):
        check_axes(axes, connected, most)


@pytest.mark.parametrize(
    ("axes", "fault"),
    [
        (
            [prompt_axis([WordSwap(("smilling",), ("sad",))], ["sad"])],
            "'smilling' is not in the prompt. Nearest are: 'smiling'",
        ),
        ([prompt_axis([WholePrompt("a"), WholePrompt("b")], ["a", "b"])] * 2, "two of them give the whole prompt"),
        ([prompt_axis([WholePrompt("[a:b")], ["x"])], "positive, character 1 .*not closed"),
        (
            [prompt_axis([WholePrompt("a")], ["x"]), Axis("switch time", ("0.2",), ("t",))],
            "nothing in the prompt switches",
        ),
    ],
)
def test_prompts_that_cannot_be_made_are_refused(axes: list[Axis], fault: str):
    with pytest.raises(ValueError, match=fault):
        cells_of(axes)


def test_only_neighbours_that_differ_in_the_seed_share_a_batch():
    cells = cells_of([seed_axis(range(5)), axis("cfg"), MOODS])
    for size in (1, 2, 3, 8):
        groups = split_batches(cells, lambda settings, size=size: size)
        assert [cell for group in groups for cell in group] == cells
        assert {len({(c.settings.cfg, c.settings.positive) for c in group}) for group in groups} == {1}
        assert len(groups) == 4 * -(-5 // size)


def test_labels_that_repeat_are_numbered():
    (only,) = number_labels([prompt_axis(["a", "b", "c"], ["x", "x (2)", "x"])])
    assert only.labels == ("x", "x (2)", "x (3)")


def test_the_statement_counts_cells_batches_and_megapixels():
    axes = [seed_axis(range(8)), MOODS]
    assert state_plan(axes, 16, 6, 3, (500, 1000)) == (
        "8 (seed) x 2 (prompt): 16 cells of 1000 x 500, 8 megapixels in all. 10 are there already. "
        "6 cells to make in 3 batches. Order: prompt, then seed, the last changing fastest."
    )
