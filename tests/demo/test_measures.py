"""The yardsticks of the model's report, held against made-up pictures whose measure is known by counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from steer.demo.judges import measures
from steer.demo.scenes import HELD_OUT, render

SIDE = 256


def row(y: int, x0: int = 0, x1: int = SIDE) -> np.ndarray:
    """bool [256, 256] with one horizontal line of edges."""
    marks = np.zeros((SIDE, SIDE), bool)
    marks[y, x0:x1] = True
    return marks


NOTHING = np.zeros((SIDE, SIDE), bool)


@pytest.mark.parametrize(
    ("found", "hint", "expected"),
    [
        (row(50), row(50), 1.0),
        (row(53), row(50), 1.0),  # 3 px away still counts
        (row(54), row(50), 0.0),  # 4 px does not
        (row(50, 0, 128), row(50), 2 * (131 / 256) / (1 + 131 / 256)),  # all right; 128 and 3 px beyond are found
        (row(50) | row(150), row(50), 2 / 3),  # all found, but half of it is wrong
        (NOTHING, row(50), 0.0),
        (row(50), NOTHING, 0.0),
        (NOTHING, NOTHING, 1.0),
    ],
    ids=[
        "same",
        "3 px off",
        "4 px off",
        "half missing",
        "twice as much",
        "none found",
        "none in the hint",
        "none at all",
    ],
)
def test_edge_f1(found: np.ndarray, hint: np.ndarray, expected: float) -> None:
    assert measures.edge_f1(found, hint) == pytest.approx(expected, abs=1e-6)


def test_edge_f1_of_unrelated_texture_is_far_below_that_of_a_shifted_copy() -> None:
    """The report's comparison in small: other scenes' edges cross a hint's by chance, and that is no following."""
    first, second = (measures.edges(render(HELD_OUT + i, kind="portrait").image) for i in (0, 1))
    shifted = np.roll(first, 2, axis=1)
    assert measures.edge_f1(shifted, first) > 0.95
    assert measures.edge_f1(second, first) < 0.6


def segments(*lines: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(lines, np.float32).reshape(-1, 4)


def test_lines_found_counts_length() -> None:
    """A line of 200 px, of which M-LSD found a stretch of 100 px, 3 px beside it; then 6 px beside it."""
    whole = segments((20, 100, 220, 100))
    near, far = segments((20, 103, 120, 103)), segments((20, 106, 120, 106))
    shape = (SIDE, SIDE)
    assert measures.lines_found(whole, whole, shape) == 1.0
    assert measures.lines_found(whole, near, shape) == pytest.approx(0.5, abs=0.03)
    assert measures.lines_found(whole, far, shape) == 0.0
    assert measures.lines_found(whole, segments(), shape) == 0.0


def halves(angle: float) -> np.ndarray:
    """uint8 [256, 256, 3], dark on one side of a line of `angle` degrees through the middle and light on the other."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    side = np.cos(np.radians(angle)) * y - np.sin(np.radians(angle)) * x
    return np.repeat(np.where(side > 0, 220, 40).astype(np.uint8)[..., None], 3, 2)


def through_middle(angle: float, half: float = 100.0) -> np.ndarray:
    x, y = half * math.cos(math.radians(angle)), half * math.sin(math.radians(angle))
    return segments((SIDE / 2 - x, SIDE / 2 - y, SIDE / 2 + x, SIDE / 2 + y))


@pytest.mark.parametrize("angle", [0, 35, 90, 150])
def test_lines_followed_at_any_angle(angle: float) -> None:
    assert measures.lines_followed(through_middle(angle), halves(angle)) > 0.97


def test_lines_followed_needs_the_place_and_the_direction() -> None:
    assert measures.lines_followed(through_middle(90), halves(0)) < 0.1  # crosses the edge, does not run along it
    assert measures.lines_followed(segments((28, 140, 228, 140)), halves(0)) == 0.0  # 12 px beside it
    assert measures.lines_followed(through_middle(0), np.full((SIDE, SIDE, 3), 128, np.uint8)) == 0.0
    both = np.concatenate([through_middle(0), segments((28, 60, 228, 60))])
    assert measures.lines_followed(both, halves(0)) == pytest.approx(0.5, abs=0.02)


def test_lines_followed_is_higher_for_the_room_than_for_another() -> None:
    rooms = [render(HELD_OUT + i, kind="interior") for i in range(4)]
    own = [measures.lines_followed(room.lines, room.image) for room in rooms]
    other = [measures.lines_followed(rooms[i].lines, rooms[i - 1].image) for i in range(4)]
    assert np.mean(own) > 0.8
    assert np.mean(other) < 0.5 * np.mean(own)


def test_joint_error_is_a_share_of_the_side_over_the_joints_that_are_seen() -> None:
    joints = np.zeros((18, 3), np.float32)
    joints[:2] = [[64, 128, 1], [192, 128, 1]]  # the other sixteen are hidden
    found = np.full((18, 2), 0.9)
    found[:2] = [[0.25, 0.5], [0.75, 0.5]]
    assert measures.joint_error(found, joints) == pytest.approx(0, abs=1e-7)
    found[0] += [0.03, 0.04]  # a distance of 5 % for one of two
    assert measures.joint_error(found, joints) == pytest.approx(0.025, abs=1e-6)


def test_change_is_measured_inside_and_outside_the_box() -> None:
    a = torch.zeros(3, SIDE, SIDE)
    b = a.clone()
    b[:, 40:60, 20:120] = 0.5
    box = (20, 40, 120, 80)  # left, top, right, bottom: the change fills half of it
    assert measures.change(a, b, box) == pytest.approx((0.25, 0.0))
    assert measures.change(a, a, box) == (0.0, 0.0)


def test_face_box_stays_in_the_picture() -> None:
    joints = np.full((18, 2), 0.5)
    assert measures.face_box(joints) == (68, 54, 188, 168)
    joints[0] = [0.1, 0.95]
    left, top, right, bottom = measures.face_box(joints)
    assert (left, bottom) == (0, SIDE)
    assert 0 < top < bottom
    assert left < right < SIDE


def test_psnr_and_pairwise_distance() -> None:
    grey = torch.full((3, 8, 8), 0.5)
    assert measures.psnr(grey + 0.1, grey) == pytest.approx(20, abs=1e-4)
    three = torch.stack([grey, grey + 0.1, grey + 0.3])
    assert sorted(measures.pairwise(three).tolist()) == pytest.approx([0.1, 0.2, 0.3], abs=1e-6)
