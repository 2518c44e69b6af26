"""The shipped weights give the same picture in a pipeline of diffusers and in ComfyUI.

Both sample with Euler, 20 trailing steps, cfg 5, from the same noise, through the same sigmas, in single precision.
diffusers does everything from the prompt's text to the last latent by itself; only the VAE that turns the two latents
into pictures is shared. ComfyUI rounds timesteps to whole numbers, and trailing spacing asks for whole ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from steer.demo import store
from steer.demo.networks import (
    BETA_END,
    BETA_START,
    LATENT_SCALE,
    TEXT,
    TRAIN_STEPS,
    UNET,
    VOCABULARY,
    controlnet_config,
)

if TYPE_CHECKING:
    from comfy_inprocess import InProcessComfy

pytestmark = pytest.mark.slow
STEPS, CFG, SIDE = 20, 5.0, 256
MOST = 0.5  # of 255, in any pixel: the two look the same once saved, give or take a rounding
PROMPT = (
    "gorgeous cute Austrian girl, smiling, steel gray hair, comics printed shirt, lean against the wall, backstreet"
)
NEGATIVE = "angry"


def weights(name: str) -> dict[str, torch.Tensor]:
    return {key: value.float() if value.is_floating_point() else value for key, value in store.read(name)[0].items()}


def text_encoder() -> Any:
    """transformers' CLIP over the whole vocabulary; every word that was not taught has the vector for unknown words."""
    from transformers import CLIPTextConfig, CLIPTextModel

    tensors = weights("text_encoder")
    taught, table = tensors.pop("tokens"), tensors.pop("unknown").repeat(VOCABULARY, 1)
    key = "text_model.embeddings.token_embedding.weight"
    table[taught] = tensors[key]
    encoder = CLIPTextModel(CLIPTextConfig(vocab_size=VOCABULARY, **TEXT)).eval()
    names = encoder.state_dict().keys()
    prefix = "" if any(name.startswith("text_model.") for name in names) else "text_model."
    found = {name.removeprefix(prefix): value for name, value in (tensors | {key: table}).items()}
    missing, unexpected = encoder.load_state_dict(found, strict=False)
    assert not unexpected
    assert not [name for name in missing if not name.endswith("position_ids")]
    return encoder


def pipeline(kind: str) -> Any:
    """diffusers' own Stable Diffusion pipeline of the shipped files, with a ControlNet where `kind` names one."""
    import comfy.sd1_clip
    from diffusers.models.controlnets.controlnet import ControlNetModel
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.pipelines.controlnet.pipeline_controlnet import StableDiffusionControlNetPipeline
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
    from transformers import CLIPTokenizer

    unet = UNet2DConditionModel(**UNET).eval()
    unet.load_state_dict(weights("unet"))
    scheduler = EulerDiscreteScheduler(
        num_train_timesteps=TRAIN_STEPS,
        beta_start=BETA_START,
        beta_end=BETA_END,
        beta_schedule="scaled_linear",
        timestep_spacing="trailing",
        steps_offset=1,
    )
    folder = comfy.sd1_clip.SD1Tokenizer().clip_l.tokenizer.name_or_path
    tokenizer = CLIPTokenizer.from_pretrained(folder, model_max_length=TEXT["max_position_embeddings"])
    parts: dict[str, Any] = {
        "vae": None,
        "text_encoder": text_encoder(),
        "tokenizer": tokenizer,
        "unet": unet,
        "scheduler": scheduler,
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }
    if not kind:
        return StableDiffusionPipeline(**parts)
    network = ControlNetModel(**controlnet_config()).eval()
    network.load_state_dict(weights(f"controlnet-{kind}"))
    return StableDiffusionControlNetPipeline(controlnet=network, **parts)


class FixedNoise:
    """A NOISE that is known already."""

    seed = 0

    def __init__(self, noise: torch.Tensor) -> None:
        self.noise = noise

    def generate_noise(self, latent: dict[str, Any]) -> torch.Tensor:
        return self.noise


