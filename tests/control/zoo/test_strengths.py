"""Strengths by step: the text, the sigmas between which they change, and the words of the report."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from steer.nodes.control.stack import Control, on_sigmas, steps_of, with_steps, with_values
from steer.nodes.control.steps.parse import parse_steps
from steer.nodes.control.steps.strengths import ControlSteps, describe_steps

FLOW = torch.linspace(1.0, 0.0, 9)  # 8 steps


def steps(text: str, sigmas: torch.Tensor = FLOW) -> ControlSteps:
    """On a model whose percents are 1 - sigma."""
    return ControlSteps(text, sigmas, lambda percent: 1.0 - percent).check()


@pytest.mark.parametrize(
    ("text", "strengths"),
    [
        ("1@1-4, 0.4@5-8", [1, 1, 1, 1, 0.4, 0.4, 0.4, 0.4]),
        ("0.4@8", [0] * 7 + [0.4]),
        ("1@1-3\n.5@4-end", [1, 1, 1] + [0.5] * 5),
        (" 2 @ 1 - 8 ( + 3 ) ", [2, 0, 0, 2, 0, 0, 2, 0]),
        ("1@2..3, -1@1", [-1, 1, 1, 0, 0, 0, 0, 0]),
        ("0@1-8", [0] * 8),
        ("", [1] * 8),
        (" \n, ", [1] * 8),
    ],
)
def test_the_text(text: str, strengths: list[float]):
    assert parse_steps(text, 8) == strengths


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1@1-4, 0.4", r"character 8 \('0.4'\): this is no strength with its steps"),
        ("1@", "no strength with its steps"),
        ("strong@1-4", "no strength with its steps"),
        ("1@1-4 0.4@5-8", "no strength with its steps"),
        ("1@0-4", "there is no step 0: sigmas has 8, from 1 to 8"),
        ("1@1-12", "there is no step 12: sigmas has 8"),
        ("1@9-end", "there is no step 9"),
        ("1@4-1", "the range from 4 to 1 has no step"),
        ("1@1-4(+0)", "the range from 1 to 4 has no step"),
        ("1@1-4, 0.5@4-8", "step 4 has a strength already"),
        ("11@1", "strength 11 is outside -10 to 10"),
        ("1@1\n1@1-99999999999", "line 2, .*no strength with its steps"),
    ],
)
def test_a_faulty_text_names_its_place_and_the_remedy(text: str, words: str):
    with pytest.raises(ValueError, match=words) as caught:
        parse_steps(text, 8)
    assert str(caught.value).startswith("text, ")


@given(
    st.lists(st.floats(2**-10, 64.0, width=32), min_size=2, max_size=30, unique=True),
    st.lists(st.sampled_from([0.0, 0.4, 1.0]), min_size=30, max_size=30),
    st.floats(0.3, 0.999),
)
def test_each_sigma_of_a_step_has_its_strength(sigmas: list[float], strengths: list[float], inside: float):
    """From its beginning to 0.3 of its way in log sigma, where samplers evaluate that look inside a step."""
    edges = torch.tensor(sorted(sigmas, reverse=True))
    assume(all(low < 0.999 * high for high, low in pairwise(edges.tolist())))
    text = ", ".join(f"{strengths[step]}@{step + 1}" for step in range(len(edges) - 1))
    plan = ControlSteps(text, edges, float).check()
    for step, (high, low) in enumerate(pairwise(edges.tolist())):
        assert plan.at(high) == strengths[step]
        assert plan.at(high**inside * low ** (1 - inside)) == strengths[step]
        assert plan.at(high * 1.000001 if step == 0 else high) == strengths[step]
    assert plan.at(0.0) == strengths[len(edges) - 2]


def test_where_a_sigma_repeats_the_strength_cannot_change():
    repeated = torch.tensor([1.0, 0.5, 0.5, 0.0])
    assert steps("1@1, 0.5@2-3", repeated).at(0.5) == 0.5
    with pytest.raises(ValueError, match=r"no moment between step 2 \(sigma 0.5\) and step 3 \(0.5\)"):
        steps("1@1-2, 0.5@3", repeated)


@pytest.mark.parametrize(
    ("sigmas", "words"),
    [
        (torch.tensor([1.0]), "the schedule has no step"),
        (torch.tensor([[1.0, 0.0]]), "the schedule has no step"),
        (torch.tensor([0.0, 1.0]), "the schedule rises"),
        (torch.tensor([1.0, float("nan")]), "the schedule holds NaN, infinite or negative"),
    ],
)
def test_a_schedule_that_is_none_is_refused(sigmas: torch.Tensor, words: str):
    with pytest.raises(ValueError, match=f"^sigmas: {words}"):
        steps("1@1", sigmas)


def test_the_report_names_the_steps_and_where_percents_fall():
    plan = steps("1@1-4, 0.4@5-8")
    assert describe_steps(plan.strengths) == "acts in steps 1-4 at 1, 5-8 at 0.4, of 8"
    assert plan.describe(0.0, 1.0, 0.5) == "acts in steps 1-4 at 0.5, 5-8 at 0.2, of 8"
    assert plan.describe(0.25, 0.6) == (
        "acts in steps 3-4 at 1, 5 at 0.4, of 8\n"
        "start_percent 0.25 falls between step 2 (sigma 0.875) and step 3 (0.75)\n"
        "end_percent 0.6 falls between step 5 (sigma 0.5) and step 6 (0.375)"
    )
    assert steps("").describe(0.9, 0.95) == (
        "acts at no step\n"
        "start_percent 0.9 falls behind step 8, the last one\n"
        "end_percent 0.95 falls behind step 8, the last one"
    )
    assert steps("1@1", torch.tensor([0.5, 0.0])).describe(0.0, 0.2).endswith("0.2 falls before step 1 (sigma 0.5)")


@given(st.floats(0, 1), st.floats(0, 1))
def test_percents_leave_out_the_steps_that_comfyui_leaves_out(start: float, end: float):
    """ComfyUI runs a net where sigma(start) >= sigma >= sigma(end), in float32."""
    plan = steps("")
    high, low = torch.tensor(1.0 - start), torch.tensor(1.0 - end)
    runs = [float(bool(low <= sigma <= high)) for sigma in FLOW[:-1]]
    assert plan.strengths_within(start, end) == runs


def test_another_schedule_is_refused_and_a_part_of_it_is_not():
    plan = steps("1@1-4, 0.4@5-8")
    for part in (FLOW, FLOW[:4], FLOW[3:], FLOW * (1 + 5e-5)):
        plan.check_run(part)
    words = "which has 8 steps from sigma 1 to 0. Its own has 4 steps from 1 to 0. Connect the SIGMAS that are sampled"
    with pytest.raises(ValueError, match=words):
        plan.check_run(torch.tensor([1.0, 0.7, 0.5, 0.2, 0.0]))


def test_a_sweep_counts_the_steps_on_the_schedule_of_each_cell():
    control: Any = Control(None, torch.zeros(1, 8, 8, 3))
    (moved,) = on_sigmas((with_steps(control, steps("1@1-3, 0.4@4-end")),), torch.linspace(1.0, 0.0, 6))
    found = steps_of(moved)
    assert found is not None
    assert found.strengths == [1, 1, 1, 0.4, 0.4]
    assert steps_of(with_values((moved,), strength=0.5)[0]) is found
    assert on_sigmas((control,), FLOW) == (control,)
    with pytest.raises(ValueError, match="there is no step 8: sigmas has 5"):
        on_sigmas((with_steps(control, steps("1@8")),), torch.linspace(1.0, 0.0, 6))
