"""Model Patch Guide inside ComfyUI's sampler: its own node's picture within the window, the plain model's outside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from steer.nodes.control.modes import blend_tokens
from zoo.bench import hint
from zoo.patches import PATCHES, PatchKind, patches_here

pytestmark = pytest.mark.slow


@pytest.fixture(params=PATCHES, ids=lambda kind: kind.name)
def patch(request: pytest.FixtureRequest, comfy: Any, bench: Callable[..., Any]) -> Any:
    """A bench for each kind of patch."""
    kind: PatchKind = request.param
    if kind not in patches_here():
        pytest.skip("not in this ComfyUI")
    return bench(kind)


def mask_of(patch: Any) -> torch.Tensor | None:
    """What an inpainting patch repaints."""
    if not patch.kind.inpaint:
        return None
    mask = torch.zeros(1, 64, 64)
    mask[:, 8:40, 16:48] = 1.0
    return mask


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
def test_inside_it_is_comfyuis_own_node_bit_for_bit(patch: Any, apart: bool):
    mask, sigmas = mask_of(patch), patch.sigmas(2)
    ours = patch.run(patch.guided(strength=0.8, mask=mask), sigmas, apart=apart)
    theirs = patch.run(patch.stock(0.8, mask), sigmas, apart=apart)
    assert [call.sides for call in ours.calls] == ([[0], [1]] * 2 if apart else [[1, 0]] * 2)
    assert ours.ran == sigmas[:2].tolist()
    assert torch.equal(ours.latent, theirs.latent)
    assert not torch.equal(ours.latent, patch.run(patch.plain, sigmas, apart=apart).latent)


@pytest.mark.parametrize("apart", [False, True], ids=["together", "apart"])
@pytest.mark.parametrize(("start", "end"), [(0.0, 0.4), (0.5, 1.0), (0.3, 0.7)])
def test_outside_its_window_the_model_is_the_plain_one_and_no_net_runs(
    patch: Any, start: float, end: float, apart: bool
):
    """The window is that of a ControlNet with these percents."""
    sigmas = patch.sigmas(5)
    sampling = patch.model.get_model_object("model_sampling")
    high, low = (torch.tensor(float(sampling.percent_to_sigma(percent))) for percent in (start, end))
    acts = [bool(low <= sigma <= high) for sigma in sigmas[:-1]]
    assert True in acts
    assert False in acts
    mask = mask_of(patch)
    run = patch.look(patch.guided(start_percent=start, end_percent=end, mask=mask), sigmas, apart=apart)
    assert run.ran == [float(sigma) for sigma, one in zip(sigmas, acts, strict=False) if one]
    inside, outside = (patch.look(model, sigmas, apart=apart) for model in (patch.stock(1.0, mask), patch.plain))
    for number, one in enumerate(acts):
        assert torch.equal(run.outputs[number], (inside if one else outside).outputs[number])


def test_strength_zero_is_the_plain_model(patch: Any):
    sigmas = patch.sigmas(2)
    run = patch.run(patch.guided(strength=0.0, mask=mask_of(patch)), sigmas)
    assert run.networks == []
    assert torch.equal(run.latent, patch.run(patch.plain, sigmas).latent)


class Cancelled(Exception):
    """What ComfyUI raises in the middle of a network."""


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_after_cancel_in_mid_network_the_next_picture_is_right(patch: Any, share: float):
    guided, sigmas = patch.guided(mask=mask_of(patch)), patch.sigmas(2)
    whole = patch.run(guided, sigmas)
    limit, count = int(share * len(whole.networks) / 2), 0

    def cancel(*_: Any) -> None:
        nonlocal count
        count += 1
        if count > limit:
            raise Cancelled

    hooks = [part.register_forward_pre_hook(cancel) for part in patch.networks]
    with pytest.raises(Cancelled):
        patch.run(guided, sigmas)
    for hook in hooks:
        hook.remove()
    assert torch.equal(patch.run(guided, sigmas).latent, whole.latent)


def test_a_full_mask_changes_nothing_and_half_a_mask_acts_by_half(patch: Any):
    if patch.kind.inpaint:
        pytest.skip("its mask says what is repainted")
    sigmas = patch.sigmas(1)
    whole, plain = (patch.look(model, sigmas).outputs[0] for model in (patch.guided(), patch.plain))
    full = patch.look(patch.guided(mask=torch.ones(1, 64, 64)), sigmas).outputs[0]
    assert torch.equal(full, whole)
    left = torch.zeros(1, 64, 64)
    left[..., :16] = 1.0
    half = patch.look(patch.guided(mask=left), sigmas).outputs[0]
    assert not torch.equal(half, whole)
    assert not torch.equal(half, plain)
    own, rest = ((half - plain)[..., side].abs().mean() for side in (slice(0, 2), slice(2, 8)))
    assert own > rest, "tokens look at each other, but most of the change lies inside"


def test_outside_the_mask_tokens_are_left_to_the_last_bit():
    generator = torch.Generator().manual_seed(1)
    before, after = (torch.randn(4, 40, 5, generator=generator) for _ in range(2))
    mask = torch.zeros(2, 8, 12)
    mask[0, :4] = 1.0
    mask[1, :, :6] = 0.5
    mixed = after.clone()
    blend_tokens(before, mixed, mask, (8, 12))  # 4 rows and 6 columns of tokens, then 16 others
    grid, old, new = (x[:, :24].reshape(4, 4, 6, 5) for x in (mixed, before, after))
    for number in (0, 2):
        assert torch.equal(grid[number, :2], new[number, :2])
        assert torch.equal(grid[number, 2:], old[number, 2:])
        assert torch.equal(grid[number + 1, :, 3:], old[number + 1, :, 3:])
        torch.testing.assert_close(grid[number + 1, :, :3], (old + new)[number + 1, :, :3] / 2)
    assert torch.equal(mixed[:, 24:], after[:, 24:]), "what is no token of the picture is left alone"
    with pytest.raises(ValueError, match="2 masks for another number of pictures"):
        blend_tokens(before[:3], after[:3], mask, (8, 12))


def test_two_patches_are_two_of_comfyuis_nodes(patch: Any):
    mask, sigmas = mask_of(patch), patch.sigmas(2)
    model, positive, negative = patch.guided(mask=mask)
    (twice, *_), _ = patch.call(model=model, image=hint(4), strength=0.5, mask=mask)
    ours = patch.run((twice, positive, negative), sigmas)
    first, *_ = patch.stock(1.0, mask)
    patch.model = first
    theirs = patch.run(patch.stock(0.5, mask, seed=4), sigmas)
    assert torch.equal(ours.latent, theirs.latent)


def test_a_model_patched_afterwards_keeps_the_net_and_copies_no_weights(patch: Any):
    """ComfyUI 0.3.75 copies a MODEL's options deeply, its own patch objects with their nets included."""
    model, positive, negative = patch.guided(mask=mask_of(patch))
    sigmas, again = patch.sigmas(2), model.clone()
    places = again.model_options["transformer_options"]["patches"]
    assert {id(net) for every in places.values() for one in every for net in one.models()} == {id(patch.net)}
    before = patch.run((model, positive, negative), sigmas)
    assert torch.equal(patch.run((again, positive, negative), sigmas).latent, before.latent)
    patched = patch.model.clone()
    key = next(
        key for key in patched.model.state_dict() if key.endswith("mlp.net.2.weight") or "feed_forward.w1" in key
    )
    patched.add_patches({key: ("diff", (0.5 * torch.ones_like(patched.model.state_dict()[key]),))})
    (with_lora, *_), _ = patch.call(model=patched, mask=mask_of(patch))
    after = patch.run((with_lora, positive, negative), sigmas)
    assert not torch.equal(after.latent, before.latent)


@pytest.mark.parametrize("size", [(64, 96), (100, 64), (96, 96)])
def test_a_hint_of_another_size_is_fitted_and_said(patch: Any, size: tuple[int, int]):
    (model, positive, negative), (_, fitted, report) = patch.call(image=hint(5, *size), mask=mask_of(patch))
    assert fitted.shape == (1, 64, 64, 3)
    assert f"hint of {size[1]}x{size[0]} brought to 64x64" in report
    assert ("crop cut" in report) == (size != (96, 96))
    sigmas = patch.sigmas(1)
    ours = patch.run((model, positive, negative), sigmas).latent
    assert torch.equal(ours, patch.run(patch.guided(image=fitted, mask=mask_of(patch)), sigmas).latent)


def test_a_batch_of_pictures_shares_the_hint(patch: Any):
    guided, sigmas = patch.guided(mask=mask_of(patch)), patch.sigmas(1)
    both = patch.run(guided, sigmas, batch=2).latent
    theirs = patch.run(patch.stock(1.0, mask_of(patch)), sigmas, batch=2).latent
    assert torch.equal(both, theirs)
