"""The embedded model inside ComfyUI computes what diffusers and transformers compute on the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from steer.demo import store
from steer.demo.networks import CONTROL_KINDS, END, LATENT, LATENT_SCALE, PICTURE, START, TEXT, UNET, controlnet_config
from steer.files import sha256_of

if TYPE_CHECKING:
    from comfy_inprocess import InProcessComfy

Tensors = dict[str, torch.Tensor]
PROMPTS = {
    "lecture": "gorgeous cute Austrian girl, smiling, (crop top), Steel gray hair",
    "empty": "",
    "unknown words": "zygomorphic quokka, quantum chromodynamics",
    "Korean": "\uc6c3\ub294 \uc18c\ub140, \uac80\uc740 \ubc30\uacbd",
    "emoji": "girl \U0001f600\U0001f418\U0001f3a8",
    "2000 words": "smiling girl, " * 1000,
    "weighted": "girl, (smiling:1.4), (angry:0.2)",
}


def single(tensors: Tensors) -> Tensors:
    return {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}


@torch.no_grad()
def noisy(network: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Weights in which no layer is zero, so that every one counts."""
    generator = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        weight.add_(torch.randn(weight.shape, generator=generator) * 0.02)
    return network.eval()


def inputs(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(latent, step, context, hint) of two pictures."""
    g = torch.Generator().manual_seed(seed)
    latent = torch.randn(2, 4, LATENT, LATENT, generator=g)
    context = torch.randn(2, 77, TEXT["hidden_size"], generator=g)
    return latent, torch.tensor([3.0, 741.0]), context, torch.rand(2, 3, PICTURE, PICTURE, generator=g)


@torch.no_grad()
def test_unet_is_the_diffusers_unet(comfy: InProcessComfy) -> None:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from steer.nodes.demo import comfy_model

    theirs = UNet2DConditionModel(**UNET).eval()
    theirs.load_state_dict(single(store.read("unet")[0]))
    x, t, context, _ = inputs()
    ours = comfy_model.load_model().model.diffusion_model(x, t, context)
    expected = theirs(x, t, context).sample
    assert expected.std() > 0.1
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_controlnet_is_the_diffusers_controlnet(comfy: InProcessComfy) -> None:
    from diffusers.models.controlnets.controlnet import ControlNetModel
    from steer.nodes.demo import comfy_model

    theirs = noisy(ControlNetModel(**controlnet_config()), seed=1)
    x, t, context, hint = inputs()
    ours = comfy_model.build_controlnet(dict(theirs.state_dict())).control_model(
        x=x, hint=hint, timesteps=t, context=context
    )
    down, middle = theirs(x, t, context, hint, return_dict=False)
    assert len(ours["output"]) == len(down)
    for mine, expected in zip([*ours["output"], *ours["middle"]], [*down, middle], strict=True):
        assert expected.std() > 0.01
        torch.testing.assert_close(mine, expected, atol=1e-4, rtol=1e-3)


@torch.no_grad()
def test_text_encoder_is_the_transformers_text_encoder(comfy: InProcessComfy) -> None:
    """Taught words by their rows, an untaught one by the vector for unknown words."""
    from steer.nodes.demo import comfy_model
    from transformers import CLIPTextConfig, CLIPTextModel

    tensors = single(store.read("text_encoder")[0])
    taught, unknown = tensors.pop("tokens").tolist(), tensors.pop("unknown")
    key = "text_model.embeddings.token_embedding.weight"
    tensors[key] = torch.cat([tensors[key], unknown[None]])
    theirs = CLIPTextModel(CLIPTextConfig(vocab_size=len(tensors[key]), **TEXT)).eval()
    prefix = "" if any(name.startswith("text_model.") for name in theirs.state_dict()) else "text_model."
    theirs.load_state_dict({name.removeprefix(prefix): value for name, value in tensors.items()}, strict=False)

    clip = comfy_model.load_clip()
    prompt = "girl, smiling, quokka, black background"
    ids = [token for token, _ in clip.tokenize(prompt)["l"][0]]
    assert (ids[0], ids[-1]) == (START, END)
    rows = [taught.index(i) if i in taught else len(taught) for i in ids]
    assert len(taught) in rows
    expected = theirs(torch.tensor([rows])).last_hidden_state
    torch.testing.assert_close(clip.encode_from_tokens(clip.tokenize(prompt)), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", PROMPTS)
def test_any_prompt_gives_finite_conditioning(comfy: InProcessComfy, name: str) -> None:

    from steer.nodes.demo import comfy_model

    clip = comfy_model.load_clip()
    ((cond, _),) = clip.encode_from_tokens_scheduled(clip.tokenize(PROMPTS[name]))
    assert cond.shape[0] == 1
    assert cond.shape[1] % 77 == 0
    assert cond.shape[2] == TEXT["hidden_size"]
    assert torch.isfinite(cond).all()


@torch.no_grad()
def test_an_untaught_word_matters_less_than_a_taught_one(comfy: InProcessComfy) -> None:

    from steer.nodes.demo import comfy_model

    clip, unet = comfy_model.load_clip(), comfy_model.load_model().model.diffusion_model
    noise = torch.randn(4, 4, LATENT, LATENT, generator=torch.Generator().manual_seed(4))

    def predicted(prompt: str) -> torch.Tensor:
        context = clip.encode_from_tokens(clip.tokenize(prompt)).expand(len(noise), -1, -1)
        return unet(noise, torch.full((len(noise),), 950.0), context)

    plain = predicted("gorgeous cute girl, smiling, brown long hair, black background")
    untaught = predicted("gorgeous cute girl, smiling, brown long hair, zygomorphic quokka, black background")
    taught = predicted("gorgeous cute girl, smiling, brown long hair, meadows")
    assert 0 < (untaught - plain).norm() < 0.5 * (taught - plain).norm()


@pytest.mark.slow
@torch.no_grad()
def test_vae_rebuilds_scenes_from_latents_of_unit_size(comfy: InProcessComfy) -> None:
    from steer.demo.scenes import HELD_OUT, render
    from steer.nodes.demo import comfy_model

    pictures = torch.stack([torch.from_numpy(render(HELD_OUT + i).image.copy()) for i in range(6)]).float() / 255
    vae = comfy_model.load_vae()
    latents = vae.encode(pictures)
    assert latents.shape == (6, 4, LATENT, LATENT)
    assert 0.7 < (latents * LATENT_SCALE).std() < 1.4  # as the UNet sees them
    error = (vae.decode(latents) - pictures).square().mean((1, 2, 3))
    assert (-10 * torch.log10(error)).mean() > 24


@torch.no_grad()
def test_padding_to_the_standard_layout_changes_nothing(comfy: InProcessComfy) -> None:
    import comfy.sd
    from steer.demo.train.autoencoder import Autoencoder
    from steer.demo.train.vae import pad_to_taesd

    narrow = noisy(Autoencoder(), seed=2)
    sd = pad_to_taesd(dict(narrow.named_parameters())) | {
        "vae_scale": torch.tensor(1.0),
        "vae_shift": torch.tensor(0.0),
    }
    wide = comfy.sd.VAE(sd=sd)
    picture = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(3))
    expected = narrow.taesd_encoder(picture.movedim(-1, 1))
    torch.testing.assert_close(wide.encode(picture), expected, atol=1e-4, rtol=1e-4)
    decoded = narrow.taesd_decoder(expected).clamp(0, 1).movedim(1, -1)
    torch.testing.assert_close(wide.decode(expected), decoded, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("part", ["model", "clip", "vae"])
def test_another_gpu_gets_the_same_weights_anew(
    comfy: InProcessComfy, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """By the contract of ComfyUI 0.28: `cached_patcher_init` of a ModelPatcher holds a loader and its arguments.

    The copy for another GPU comes from loader(*arguments), one that lies in memory as a whole from
    loader(*arguments, disable_dynamic=True). None means that there can be no copy.
    """
    from comfy.model_patcher import ModelPatcher
    from steer.nodes.demo import comfy_model

    monkeypatch.setattr(ModelPatcher, "cached_patcher_init", None, raising=False)
    loaded = getattr(comfy_model, f"load_{part}")()
    first = loaded if part == "model" else loaded.patcher
    load, arguments = first.cached_patcher_init
    copies = [load(*arguments), load(*arguments, disable_dynamic=True)]
    if hasattr(first, "deepclone_multigpu"):
        copies.append(first.deepclone_multigpu(new_load_device=torch.device("cpu", 0)))
    for other in copies:
        weights, anew = first.model.state_dict(), other.model.state_dict()
        assert weights.keys() == anew.keys()
        assert all(torch.equal(weights[key], anew[key]) for key in weights)
        assert not {value.data_ptr() for value in weights.values()} & {value.data_ptr() for value in anew.values()}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("vae.safetensors", store.CHECKSUMS):
        (tmp_path / name).write_bytes((store.FOLDER / name).read_bytes())
    return tmp_path


def test_an_intact_file_is_read_with_its_description(copied: Path) -> None:
    tensors, metadata = store.read("vae", copied)
    assert tensors["taesd_decoder.1.weight"].shape == (64, 4, 3, 3)
    assert metadata["license"] == "Apache-2.0"


@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
def test_a_damaged_file_is_named_with_its_checksum(copied: Path, damage: str) -> None:
    path = copied / "vae.safetensors"
    content = bytearray(path.read_bytes())
    expected = sha256_of(path)
    if damage == "altered":
        content[-1] ^= 1
        path.write_bytes(content)
    elif damage == "truncated":
        path.write_bytes(content[:-1000])
    else:
        path.unlink()
    with pytest.raises(store.WeightsError) as caught:
        store.read("vae", copied)
    assert str(path) in str(caught.value)
    if damage != "missing":
        assert expected in str(caught.value)
        assert sha256_of(path) in str(caught.value)


def test_the_fingerprint_changes_with_the_weights_it_names_only(tmp_path: Path) -> None:
    def fingerprints(value: float) -> list[str]:
        store.write("unet", {"weight": torch.full((4,), value)}, {}, tmp_path)
        return [store.fingerprint(*names, folder=tmp_path) for names in (("vae", "unet"), ("vae",))]

    store.write("vae", {"weight": torch.ones(4)}, {}, tmp_path)
    (before, vae), (after, same) = fingerprints(1.0), fingerprints(2.0)
    assert before != after
    assert fingerprints(1.0) == [before, vae]
    assert vae == same


def test_packed_weights_come_back_within_about_half_a_step(tmp_path: Path) -> None:
    g = torch.Generator().manual_seed(0)
    weights = {
        "kernel": torch.randn(64, 32, 3, 3, generator=g) * torch.logspace(-6, 1, 64)[:, None, None, None],
        "zero": torch.zeros(64, 128),
        "bias": torch.randn(64, generator=g),
        "ids": torch.arange(9),
    }
    store.write("vae", store.pack(weights), {}, tmp_path)
    assert (tmp_path / "vae.safetensors").stat().st_size < 1.2 * sum(value.numel() for value in weights.values()) + 2000
    found, _ = store.read("vae", tmp_path)
    assert found.keys() == weights.keys()
    step = weights["kernel"].flatten(1).abs().amax(1)[:, None, None, None] / 127
    assert ((found["kernel"].float() - weights["kernel"]).abs() <= 0.57 * step + 1e-7).all()
    assert not found["zero"].any()
    torch.testing.assert_close(found["bias"].float(), weights["bias"], atol=2e-3, rtol=1e-3)
    assert torch.equal(found["ids"], weights["ids"])


def test_shipped_weights_fit_the_repository() -> None:
    files = list(store.FOLDER.glob("*.safetensors"))
    assert {path.stem for path in files} <= set(store.NAMES)
    assert sum(path.stat().st_size for path in files) < 60e6


@pytest.mark.parametrize("kind", CONTROL_KINDS)
def test_every_kind_of_controlnet_has_a_hint(kind: str) -> None:
    """Training draws each kind's hint for any scene."""
    import numpy as np
    from steer.demo.scenes import render
    from steer.demo.train.data.chunks import record_of
    from steer.demo.train.data.hints import HINTS

    scene = render(5, kind="interior" if kind == "mlsd" else "figure")
    hint = HINTS[kind](scene.image, record_of(scene), np.random.default_rng(0))
    assert hint.shape == (PICTURE, PICTURE, 3)
    assert hint.dtype == np.uint8
    assert 0 < (hint > 0).mean() < 0.5
