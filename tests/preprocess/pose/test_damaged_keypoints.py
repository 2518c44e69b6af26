"""Keypoints that were damaged in a thousand ways: an answer or a plain error, from the reader and from the nodes."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from somebody import somebody
from steer.preprocessors.pose.keypoints import PoseFrame, read_frames, write_frame

ODD = [
    None,
    True,
    -1,
    0,
    1e308,
    float("nan"),
    float("inf"),
    10**400,
    "x",
    "",
    b"x",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    [1, 2],
    (1,),
    3.5,
    object(),
    np.zeros(3),
    np.float32(2),
    np.zeros((2, 3)),
    [["a"]],
    [{}],
    -(10**30),
    65537,
    "1",
]


def damage(rng: random.Random, value: Any) -> Any:
    """A copy with something replaced, removed, repeated or cut somewhere inside."""
    value = copy.deepcopy(value)
    for _ in range(rng.randint(1, 3)):
        node, steps = value, rng.randint(0, 5)
        for _ in range(steps):
            children = (
                list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
            )
            inner = [c for c in children if isinstance(node[c], dict | list)]
            if not inner:
                break
            node = node[rng.choice(inner)]
        keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        if not keys:
            continue
        key, action = rng.choice(keys), rng.random()
        if action < 0.6:
            node[key] = rng.choice(ODD)
        elif action < 0.8:
            del node[key]
        elif isinstance(node, list):
            node.insert(key, rng.choice(ODD))
        else:
            node[str(key) + "x"] = node.pop(key)
    return rng.choice(ODD) if rng.random() < 0.02 else value


def malformed(seed: int) -> Iterator[Any]:
    """A thousand values that were keypoints once."""
    rng = random.Random(seed)
    people = np.random.default_rng(seed)
    base = [write_frame([somebody(people, 300, 400), somebody(people, 300, 400, "body")], 300, 400) for _ in range(2)]
    for _ in range(1000):
        yield damage(rng, base)


def test_a_thousand_malformed_values_give_an_answer_or_a_plain_error():
    refused = plain = 0
    for value in malformed(0):
        try:
            frames = read_frames(value)
        except ValueError as error:
            refused += str(error).startswith("keypoints: ")
            plain += 1
            continue
        for frame in frames:
            assert isinstance(frame, PoseFrame)
            for person in frame.people:
                for points in person.parts.values():
                    if points is not None:
                        assert np.isfinite(points).all()
                        assert (points >= 0).all()
                        assert (points[:, 2] <= 1).all()
    assert refused == plain
    assert 200 < refused < 990


NODES = {
    "SteerPoseRender": {
        "width": 0,
        "height": 96,
        "fit": "crop",
        "body": True,
        "hands": True,
        "face": True,
        "xinsir_sticks": False,
        "score_threshold": 0.3,
    },
    "SteerFaceMask": {"region": "whole face", "faces": "all", "grow": 0, "feather": 0},
}


@pytest.mark.slow
@pytest.mark.parametrize("node", NODES)
def test_what_a_node_makes_of_a_thousand_malformed_values(comfy, node: str):
    """The error is one of `keypoints`, or of the size when the canvas is not known; the picture holds numbers."""
    refused, drawn = list[str](), 0
    for value in malformed(1):
        try:
            picture, report = comfy.call(node, keypoints=value, **NODES[node])
        except ValueError as error:
            refused.append(str(error))
            continue
        assert bool(((picture >= 0) & (picture <= 1)).all())
        assert report
        drawn += bool(picture.any())
    assert [text for text in refused if not text.startswith(("keypoints: ", "width, height: "))] == []
    assert len(refused) > 200
    assert drawn > 100
