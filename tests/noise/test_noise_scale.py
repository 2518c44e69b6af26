"""Flow models whose noise has another deviation than 1, by the contract of ComfyUI 0.28 (HiDream-O1: 8).

Their model_sampling has a `noise_scale` s, set by the model or by the node ModelNoiseScale, and mixes
x_t = (1 - sigma) * x0 + sigma * s * eps. In ComfyUI 0.3.75 nothing has it.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from steer.nodes.noise.forward import caption_parts
from steer.nodes.noise.process import FlowProcess
from steer.nodes.noise.reverse import StepFrame

SCALE = 8.0
SIGMAS = torch.tensor([1.0, 0.9, 0.5, 0.1, 0.0], dtype=torch.float64)


class Model:
    """Stands for a MODEL that has nothing but its noise and the latents of SD3."""

    def __init__(self, levels: Any) -> None:
        import comfy.latent_formats

        self.model_sampling, self.latent_format = levels, comfy.latent_formats.SD3()
        self.process_latent_in, self.process_latent_out = self.latent_format.process_in, self.latent_format.process_out

    def get_model_object(self, name: str) -> Any:
        return getattr(self, name)


def scaled(scale: float) -> Model:
    import comfy.model_sampling as sampling

    class Flow(sampling.ModelSamplingDiscreteFlow, sampling.CONST):
        pass

    class ScaledFlow(Flow):
        def noise_scaling(self, sigma: Any, noise: Any, latent_image: Any, max_denoise: bool = False) -> Any:
            return super().noise_scaling(sigma, self.noise_scale * noise, latent_image, max_denoise)

    levels: Any = Flow() if hasattr(Flow, "set_noise_scale") else ScaledFlow()
    levels.noise_scale = scale
    return Model(levels)


def process_of(model: Model) -> FlowProcess:
    from steer.nodes.noise.comfy_process import noise_process

    process = noise_process(model)
    assert isinstance(process, FlowProcess)
    return process


def test_the_measures_are_those_of_what_the_model_mixes(comfy):
    model = scaled(SCALE)
    process, zero, one = process_of(model), torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1)
    for sigma in SIGMAS[1:-1]:
        signal, noise = (
            float(model.model_sampling.noise_scaling(sigma.float(), eps, x0)) for eps, x0 in ((zero, one), (one, zero))
        )
        assert float(process.snr(sigma)) == pytest.approx((signal / noise) ** 2, rel=1e-5)
        assert float(process.log_snr(sigma).exp()) == pytest.approx((signal / noise) ** 2, rel=1e-5)
        assert float(process.alpha_bar(sigma)) == pytest.approx(signal**2 / (signal**2 + noise**2), rel=1e-5)
        assert float(process.signal(sigma) + process.noise(sigma)) == pytest.approx(1.0)
        assert float(process.sigma_of_log_snr(process.log_snr(sigma))) == pytest.approx(float(sigma))
    assert caption_parts(0.5, process)[1:] == ["sigma 0.5", "SNR 0.016"]
    assert caption_parts(0.5, process_of(scaled(1.0)))[1:] == ["sigma 0.5", "SNR 1"]


def test_noised_latents_are_brought_back_to_unit_range(comfy):
    model, samples = scaled(SCALE), torch.randn(1, 16, 32, 32, generator=torch.Generator().manual_seed(1))
    given = {"model": model, "latent": {"samples": samples}, "sigmas": SIGMAS.float()}
    given |= {"frames": len(SIGMAS), "spacing": "step", "seed": 5}
    held, shown = (
        model.process_latent_in(comfy.call("SteerForwardDiffusionLatent", **given, unit_range=on)[0]["samples"])
        for on in (False, True)
    )
    assert float(held[-1].std()) == pytest.approx(SCALE, rel=0.05), "as the sampler holds it"
    assert float(shown[-1].std()) == pytest.approx(1.0, rel=0.05)
    growth = (1.0 + (SCALE - 1.0) * SIGMAS.flip(0).float()).view(-1, 1, 1, 1)
    assert torch.allclose(shown * growth, held, rtol=1e-4, atol=1e-4)


def test_the_strips_of_the_reverse_process_too(comfy):
    from steer.nodes.noise.comfy_process import strip_latents

    model, x_t = scaled(SCALE), SCALE * torch.randn(1, 16, 32, 32, generator=torch.Generator().manual_seed(1))
    shown, _ = strip_latents(model, [StepFrame(0, 1.0, x_t, torch.zeros_like(x_t))])
    assert torch.allclose(model.process_latent_in(shown), x_t / SCALE, atol=1e-4)


def test_a_model_without_any_noise_is_refused(comfy):
    with pytest.raises(ValueError, match=r"^model: its noise_scale is 0.*ModelNoiseScale above 0\."):
        process_of(scaled(0.0))