def sampled_by_comfy(comfy: InProcessComfy, kind: str, hint: torch.Tensor, noise: Any, sigmas: Any) -> torch.Tensor:
    """The scaled latent that stock nodes make of the Demo Model."""
    (model, clip, _), nodes = comfy.call("SteerDemoModel"), comfy.nodes.NODE_CLASS_MAPPINGS
    positive, negative = (nodes["CLIPTextEncode"]().encode(clip, text)[0] for text in (PROMPT, NEGATIVE))
    if kind:
        (control,) = comfy.call("SteerDemoControlNet", kind=kind)
        positive, negative = nodes["ControlNetApplyAdvanced"]().apply_controlnet(
            positive, negative, control, hint.movedim(1, -1), 1.0, 0.0, 1.0
        )
    (guider,) = comfy.call("CFGGuider", model=model, positive=positive, negative=negative, cfg=CFG)
    (sampler,) = comfy.call("KSamplerSelect", sampler_name="euler")
    latent = comfy.call(
        "SamplerCustomAdvanced",
        noise=FixedNoise(noise),
        guider=guider,
        sampler=sampler,
        sigmas=sigmas,
        latent_image={"samples": torch.zeros_like(noise)},
    )[0]["samples"]
    return latent * LATENT_SCALE


def canny_hint() -> torch.Tensor:
    """The edges [1, 3, 256, 256] in 0..1 of a portrait that was never taught."""
    import cv2
    from steer.demo.scenes import HELD_OUT, render

    edges = cv2.Canny(render(HELD_OUT, kind="portrait").image, 100, 200)
    return torch.from_numpy(edges).expand(1, 3, -1, -1).float() / 255


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["", "canny"], ids=["no control", "canny"])
def test_diffusers_and_comfyui_make_the_same_picture(comfy: InProcessComfy, kind: str) -> None:
    from steer.nodes.demo import comfy_model

    hint = canny_hint()
    start = torch.randn(1, 4, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(7))

    theirs = pipeline(kind)
    theirs.set_progress_bar_config(disable=True)
    size = {"image": hint} if kind else {"height": SIDE, "width": SIDE}
    expected = theirs(
        PROMPT,
        negative_prompt=NEGATIVE,
        num_inference_steps=STEPS,
        guidance_scale=CFG,
        latents=start.clone(),
        output_type="latent",
        **size,
    ).images
    sigmas = theirs.scheduler.sigmas
    assert theirs.scheduler.timesteps.tolist() == list(range(TRAIN_STEPS - 1, 0, -TRAIN_STEPS // STEPS))

    # diffusers starts this schedule from sigma * noise, ComfyUI at a model's largest sigma from sqrt(1 + sigma^2)
    # * noise: to both the same already scaled latent.
    largest = sigmas[0]
    found = sampled_by_comfy(comfy, kind, hint, start * largest / torch.sqrt(1 + largest**2), sigmas)

    vae = comfy_model.load_vae()
    a, b = (vae.decode(latent / LATENT_SCALE) for latent in (expected, found))
    assert a.shape == (1, SIDE, SIDE, 3)
    assert a.std() > 0.1, "a picture, not a grey wall"
    assert (a - b).abs().max() * 255 <= MOST


@torch.inference_mode()
def test_the_comparison_sees_a_small_difference(comfy: InProcessComfy) -> None:
    """One sigma of twenty, moved by two of a thousand timesteps, changes more than twice what the programs may."""
    from steer.nodes.demo import comfy_model

    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(7))
    table = comfy_model.load_model().get_model_object("model_sampling").sigmas
    steps = torch.arange(TRAIN_STEPS - 1, 0, -TRAIN_STEPS // STEPS)
    moved = steps.clone()
    moved[10] += 2
    a, b = (
        sampled_by_comfy(comfy, "", noise, noise, torch.cat([table[each], torch.zeros(1)])) for each in (steps, moved)
    )
    vae = comfy_model.load_vae()
    assert (vae.decode(a / LATENT_SCALE) - vae.decode(b / LATENT_SCALE)).abs().max() * 255 > 2 * MOST
