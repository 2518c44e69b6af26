"""Samplers that ComfyUI has added since 0.3.75 are exact too, by the rule that all of the table follow.

`exp_heun_2_x0` and `exp_heun_2_x0_sde` (ComfyUI 0.5) are seeds_2 with r = 1, the first without noise. `cfgpp_ud10_ab`
(0.35) takes no noise and remembers earlier steps. Where this ComfyUI lacks them, functions of the same form stand in.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest
import torch
from steer.nodes.seeds.noise import make_draws
from steer.nodes.seeds.steps import REFUSED, STEP_NOISE, judge_sampler
from tiny_model import sigmas_of, tiny_guider, tiny_model

if TYPE_CHECKING:
    from comfy.k_diffusion.sampling import sample_seeds_2, to_d  # the home of the functions below, see `at_home`

pytestmark = pytest.mark.slow

SEEDS, STEPS, SHAPE = [1, 2, 3], 4, (4, 8, 8)
NEWER = {"exp_heun_2_x0": "none", "exp_heun_2_x0_sde": "independent", "cfgpp_ud10_ab": "none"}


def sample_exp_heun_2_x0(model, x, sigmas, extra_args=None, callback=None, disable=None):
    return sample_seeds_2(model, x, sigmas, extra_args, callback, disable, 0.0, 0.0, noise_sampler=None, r=1.0)


def sample_exp_heun_2_x0_sde(
    model, x, sigmas, extra_args=None, callback=None, disable=None, eta=1.0, s_noise=1.0, noise_sampler=None
):
    return sample_seeds_2(model, x, sigmas, extra_args, callback, disable, eta, s_noise, noise_sampler, r=1.0)


def sample_cfgpp_ud10_ab(model, x, sigmas, extra_args=None, callback=None, disable=None):
    return _with_history(model, x, sigmas, extra_args or {})  # type: ignore  # noqa: F821


def with_history(model, x, sigmas, extra_args):
    before = None
    for i in range(len(sigmas) - 1):
        slope = to_d(x, sigmas[i], model(x, sigmas[i] * x.new_ones([x.shape[0]]), **extra_args))
        x = x + (slope if before is None else torch.lerp(slope, before, 0.1)) * (sigmas[i + 1] - sigmas[i])
        before = slope
    return x


def draws_by_itself(model, x, sigmas, extra_args=None):
    return x + torch.randn_like(x)


def draws_in_a_helper(model, x, sigmas, extra_args=None):
    return x + draws_by_itself(model, x, sigmas)


def fits_its_steps_to_the_batch(model, x, sigmas, extra_args=None, rtol=0.1):
    return x


def hands_its_noise_to_nobody(model, x, sigmas, extra_args=None, noise_sampler=None):
    return x


UNCLEAR = [draws_by_itself, draws_in_a_helper, fits_its_steps_to_the_batch, hands_its_noise_to_nobody]


@pytest.fixture(autouse=True)
def home(comfy_session, monkeypatch: pytest.MonkeyPatch) -> None:
    """ComfyUI's module of samplers has the functions above, but for those that it has anyway."""
    import comfy.k_diffusion.sampling as k_diffusion

    newer = {f"sample_{name}": globals()[f"sample_{name}"] for name in NEWER}
    for name, function in (newer | {"_with_history": with_history} | {each.__name__: each for each in UNCLEAR}).items():
        if not hasattr(k_diffusion, name):
            monkeypatch.setattr(k_diffusion, name, at_home(function), raising=False)


def at_home(function: Any) -> Callable[..., Any]:
    """The function as if it were written in ComfyUI's module of samplers, with its decorator."""
    import comfy.k_diffusion.sampling as k_diffusion

    moved = FunctionType(function.__code__, vars(k_diffusion), function.__name__, function.__defaults__)
    return torch.no_grad()(moved)


def ksampler(name: str) -> Any:
    """A SAMPLER that KSamplerSelect gives in a ComfyUI that lists the sampler."""
    from comfy.samplers import ksampler

    return ksampler(name)


def run(comfy, model: Any, noise: Any, sampler: Any, batch: int) -> torch.Tensor:
    """The picture latents of stock SamplerCustomAdvanced."""
    given = {"guider": tiny_guider(model), "sigmas": sigmas_of(model, STEPS)}
    given["latent_image"] = {"samples": torch.zeros(batch, *SHAPE)}
    return comfy.call("SamplerCustomAdvanced", noise=noise, sampler=sampler, **given)[0]["samples"]


@pytest.mark.parametrize("kind", ["eps", "flow"])
@pytest.mark.parametrize("name", NEWER)
def test_a_batch_of_seeds_is_single_runs(comfy, name: str, kind: Any):
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.seeds.rng import COMFYUI

    model, noise = tiny_model(kind), SeededNoise(make_draws(SEEDS), COMFYUI)
    (wrapped,) = comfy.call("SteerPerImageStepNoise", sampler=ksampler(name), noise=noise)
    alone = torch.cat([run(comfy, model, Noise_RandomNoise(seed), ksampler(name), 1) for seed in SEEDS])
    assert torch.isfinite(alone).all()
    allowed = 2.0 / 255.0 * float(alone.max() - alone.min())
    assert float((run(comfy, model, noise, wrapped, len(SEEDS)) - alone).abs().max()) < allowed
    plain = float((run(comfy, model, noise, ksampler(name), len(SEEDS)) - alone).abs().max())
    assert (plain > allowed) == (NEWER[name] != "none"), "whether it needs the node"


def test_the_table_follows_the_rule(comfy):
    """But for two that take noise and draw none, which changes nothing, and those that are refused by name."""
    import comfy.k_diffusion.sampling as k_diffusion
    from comfy.samplers import sampler_object

    unused = {"res_multistep", "res_multistep_cfg_pp"}
    for name, kind in STEP_NOISE.items():
        wanted = "independent" if name in unused else kind
        assert judge_sampler(sampler_object(name.replace("unipc", "uni_pc")).sampler_function) == wanted, name
    for name in REFUSED:
        assert judge_sampler(getattr(k_diffusion, f"sample_{name}")) is None


def test_every_sampler_that_this_comfyui_offers_is_judged(comfy):
    from comfy.samplers import SAMPLER_NAMES, sampler_object
    from steer.nodes.seeds.comfy_noise import step_noise

    for name in (name for name in SAMPLER_NAMES if name not in REFUSED):
        assert step_noise(sampler_object(name)) in ("none", "independent", "brownian", "brownian on device")


@pytest.mark.parametrize("function", UNCLEAR, ids=lambda function: function.__name__)
def test_what_leaves_the_rule_is_refused_by_name(comfy, function: Callable[..., Any]):
    import comfy.k_diffusion.sampling as k_diffusion
    from comfy.samplers import KSAMPLER
    from steer.nodes.seeds.comfy_noise import step_noise

    name = function.__name__
    with pytest.raises(ValueError, match=f"'{name}' is one of ComfyUI's samplers, but newer than this version"):
        step_noise(KSAMPLER(getattr(k_diffusion, name)))
