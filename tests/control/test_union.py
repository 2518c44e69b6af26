"""Union ControlNets get the type that their hint needs, as Set Union ControlNet Type would give it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from control_lab import GUIDE, LATENT, Lab
from steer.nodes.control.union import list_types, set_union_type
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.pose.people import Person
from steer.preprocessors.pose.skeleton import draw_people
from steer.preprocessors.recognise import Look
from tiny_control import flux_controlnet, union_controlnet, union_model

WIDGETS = GUIDE | {"latent": LATENT}
LINES = "canny/lineart/anime_lineart/mlsd"


@pytest.fixture(scope="module")
def lab(comfy_session) -> Lab:
    return Lab(union_model())


@pytest.fixture(scope="module")
def net(comfy_session) -> Any:
    return union_controlnet()


@pytest.fixture(scope="module")
def hints() -> dict[str, torch.Tensor]:
    body = np.zeros((18, 3))
    body[:, :2], body[:, 2] = np.random.default_rng(1).uniform(8, 56, (18, 2)), 1
    drawn = {
        "openpose": draw_people([Person(body)], 64, 64),
        LINES: draw_lines(np.random.default_rng(2).uniform(0, 64, (6, 4)), 64, 64),
    }
    return {name: torch.from_numpy(picture)[None].float() / 255 for name, picture in drawn.items()}


@pytest.mark.parametrize("kind", ["openpose", LINES])
def test_the_hint_chooses_what_a_user_would(comfy, lab: Lab, net: Any, hints: dict[str, torch.Tensor], kind: str):
    positive, negative = lab.prompts
    given = {"positive": positive, "negative": negative, "control_net": net, "image": hints[kind]}
    *ours, stack, _, report = comfy.call("SteerControlNetGuide", **WIDGETS | given)
    theirs = {}
    for each in hints:
        (set_by_hand,) = comfy.call("SetUnionControlNetType", control_net=net, type=each)
        applied = comfy.nodes.ControlNetApplyAdvanced().apply_controlnet(
            positive, negative, set_by_hand, hints[kind], 0.8, 0.0, 1.0
        )
        theirs[each] = lab.run(*applied, nets=(net,))
    run = lab.run(*ours, nets=(net,))
    assert run.calls == theirs[kind].calls == 2
    assert torch.equal(run.latent, theirs[kind].latent)
    assert all(not torch.equal(run.latent, theirs[each].latent) for each in hints if each != kind)
    assert "a union ControlNet: its type is set to" in report
    assert net.extra_args == {}, "the net that was given is not changed"
    assert stack[0].net.control_model is net.control_model


def test_a_type_that_is_set_stays_and_the_widget_counts(comfy, lab: Lab, net: Any, hints: dict[str, torch.Tensor]):
    (depth,) = comfy.call("SetUnionControlNetType", control_net=net, type="depth")
    given = {"positive": lab.prompts[0], "negative": lab.prompts[1], "image": hints["openpose"]}
    *_, stack, _, report = comfy.call("SteerControlNetGuide", **WIDGETS | given, control_net=depth)
    assert stack[0].net is depth
    assert "union" not in report
    (auto,) = comfy.call("SetUnionControlNetType", control_net=net, type="auto")
    *_, stack, _, _ = comfy.call("SteerControlNetGuide", **WIDGETS | given | {"kind": "canny"}, control_net=auto)
    assert stack[0].net.extra_args["control_type"] == [3]


def test_what_is_not_known_is_left_to_the_user(net: Any):
    for looks in ([Look("photograph")], [Look("other")], [Look("pose"), Look("edges")]):
        same, note = set_union_type(net, looks, "any")
        assert same is net
        assert "put Set Union ControlNet Type before it" in note
    assert set_union_type(net, [Look("empty")], "any")[0] is net
    chosen, _ = set_union_type(net, [Look("pose"), Look("empty"), Look("pose")], "any")
    assert chosen.extra_args["control_type"] == [0], "a blank frame of a video says nothing"
    chosen, _ = set_union_type(net, [Look("lines"), Look("edges")], "any")
    assert chosen.extra_args["control_type"] == [3], "both have one number"
    plain = SimpleNamespace(control_model=SimpleNamespace(task_embedding=None))
    assert set_union_type(plain, [Look("pose")], "any") == (plain, "")


def test_flux_counts_otherwise(comfy):
    flux = {modes: flux_controlnet(modes) for modes in (0, 7)}
    numbers = {"canny": 0, "mlsd": 0, "tile": 1, "depth": 2, "blur": 3, "openpose": 4, "gray": 5, "low quality": 6}
    assert list_types(SimpleNamespace(control_model=flux[7])) == numbers
    assert list_types(SimpleNamespace(control_model=flux[0])) == {}


def test_every_type_of_comfyui_is_a_kind_with_its_number(comfy, lab: Lab, hints: dict[str, torch.Tensor]):
    """What a union net has no type for is said; xinsir's first one has 6, ProMax 8."""
    from comfy.cldm.control_types import UNION_CONTROLNET_TYPES

    kinds = {
        "openpose": "openpose",
        "depth": "depth",
        "hed/pidi/scribble/ted": "scribble or soft edges",
        LINES: "canny",
        "normal": "normal",
        "segment": "segment",
        "tile": "tile",
        "repaint": "repaint",
    }
    assert set(kinds) == set(UNION_CONTROLNET_TYPES)
    given = {"positive": lab.prompts[0], "negative": lab.prompts[1], "image": hints["openpose"]}
    for count in (6, 8):
        net = union_controlnet(types=count)
        for theirs, kind in kinds.items():
            number = UNION_CONTROLNET_TYPES[theirs]
            *_, stack, _, report = comfy.call(
                "SteerControlNetGuide", **WIDGETS | given | {"kind": kind}, control_net=net
            )
            if number < count:
                assert stack[0].net.extra_args["control_type"] == [number]
                assert f"its type is set to {kind}" in report
            else:
                assert stack[0].net is net
                assert f"this union ControlNet has no type for {kind}. It has openpose, depth" in report
