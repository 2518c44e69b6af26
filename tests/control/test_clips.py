"""A clip's odd frame, and settings that do nothing: the rest goes on, and the report says which."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch
from control_lab import LATENT, Lab
from steer.nodes.control.masks import check_mask, list_blank
from steer.nodes.timed_ranges import set_range, warn_overwritten
from steer.preprocessors.pose.keypoints import write_frame
from steer.preprocessors.pose.people import Person

THREE = {"samples": torch.zeros(3, 4, 8, 8)}


@pytest.fixture
def latent() -> dict[str, torch.Tensor]:
    return THREE


def somebody(x: float) -> dict[str, Any]:
    body = np.zeros((18, 3))
    body[1], body[2], body[3] = (x, 20, 0.9), (x + 20, 22, 0.8), (x + 5, 50, 0.9)
    return write_frame([Person(body)], 64, 64)


def first_residuals(lab: Lab, given: tuple[Any, ...]) -> torch.Tensor:
    return lab.run(*given[:2], steps=1, batch=3).steps[0].tensors[0]


def test_an_empty_mask_in_a_clip_is_no_control_in_that_frame(lab: Lab, guide):
    masks = torch.ones(3, 64, 64)
    masks[1] = 0
    *given, report = guide(image=lab.hint(3), mask=masks)
    assert "picture 2: its mask is empty, so there is no control" in report
    plain = first_residuals(lab, guide(image=lab.hint(3)))
    got = first_residuals(lab, tuple(given))
    assert not got[[1, 4]].any(), "on neither side"
    assert torch.equal(got[[0, 2, 3, 5]], plain[[0, 2, 3, 5]])


def test_all_empty_masks_are_still_refused(guide, lab: Lab):
    with pytest.raises(ValueError, match="mask: all 3 masks are empty"):
        guide(image=lab.hint(3), mask=torch.zeros(3, 64, 64))
    assert list_blank(check_mask(torch.eye(3)[:, :, None])) == []


def test_a_frame_cut_away_by_the_fit_is_an_odd_frame_too(guide):
    """A mask of the hint's size moves with it: what lies at the side of a wide hint is cut off."""
    masks = torch.zeros(3, 64, 128)
    masks[:2, :, 40:90], masks[2, :, :20] = 1, 1
    *_, stack, _, report = guide(image=torch.rand(3, 64, 128, 3), mask=masks)
    assert [bool(mask.any()) for mask in stack[0].mask] == [True, True, False]
    assert "picture 3: its mask is empty" in report


@pytest.mark.parametrize("mask", [None, torch.ones(1, 64, 64), torch.ones(3, 64, 64)])
def test_a_null_frame_of_keypoints_is_no_control_in_that_frame(lab: Lab, guide, mask: torch.Tensor | None):
    *given, hint, report = guide(keypoints=[somebody(10), None, somebody(30)], mask=mask)
    assert [bool(one.any()) for one in hint] == [True, False, True]
    assert "picture 2: its keypoints are null, so there is no control" in report
    got = first_residuals(lab, tuple(given))
    assert not got[1].any()
    plain = first_residuals(lab, guide(keypoints=[somebody(10), {"people": []}, somebody(30)]))
    assert torch.equal(got[[0, 2]], plain[[0, 2]])
    assert plain[1].any(), "an empty frame is a black hint, as before"


def test_a_null_person_is_nobody(guide):
    frame = somebody(10)
    frame["people"].append(None)
    hint = guide(keypoints=[frame], latent=LATENT)[3]
    assert torch.equal(hint, guide(keypoints=[somebody(10)], latent=LATENT)[3])


def test_a_missing_face_is_an_empty_mask_and_the_clip_goes_on(comfy, lab: Lab, guide, caplog: pytest.LogCaptureFixture):
    """Keypoints with a face, null, and somebody without a face: Face Mask, then Guide."""
    body = np.zeros((18, 3))
    body[[0, 14, 15], :2], body[[0, 14, 15], 2] = ((32, 34), (26, 28), (38, 28)), 0.9
    frames = [write_frame([Person(body)], 64, 64), None, somebody(10)]
    widgets = {"region": "whole face", "faces": "all", "grow": 0, "feather": 0}
    with caplog.at_level(logging.WARNING):
        masks, report = comfy.call("SteerFaceMask", keypoints=frames, **widgets)
    assert [bool(mask.any()) for mask in masks] == [True, False, False]
    assert report.count("the keypoints have no face") == 2
    assert "picture 2, 3:" in caplog.text
    assert "picture 2, 3: its mask is empty, so there is no control" in guide(image=lab.hint(3), mask=masks)[-1]


@pytest.mark.parametrize("at", [0.0, 0.4, 1.0])
def test_a_range_without_length_is_said(lab: Lab, guide, caplog: pytest.LogCaptureFixture, at: float):
    words = f"start_percent and end_percent are both {at:g}, so the ControlNet acts at no step"
    with caplog.at_level(logging.WARNING):
        report = guide(image=lab.hint(3), latent=LATENT, start_percent=at, end_percent=at)[-1]
    assert words in report
    assert caplog.text.count(words) == 1
    assert words not in guide(image=lab.hint(3), latent=LATENT, start_percent=at, end_percent=at, strength=0.0)[-1]


def test_a_timed_prompt_whose_steps_were_overwritten_is_said(comfy, lab: Lab, guide, caplog: pytest.LogCaptureFixture):
    import node_helpers

    timed = [
        *node_helpers.conditioning_set_values(lab.prompts[0], set_range(None, 0.4)),
        *node_helpers.conditioning_set_values(lab.prompts[0], set_range(0.4, None)),
    ]
    assert warn_overwritten([timed, lab.prompts[1]]) == ""
    untouched = guide(image=lab.hint(3), latent=LATENT, positive=timed)
    assert "wrote over" not in untouched[-1]
    again = guide(image=lab.hint(3), latent=LATENT, positive=untouched[0])[-1]
    assert "wrote over" not in again
    (flat,) = comfy.nodes.NODE_CLASS_MAPPINGS["ConditioningSetTimestepRange"]().set_range(timed, 0.1, 0.9)
    with caplog.at_level(logging.WARNING):
        report = guide(image=lab.hint(3), latent=LATENT, positive=flat)[-1]
    assert "another node wrote over the steps of Timed Swap" in report
    assert "wrote over" in caplog.text
    assert "wrote over" in guide(image=lab.hint(3), latent=LATENT, negative=flat)[-1]
    (alone,) = comfy.nodes.NODE_CLASS_MAPPINGS["ConditioningSetTimestepRange"]().set_range(lab.prompts[0], 0.1, 0.9)
    assert "wrote over" not in guide(image=lab.hint(3), latent=LATENT, positive=alone)[-1]
