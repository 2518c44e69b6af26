"""Checks of the families Noise and Seeds."""

from __future__ import annotations

from typing import Any

import torch

from ..families import Family
from ..runs import sigmas_of
from ..vaes import vae_of
from .verdict import ABSENT, REFUSED, STEPS, WORKS, WRONG, Check, Verdict, compare, custom, stock_latent

SCHEDULE: dict[str, Any] = {
    "steps": 5,
    "denoise": 1.0,
    "timestep_spacing": "default",
    "steps_offset": 0,
    "sigma_spacing": "default",
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "zero_terminal_snr": False,
    "shift": 3.0,
}


def noise_schedule(comfy: Any, family: Family) -> Verdict:
    """Every scheduler of diffusers gives sigmas within those of the model, or is refused."""
    from steer.nodes.noise.choices import SCHEDULERS

    model = family.model()
    sampling = model.get_model_object("model_sampling")
    highest, given = float(sampling.sigma_max) * 1.001, 0
    for scheduler in SCHEDULERS:
        try:
            sigmas = comfy.call("SteerNoiseSchedule", scheduler=scheduler, model=model, **SCHEDULE)[0]
        except ValueError as error:
            if "model" not in str(error) and "scheduler" not in str(error):
                return Verdict(WRONG, f"{scheduler}: {error}")
            continue
        given += 1
        if len(sigmas) < 6 or not bool(torch.isfinite(sigmas).all()) or bool((sigmas[1:] > sigmas[:-1]).any()):
            return Verdict(WRONG, f"{scheduler}: {sigmas.tolist()}")
        if float(sigmas[0]) > highest and scheduler != "EDM Euler":
            return Verdict(WRONG, f"{scheduler}: begins at {float(sigmas[0]):.4g}, the model at {highest:.4g}")
    return Verdict(WORKS, f"{given} of {len(SCHEDULERS)} schedulers, the others refused")


def published_schedule(comfy: Any, family: Family) -> Verdict:
    """The family is known by the MODEL, or refused."""
    given = {"family": "from the model", "latent": family.latent(64, 64), "steps": 8, "denoise": 1.0}
    try:
        sigmas = comfy.call("SteerPublishedSchedule", **given, solver="as published", model=family.model())[0]
    except ValueError as error:
        return Verdict(REFUSED) if "family" in str(error) else Verdict(WRONG, str(error)[:160])
    falls = bool((sigmas[1:] < sigmas[:-1]).all()) and bool(torch.isfinite(sigmas).all())
    return Verdict(WORKS) if falls else Verdict(WRONG, str(sigmas.tolist()))


def schedule_plot(comfy: Any, family: Family) -> Verdict:
    """Each axis is drawn with the model."""
    from steer.nodes.noise.choices import AXES

    model = family.model()
    given = {"names": "", "title": "", "model_type": "auto", "dark": False, "width": 400, "height": 320}
    for axis in AXES:
        chart = comfy.call("SteerSchedulePlot", axis=axis, model=model, sigmas_1=sigmas_of(model, 8), **given)[0]
        if chart.shape != (1, 320, 400, 3) or not bool(torch.isfinite(chart).all()):
            return Verdict(WRONG, f"{axis}: {list(chart.shape)}")
    return Verdict(WORKS)


def forward_diffusion(comfy: Any, family: Family) -> Verdict:
    """Each frame is what ComfyUI's model begins with at this sigma."""
    from comfy.sample import prepare_noise

    model, sigmas = family.model(), sigmas_of(family.model(), 4)
    latent = {"samples": torch.randn(family.latent()["samples"].shape, generator=torch.Generator().manual_seed(2))}
    frames = {"frames": 5, "spacing": "step", "seed": 5, "unit_range": False}
    try:
        found = comfy.call("SteerForwardDiffusionLatent", model=model, latent=latent, sigmas=sigmas, **frames)[0]
    except ValueError as error:
        return Verdict(WRONG, str(error)[:160])
    noise = prepare_noise(latent["samples"], 5, None)
    clean, sampling = model.model.process_latent_in(latent["samples"]), model.get_model_object("model_sampling")
    at = [float(sigma) for sigma in sorted(sigmas.tolist())]
    expected = [
        model.model.process_latent_out(sampling.noise_scaling(torch.tensor(sigma), noise, clean)) for sigma in at
    ]
    theirs = torch.cat(expected)
    return compare(found["samples"].float(), theirs.float(), close=1e-5)


