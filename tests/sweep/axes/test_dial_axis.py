"""An axis of Expression Dial in a Sweep: exact at 0 and 1, the node's own conditioning between, faults named first."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from steer.nodes.prompts.dial import dial_axis, read_dial
from steer.nodes.sweep.plan.cells import Connected, Settings, check_axes, plan_cells
from sweep_lab import MOODS, PROMPT, Lab, node, seeds_axis

SWAP = read_dial("smiling", "angry")
BASE = Settings(PROMPT, "", 7, 20, 8.0, "euler", "normal", 1.0)


def dials(*amounts: float) -> Any:
    return dial_axis(SWAP, amounts)


@pytest.mark.slow
def test_its_cells_are_the_stock_pictures_at_the_ends_and_the_nodes_between(lab: Lab):
    pictures = lab.sweep(axis_1=dials(0.0, 0.5, 1.0, 1.4), axis_2=seeds_axis(5, 6))
    assert len(pictures) == 8
    for (label, seed), pixels in pictures.items():
        amount = float(label.split()[-1])
        setting = {"seed": int(seed.split()[-1])}
        if amount in (0.0, 1.0):
            expected = lab.stock(positive=PROMPT.replace("smiling", "angry") if amount else PROMPT, **setting)
        else:
            given = {
                "prompt": PROMPT,
                "find": "smiling",
                "word": "angry",
                "dial": amount,
                "values": "0",
                "from_step": 1,
            }
            dial = node("SteerExpressionDial", clip=["model", 1], whole_words=True, match_case=False, **given)
            expected = lab.stock({"dial": dial}, {"positive": ["dial", 0]}, **setting)
        assert (pixels == expected).all(), label
    assert len({pixels.tobytes() for pixels in pictures.values()}) == 8


@pytest.mark.slow
def test_a_second_run_makes_nothing_and_a_new_value_only_itself(lab: Lab):
    before = lab.sweep(axis_1=dials(0.0, 1.0))
    times = {path.name: path.stat().st_mtime_ns for path in lab.output.glob("s/*.png")}
    after = lab.sweep(axis_1=dials(0.0, 0.5, 1.0))
    assert before.keys() < after.keys()
    kept = {path.name: path.stat().st_mtime_ns for path in lab.output.glob("s/*.png")}
    assert times.items() <= kept.items()
    assert len(kept) == 3


def test_it_turns_what_the_prompt_axes_leave():
    cells = plan_cells(BASE, [dials(0.5, 1.3), seeds_axis(1)], lambda settings: repr(settings))
    assert [cell.labels[0] for cell in cells] == ["angry 0.5", "angry 1.3"]
    assert [cell.settings.dial.amount for cell in cells] == [0.5, 1.3]
    assert {cell.settings.positive for cell in cells} == {PROMPT}


@pytest.mark.parametrize(
    ("settings", "axes", "message"),
    [
        (dataclasses.replace(BASE, positive="girl"), [dials(0.5)], r"^find: 'smiling' is not in the prompt"),
        (BASE, [MOODS, dials(0.5)], r"^find: 'smiling' is not in the prompt"),
        (dataclasses.replace(BASE, positive="[red:blue:4] girl, smiling"), [dials(0.5)], r"^axis dial: the prompt sw"),
    ],
)
def test_faults_are_named_before_any_picture(settings: Settings, axes: list[Any], message: str):
    with pytest.raises(ValueError, match=message):
        plan_cells(settings, axes, lambda _: "")


def test_two_dials_are_refused():
    with pytest.raises(ValueError, match=r"^axis 2: two axes vary the dial\. Put all its values into one"):
        check_axes([dials(0.5), dials(0.7)], Connected(), 100)


def test_cells_without_a_dial_keep_their_keys():
    assert "dial" not in BASE.values()
    assert dataclasses.replace(BASE, dial=dials(0.5).values[0]).values()["dial"]["amount"] == 0.5
