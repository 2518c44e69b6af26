"""Early Pick is the uninterrupted run, bit for bit, for every sampler of ComfyUI that does not couple the batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from steer.nodes.seeds.choices import COMFYUI
from steer.nodes.seeds.noise import make_draws
from steer.nodes.seeds.steps import REFUSED, STEP_NOISE
from steer.nodes.sweep.pick.store import Store
from tiny_model import QUICK, sigmas_of, tiny_guider, tiny_model
from zoo.families import BY_NAME
from zoo.vaes import vae_of

SEEDS = [1, 2, 2**64 - 2]  # ddim adds one
PICK = [2, 0]
STEPS, EARLY = 6, 2
SHAPE = (4, 8, 8)
CFG_SIDES = 2
# How often a sampler asks the network in its first two steps; once a step where it is not named.
CALLS = {
    "heun": 4,
    "heunpp2": 6,
    "dpm_2": 4,
    "dpm_2_ancestral": 4,
    "dpmpp_2s_ancestral": 4,
    "dpmpp_2s_ancestral_cfg_pp": 4,
    "dpmpp_sde": 4,
    "dpmpp_sde_gpu": 4,
    "dpmpp_2m_sde_heun": 2,
    "seeds_2": 4,
    "seeds_3": 6,
    "sa_solver_pece": 3,
}


def sampler_names() -> list[str]:
    names = [name for name in STEP_NOISE if not name.startswith("unipc")]
    return [*names, "ddim", "uni_pc", "uni_pc_bh2"]


@pytest.fixture(scope="module")
def models(comfy_session) -> dict[str, Any]:
    return {kind: tiny_model(kind, unet=QUICK) for kind in ("eps", "flow")}


def job_of(model: Any, name: str, batch: int = 1, **change: Any) -> Any:
    from comfy.samplers import sampler_object
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.sweep.pick.comfy_pick import PickJob

    given = {"noise": SeededNoise(make_draws(SEEDS), COMFYUI), "guider": tiny_guider(model)}
    given |= {"sampler": sampler_object(name), "sigmas": sigmas_of(model, STEPS), "batch": batch, "steps": EARLY}
    return PickJob(**(given | {"latent": {"samples": torch.zeros(1, *SHAPE)}} | change))


def picked(job: Any) -> torch.Tensor:
    from steer.nodes.sweep.pick.comfy_pick import finish, make_early

    early = make_early(job, Store(None, ""), vae_of(BY_NAME["SD 1.5"]))
    return finish(job, early, PICK)["samples"]


def alone(comfy, model: Any, name: str, seed: int, **latent: Any) -> torch.Tensor:
    """The stock picture of a seed: RandomNoise and the bare sampler in SamplerCustomAdvanced."""
    from comfy.samplers import sampler_object
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise

    return comfy.call(
        "SamplerCustomAdvanced",
        noise=Noise_RandomNoise(seed),
        guider=tiny_guider(model),
        sampler=sampler_object(name),
        sigmas=sigmas_of(model, STEPS),
        latent_image={"samples": torch.zeros(1, *SHAPE)} | latent,
    )[0]["samples"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["eps", "flow"])
@pytest.mark.parametrize("name", sampler_names())
@torch.inference_mode()
def test_the_chosen_are_the_stock_pictures_bit_for_bit_at_the_cost_of_their_steps(
    comfy, models: dict[str, Any], name: str, kind: str
):
    """Every seed asks the network in its first steps alone, and the chosen ones in those behind them alone."""
    from steer.nodes.sweep.pick.comfy_pick import _sample, finish, make_early
    from steer.nodes.sweep.pick.tape import Counter

    job, counter, calls = job_of(models[kind], name), Counter(), CALLS.get(name, EARLY)
    early = make_early(job, Store(None, ""), vae_of(BY_NAME["SD 1.5"]))
    assert {len(picture.tape.answers) for picture in early} == {calls}
    assert job.rows == len(SEEDS) * calls * CFG_SIDES
    found = finish(job, early, PICK)["samples"]
    _sample(job, [0], counter)
    assert job.rows == (len(SEEDS) * calls + len(PICK) * (counter.calls - calls)) * CFG_SIDES
    assert job.missed == 0
    for row, index in zip(found, PICK, strict=True):
        assert torch.equal(row, alone(comfy, models[kind], name, SEEDS[index])[0]), SEEDS[index]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["euler", "dpmpp_2m", "dpmpp_3m_sde", "euler_ancestral_cfg_pp", "uni_pc", "sa_solver_pece"]
)
@torch.inference_mode()
def test_batches_of_any_size_are_the_same_pictures_as_far_as_kernels_round(comfy, models: dict[str, Any], name: str):
    expected = torch.cat([alone(comfy, models["eps"], name, SEEDS[index]) for index in PICK])
    allowed = 2.0 / 255.0 * float(expected.max() - expected.min())
    for batch in (2, 3, 0):
        job = job_of(models["eps"], name, batch=batch)
        assert float((picked(job) - expected).abs().max()) <= allowed, batch


@pytest.mark.slow
@pytest.mark.parametrize("name", ["euler", "dpmpp_2m_sde"])
@torch.inference_mode()
def test_the_noise_mask_and_a_picture_to_begin_with_are_kept_to(comfy, models: dict[str, Any], name: str):
    latent = {"samples": torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(4))}
    latent["noise_mask"] = torch.zeros(1, 64, 64)
    latent["noise_mask"][:, :32] = 1.0
    found = picked(job_of(models["eps"], name, latent=latent))
    for row, index in zip(found, PICK, strict=True):
        assert torch.equal(row, alone(comfy, models["eps"], name, SEEDS[index], **latent)[0])


@torch.inference_mode()
def test_those_that_couple_the_batch_are_refused_by_name(comfy, models: dict[str, Any]):
    for name in REFUSED:
        with pytest.raises(ValueError, match=rf"^sampler: '{name}' chooses its step sizes"):
            job_of(models["eps"], name)


@pytest.mark.parametrize(("name", "calls"), [("euler", 1), ("seeds_2", 2)])
@torch.inference_mode()
def test_64_seeds_for_3_of_20_steps_cost_a_fifth(comfy, models: dict[str, Any], name: str, calls: int):
    """260 steps of pictures in place of 1,280: 520 rows with both sides of the guidance, twice that with two calls."""
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.sweep.pick.comfy_pick import finish, make_early
    from steer.nodes.sweep.pick.sheet import write_report

    noise = SeededNoise(make_draws(range(64)), COMFYUI)
    job = job_of(models["eps"], name, batch=0, noise=noise, sigmas=sigmas_of(models["eps"], 20), steps=3)
    early = make_early(job, Store(None, ""), vae_of(BY_NAME["SD 1.5"]))
    finish(job, early, [2, 16, 39, 63])
    last = 4 * CFG_SIDES * (calls - 1)  # the last step, to zero, asks once
    assert job.rows == 520 * calls - last
    report = write_report(job, [2, 16, 39, 63])
    assert "Picked 3, 17, 40, 64: 68 more. 260 in place of 1,280 (20 %)." in report