def forward_pictures(comfy: Any, family: Family) -> Verdict:
    """Each frame is the mixture of the model's type, in pixels: what its noise_scaling gives, in the range of x0."""
    model, sigmas = family.model(), sigmas_of(family.model(), 4)
    sampling = model.get_model_object("model_sampling")
    picture = torch.rand(1, 16, 24, 3, generator=torch.Generator().manual_seed(2))
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(5))
    given: dict[str, Any] = {"frames": 5, "spacing": "step", "seed": 5, "model_type": "auto", "captions": False}
    given |= {"columns": 0, "dark": False}
    frames = comfy.call("SteerForwardDiffusion", image=picture, sigmas=sigmas, model=model, **given)[1]
    expected = []
    for sigma in sorted(sigmas.tolist()):
        mixed = sampling.noise_scaling(torch.tensor(sigma), noise, 2.0 * picture - 1.0)
        scale = 1.0 if float(sampling.sigma_max) <= 1.0 else (1.0 + sigma**2) ** -0.5  # a flow model keeps its range
        expected.append((mixed * scale + 1.0).clamp(0.0, 2.0) / 2.0)
    return compare(frames, torch.cat(expected), close=1e-5)


def reverse_diffusion(comfy: Any, family: Family) -> Verdict:
    """The result is that of SamplerCustomAdvanced."""
    ours = comfy.call("SteerReverseDiffusion", **custom(family), frames=3, steps="", order="noise to picture")[0]
    return compare(ours["samples"], stock_latent(comfy, custom(family)))


def seeded_noise(comfy: Any, family: Family) -> Verdict:
    """A batch of seeds is RandomNoise of each."""
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise
    from steer.nodes.seeds.choices import COMFYUI
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.seeds.noise import make_draws

    ours = SeededNoise(make_draws([3, 8]), COMFYUI).generate_noise(family.latent(batch=2))
    theirs = torch.cat([Noise_RandomNoise(seed).generate_noise(family.latent()) for seed in (3, 8)])
    return compare(ours, theirs)


def step_noise(comfy: Any, family: Family) -> Verdict:
    """Pictures of an ancestral batch are those that their seeds make alone."""
    from comfy.samplers import sampler_object
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise
    from steer.nodes.seeds.choices import COMFYUI
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.seeds.noise import make_draws

    noise = SeededNoise(make_draws([3, 8]), COMFYUI)
    stock = sampler_object("euler_ancestral")
    wrapped = comfy.call("SteerPerImageStepNoise", sampler=stock, noise=noise)[0]
    both = stock_latent(comfy, custom(family, noise=noise, sampler=wrapped, latent_image=family.latent(batch=2)))
    alone = [stock_latent(comfy, custom(family, noise=Noise_RandomNoise(seed), sampler=stock)) for seed in (3, 8)]
    return compare(both, torch.cat(alone), close=2e-3)


def seed_spread(comfy: Any, family: Family) -> Verdict:
    """Strength 0 changes no bit of the conditioning."""
    from steer.nodes.seeds.choices import COMFYUI
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.seeds.noise import make_draws

    model, noise = family.model(), SeededNoise(make_draws([3, 8]), COMFYUI)
    given = {"conditioning": family.prompt(1), "model": model, "noise": noise, "sigmas": sigmas_of(model, STEPS)}
    plain = comfy.call("SteerSeedSpread", strength=0.0, steps=1, **given)[0]
    spread = comfy.call("SteerSeedSpread", strength=2.0, steps=1, **given)[0]
    if all(torch.equal(tokens, family.prompt(1)[0][0]) for tokens, _ in spread):
        return Verdict(WRONG, "strength 2 changes nothing")
    whole = torch.cat([tokens for tokens, _ in plain])
    return compare(whole, family.prompt(1)[0][0].expand_as(whole))


def early_pick(comfy: Any, family: Family) -> Verdict:
    """A picked picture is the one that SamplerCustomAdvanced makes of its seed."""
    if not _has(comfy, "SteerEarlyPick"):
        return Verdict(ABSENT)
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise
    from steer.nodes.seeds.choices import COMFYUI
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.seeds.noise import make_draws

    noise = SeededNoise(make_draws([3, 8, 9]), COMFYUI)
    given = custom(family, noise=noise) | {"vae": vae_of(family)}
    picked = comfy.call("SteerEarlyPick", **given, steps=1, pick="2", batch_size=1, cell_size=64)[0]["samples"]
    return compare(picked, stock_latent(comfy, custom(family, noise=Noise_RandomNoise(8))), close=1e-5)


def _has(comfy: Any, node_id: str) -> bool:
    return node_id in comfy.nodes.NODE_CLASS_MAPPINGS


CHECKS = (
    Check("Noise Schedule", "sigmas within the model's, or refused", noise_schedule),
    Check("Published Schedule", "the family is known by the model, or refused", published_schedule),
    Check("Schedule Plot", "every axis is drawn", schedule_plot),
    Check("Forward Diffusion", "the mixture of the model's type, in pixels", forward_pictures),
    Check("Forward Diffusion (Latent)", "the model's own mixture of latent and noise", forward_diffusion),
    Check("Reverse Diffusion", "SamplerCustomAdvanced", reverse_diffusion),
    Check("Seeded Noise", "RandomNoise of each seed", seeded_noise),
    Check("Per-Image Step Noise", "each picture as its seed makes it alone", step_noise),
    Check("Seed Spread", "strength 0 changes no bit", seed_spread),
    Check("Early Pick", "SamplerCustomAdvanced of the picked seed", early_pick),
)
