"""Early Pick on every family of the zoo: the chosen pictures are the uninterrupted ones, bit for bit."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from steer.nodes.seeds.choices import COMFYUI
from steer.nodes.seeds.noise import make_draws
from steer.nodes.sweep.pick.store import Store
from zoo.families import BY_NAME, FAMILIES
from zoo.runs import sigmas_of
from zoo.vaes import vae_of

SEEDS, PICK = [4, 9], [1]


def guider_of(comfy, family: Any, model: Any) -> Any:
    return comfy.call("CFGGuider", model=model, positive=family.prompt(1), negative=family.prompt(2), cfg=3.0)[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
@torch.inference_mode()
def test_the_chosen_is_the_uninterrupted_picture(comfy, name: str):
    from comfy.samplers import sampler_object
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.sweep.pick.comfy_pick import PickJob, finish, make_early

    family = BY_NAME[name]
    model = family.model()
    given = {"guider": guider_of(comfy, family, model), "sampler": sampler_object("dpmpp_2m")}
    noise = SeededNoise(make_draws(SEEDS), COMFYUI)
    job = PickJob(noise, sigmas=sigmas_of(model, 4), latent=family.latent(), batch=1, steps=2, **given)
    early = make_early(job, Store(None, ""), vae_of(family))
    assert all(picture.preview is not None and picture.preview.ndim == 3 for picture in early)
    found = finish(job, early, PICK)["samples"]
    (stock,) = comfy.call("RandomNoise", noise_seed=SEEDS[PICK[0]])
    given |= {"noise": stock, "sigmas": sigmas_of(model, 4), "latent_image": family.latent()}
    alone = comfy.call("SamplerCustomAdvanced", **given)[0]["samples"]
    assert torch.equal(found, alone)
    assert job.missed == 0
