"""Difference: the numbers, the colours, the mask."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import torch
from steer.nodes.sweep.sheet.difference import (
    Change,
    choose_scale,
    describe,
    draw_heat_map,
    fit_mask,
    map_changes,
    measure,
)


def picture(seed: int, height: int = 24, width: int = 40) -> torch.Tensor:
    return torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))


def test_change_is_the_mean_absolute_difference():
    a, b = picture(0), picture(1)
    changes = map_changes(a, b, "a")
    assert measure(changes).whole == pytest.approx(float(np.abs(a.numpy() - b.numpy()).mean()), abs=1e-7)
    assert measure(map_changes(torch.ones(4, 4, 3), torch.zeros(4, 4, 3), "a")).whole == 1.0
    assert measure(map_changes(a, a, "a")) == Change(0.0)


def test_mask_splits_the_change():
    a, b = torch.zeros(8, 8, 3), torch.zeros(8, 8, 3)
    b[:4], b[4:] = 0.6, 0.2
    mask = torch.zeros(8, 8)
    mask[:4] = 1.0
    change = measure(map_changes(a, b, "a"), mask)
    assert (change.inside, change.outside) == (pytest.approx(0.6), pytest.approx(0.2))
    assert change.ratio == pytest.approx(3.0)
    assert change.whole == pytest.approx(0.4)
    soft = measure(map_changes(a, b, "a"), torch.full((8, 8), 0.5))
    assert soft.inside == soft.outside == pytest.approx(0.4)
    assert describe(change, True) == "changed: 60 % at most, 3 times as much inside the mask"
    assert describe(measure(map_changes(b, a, "b"), 1.0 - mask), True).endswith("3 times as much outside the mask")
    assert describe(measure(map_changes(a, b, "a")), False) == "changed: 60 % at most, 40 % on average"


def test_masks_without_inside_or_outside_are_reported():
    changes = map_changes(picture(0), picture(1), "a")
    empty, full = torch.zeros(24, 40), torch.ones(24, 40)
    assert measure(changes, empty).inside is None
    assert "the mask is empty" in describe(measure(changes, empty), True)
    assert measure(changes, full).outside is None
    assert "covers all" in describe(measure(changes, full), True)
    changes[:, 20:] = 0.0
    half = torch.zeros(24, 40)
    half[:, :20] = 1.0
    assert measure(changes, half).ratio == math.inf
    assert "only inside" in describe(measure(changes, half), True)
    assert describe(measure(changes, 1.0 - half), True).endswith("only outside the mask")
    changes[0, -1] = 1e-6
    assert describe(measure(changes, half), True).endswith("almost only inside the mask")
    assert measure(torch.zeros(24, 40), half).ratio is None
    assert describe(measure(torch.zeros(24, 40), half), True) == "no change"


def test_a_small_change_never_reads_as_none():
    """One pixel of many: the mean rounds to 0.00 %, what is seen does not."""
    changes = torch.zeros(512, 512)
    changes[0, 0] = 0.673
    assert describe(measure(changes), False) == "changed: 67 % at most, 0.00026 % on average"


def test_masks_are_fitted():
    mask = torch.zeros(6, 10)
    mask[:3] = 1.0
    fitted = fit_mask(mask, 24, 40)
    assert fitted.shape == (24, 40)
    assert (fitted[:8] == 1.0).all()
    assert (fitted[16:] == 0.0).all()
    assert torch.equal(fit_mask(mask, 6, 10), mask)


def test_colours_are_those_of_magma():
    ramp = torch.linspace(0.0, 1.0, 256)[None]
    reference = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_MAGMA)[..., ::-1] / 255.0
    assert np.abs(draw_heat_map(ramp, 1.0)[0].numpy() - reference[0]).max() < 4 / 255
    assert torch.equal(draw_heat_map(0.5 * ramp, 0.5), draw_heat_map(ramp, 1.0))
    assert torch.equal(draw_heat_map(torch.tensor([[9.0]]), 0.5), draw_heat_map(torch.tensor([[0.5]]), 0.5))


def test_brighter_means_more():
    light = draw_heat_map(torch.linspace(0.0, 1.0, 500)[None], 1.0)[0] @ torch.tensor([0.2126, 0.7152, 0.0722])
    assert (light[1:] > light[:-1]).all()


def test_automatic_scale_is_shared_and_never_blows_up_nothing():
    calm, strong = torch.full((20, 20), 0.1), torch.full((20, 20), 0.4)
    strong[0, 0] = 1.0  # one pixel does not darken all others
    assert choose_scale([calm, strong]) == pytest.approx(0.4)
    assert choose_scale([torch.zeros(20, 20)]) == pytest.approx(1 / 255)


def test_other_sizes_are_refused_and_other_channels_are_not():
    with pytest.raises(ValueError, match=r"images: 'angry' is 40 x 24, but the reference is 8 x 8"):
        map_changes(picture(0), torch.zeros(8, 8, 3), "'angry'")
    rgba = torch.cat([picture(0), torch.zeros(24, 40, 1)], dim=-1)
    assert measure(map_changes(rgba, picture(0), "a")).whole == 0.0
    grey = torch.full((24, 40, 1), 0.5)
    assert measure(map_changes(grey, torch.full((24, 40, 3), 0.25), "a")).whole == pytest.approx(0.25)
    broken = torch.full((24, 40, 3), float("nan"))
    assert measure(map_changes(broken, torch.zeros(24, 40, 3), "a")).whole == 0.0
