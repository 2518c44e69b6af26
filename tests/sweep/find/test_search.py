"""Bisection: on every rising curve it finds the first place, with two ends and a logarithm of pictures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steer.nodes.sweep.find.search import SLACK, find_first


@given(
    steps=st.lists(st.floats(0, 1), min_size=2, max_size=200),
    wanted=st.floats(0.01, 1),
)
def test_the_first_place_of_a_rising_curve_is_found(steps: list[float], wanted: float):
    total = sum(steps) or 1.0
    curve = [sum(steps[: i + 1]) / total for i in range(len(steps))]
    asked: list[int] = []
    search = find_first(len(curve), wanted, lambda place: asked.append(place) or curve[place])
    expected = next((i for i, value in enumerate(curve) if value >= wanted), None)
    assert search.found == expected
    assert len(asked) == len(set(asked)) <= 2 + math.ceil(math.log2(len(curve)))
    assert search.falls is None


def test_a_grid_of_33_needs_at_most_a_quarter_of_its_pictures():
    for first in range(33):
        search = find_first(33, 0.5, lambda place, first=first: float(place >= first))
        assert search.found == first
        assert len(search.tried) <= 33 / 4


def test_what_is_never_reached_or_there_at_once_or_falls_is_said():
    assert find_first(9, 0.5, lambda place: 0.4 * place / 8).found is None
    assert find_first(9, 0.5, lambda place: 1.0).found == 0
    dip = {0: 0.0, 8: 1.0, 4: 0.6, 2: 0.6 + 1.5 * SLACK, 1: 0.1}
    assert find_first(9, 0.5, lambda place: dip[place]).falls == (2, 4)
    little = dip | {2: 0.6 + 0.5 * SLACK}
    assert find_first(9, 0.5, lambda place: little[place]).falls is None


def test_an_axis_of_one_value_is_refused():
    with pytest.raises(ValueError, match="one value"):
        find_first(1, 0.5, lambda place: 1.0)
