"""The zoo itself: each net runs in ComfyUI's own sampler, answers its inputs, and is the same in every run."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from steer.preprocessors.pictures import size_of_latent
from zoo.controls import KINDS, Kind, kinds_here
from zoo.encoders import clip_of
from zoo.families import FAMILIES, Family
from zoo.runs import sample, sigmas_of
from zoo.vaes import vae_of
from zoo.weights import build_once, fill

of_each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@of_each_family
def test_a_family_samples_and_hears_its_prompt(comfy, family: Family):
    model = family.model()
    sigmas = sigmas_of(model, 1)
    first, again, other = (
        sample(family, model, family.prompt(seed), family.prompt(9), sigmas).latent for seed in (1, 1, 2)
    )
    assert first.shape == family.latent()["samples"].shape
    assert bool(torch.isfinite(first).all())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@of_each_family
def test_a_family_is_the_same_in_every_run(comfy, family: Family):
    one, other = family.build(), family.model()
    assert one.model is not other.model
    pairs = zip(one.model.state_dict().values(), other.model.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@of_each_family
def test_a_vae_has_the_latents_of_its_family(comfy, family: Family):
    picture = torch.rand(1, 4 * family.cell, 6 * family.cell, 3)
    latent = vae_of(family).encode(picture)
    assert latent.shape == family.latent(4, 6)["samples"].shape
    assert vae_of(family).decode(latent).shape[-3:] == picture.shape[1:]
    assert size_of_latent({"samples": latent}) == (4 * family.cell, 6 * family.cell), "hints are drawn at this size"


def test_what_is_built_in_inference_mode_serves_outside_of_it():
    """Tests of both sorts share what the zoo builds, and any of them may be the first to ask."""
    layer = build_once(lambda: fill(torch.nn.Linear(4, 4), 3))
    with torch.inference_mode():
        built = layer()
    assert layer() is built
    assert bool(torch.isfinite(built(torch.ones(4))).all()), "torch refuses weights that were made in inference mode"


@of_each_family
def test_an_encoder_gives_prompts_of_its_family(comfy, family: Family):
    clip = clip_of(family)
    encoded = [clip.encode_from_tokens_scheduled(clip.tokenize(f"a girl, {word}")) for word in ("smiling", "angry")]
    (tokens, values), (others, _) = (entry[0] for entry in encoded)
    assert tokens.shape[-1] == family.width
    assert bool(torch.isfinite(tokens).all())
    assert not torch.equal(tokens[:, :20], others[:, :20])
    pooled = values["pooled_output"]
    assert family.pooled in (0, 0 if pooled is None else pooled.shape[-1])
    model = family.model()
    assert bool(torch.isfinite(sample(family, model, *encoded, sigmas_of(model, 1)).latent).all())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_controlnet_acts_on_its_family(comfy, kind: Kind):
    if kind not in kinds_here():
        pytest.skip("not in this ComfyUI")
    family: Family = kind.family
    model = family.model()
    hint = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(1))
    more: dict[str, Any] = {"vae": vae_of(family)} if kind.vae else {}
    apply = comfy.nodes.ControlNetApplyAdvanced().apply_controlnet
    masks = [torch.ones(1, 1, 64, 64)] if kind.inpaint else []
    prompts = family.prompt(1), family.prompt(2)
    controlled = apply(*prompts, kind.build(1), hint, 0.8, 0.0, 1.0, extra_concat=masks, **more)
    sigmas = sigmas_of(model, 1)
    run, plain = sample(family, model, *controlled, sigmas), sample(family, model, *prompts, sigmas)
    assert run.calls[0].residuals
    assert plain.calls[0].residuals == []
    assert not torch.equal(run.latent, plain.latent)
