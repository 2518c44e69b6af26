"""What cannot be is refused before sampling, with names, on the zoo: nets of another family, hints, masks, latents."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from sweep_lab import giver, node
from zoo.bench import GUIDE, PATCH_GUIDE, Bench, hint
from zoo.controls import KINDS, Kind, kinds_here
from zoo.families import BY_NAME, FAMILIES, Family
from zoo.patches import PATCHES, PatchKind, patches_here, style_projector
from zoo.vaes import vae_of

# What messages call a family of the zoo.
CALLED = {
    "Steer's demo": "Steer's demo family",
    "SD 1.5": "SD 1.x",
    "SDXL": "SDXL",
    "SD 3.5": "SD 3",
    "Flux.1": "Flux",
    "Flux.2": "Flux.2",
    "Qwen-Image": "Qwen-Image",
    "Z-Image": "Z-Image",
    "Wan 2.1": "Wan",
}
QWEN = PATCHES[0]


def of_each(values: Any) -> Any:
    return pytest.mark.parametrize("kind", values, ids=lambda kind: kind.name)


@of_each(KINDS)
def test_a_controlnet_is_refused_by_every_other_family(comfy, kind: Kind):
    if kind not in kinds_here():
        pytest.skip("not in this ComfyUI")
    net = kind.build(1)
    for family in FAMILIES:
        given = GUIDE | {"control_net": net, "image": hint(3), "latent": family.latent(), "vae": vae_of(family)}
        given |= {"positive": family.prompt(1), "negative": family.prompt(2)}
        if family.name == kind.family.name:
            assert comfy.call("SteerControlNetGuide", **given)[3].shape[-1] == 3
            continue
        with pytest.raises(ValueError, match="is made for") as caught:
            comfy.call("SteerControlNetGuide", **given)
        message = str(caught.value)
        own, other = message.split(", but the prompt comes from a model, of ")
        assert own.startswith(f"control_net: the ControlNet is made for {CALLED[kind.family.name]}"), message
        assert other.startswith(CALLED[family.name]), message
        assert other.endswith("Choose a ControlNet and a model of one family."), message


@of_each(KINDS)
def test_a_latent_of_several_frames_is_refused_where_the_net_would_fail_on_it(bench: Callable[..., Bench], kind: Kind):
    """Fun for Qwen-Image alone takes it; with the others ComfyUI ends in the middle of sampling."""
    if kind not in kinds_here():
        pytest.skip("not in this ComfyUI")
    own, latent = bench(kind), {"samples": torch.zeros(1, kind.family.channels, 5, 8, 8)}
    if kind.name == "Fun of Qwen-Image":
        assert own.call(latent=latent)[1][1].shape == (1, 64, 64, 3)
        return
    with pytest.raises(ValueError, match=r"^latent: it is a video of 5 frames .*the ControlNet is for pictures\."):
        own.call(latent=latent)
    own.call()


@of_each(PATCHES)
def test_a_patch_is_refused_by_every_other_family(comfy, kind: PatchKind):
    if kind not in patches_here():
        pytest.skip("not in this ComfyUI")
    patch = kind.build(1)
    for family in FAMILIES:
        given = PATCH_GUIDE | {"model_patch": patch, "image": hint(3), "latent": family.latent()}
        given |= {"model": family.model(), "vae": vae_of(family)}
        if family is kind.family:
            comfy.call("SteerModelPatchGuide", **given)
            continue
        with pytest.raises(
            ValueError, match=r"^model_patch: the patch is .*, but the model is .*\. Choose a patch and"
        ):
            comfy.call("SteerModelPatchGuide", **given)


@pytest.fixture
def patched_graph(comfy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a graph in which a Model Patch Guide stands behind ComfyUI's own loader of patches. It gives the error."""
    import folder_paths

    given: dict[str, Any] = {}
    for name in ("model", "vae", "latent", "image"):
        monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, f"Test{name}", giver(given))
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "model_patches", ([str(tmp_path)], {".safetensors"}))
    monkeypatch.delitem(folder_paths.filename_list_cache, "model_patches", raising=False)

    def run(family: Family, patch: Any) -> str:
        loader = comfy.nodes.NODE_CLASS_MAPPINGS["ModelPatchLoader"]
        if patch is not None:
            (tmp_path / "canny_patch.safetensors").write_bytes(b"")
            # It builds nets of the published sizes only: what it would read is given in its place.
            monkeypatch.setattr(loader, loader.FUNCTION, lambda self, name: (patch,))
        given.update(model=family.model(), vae=vae_of(family), latent=family.latent(), image=hint(3))
        graph = {
            name: node(f"Test{name}", name=name, version=family.name) for name in ("model", "vae", "latent", "image")
        }
        graph["patch"] = node("ModelPatchLoader", name="canny_patch.safetensors")
        links = {name: [name, 0] for name in ("model", "vae", "latent", "image")}
        graph["guide"] = {"class_type": "SteerModelPatchGuide", "inputs": PATCH_GUIDE | links}
        graph["guide"]["inputs"]["model_patch"] = ["patch", 0]
        graph["show"] = node("PreviewAny", source=["guide", 3])
        return comfy.run(graph).message

    return run


def test_the_message_has_the_files_name(patched_graph: Callable[..., str]):
    message = patched_graph(BY_NAME["Z-Image"], QWEN.build(1))
    assert message.startswith(
        "model_patch: the patch 'canny_patch.safetensors' is DiffSynth for Qwen-Image, but the model is Lumina 2 or "
        "Z-Image."
    )
    assert patched_graph(BY_NAME["Qwen-Image"], QWEN.build(1)) == ""


def test_a_lora_in_the_place_of_a_patch_is_named_before_it_is_loaded(patched_graph: Callable[..., str], tmp_path: Path):
    """ComfyUI's own loader would fail on it without a word of the file."""
    weights = {f"diffusion_model.blocks.0.attn.lora_{side}.weight": torch.zeros(2, 2) for side in "AB"}
    save_file(weights, tmp_path / "canny_patch.safetensors")
    message = patched_graph(BY_NAME["Qwen-Image"], None)
    assert message.startswith("model_patch: 'canny_patch.safetensors' is a LoRA, no model patch"), message
    assert "use LoraLoaderModelOnly" in message


def uni3c() -> Any:
    """A patch of ComfyUIs newer than 0.28, by the names of its parts: it has one in common with DiffSynth."""
    from zoo.patches import _wrap

    parts = {"controlnet_patch_embedding": torch.nn.Linear(1, 1), "controlnet_blocks": torch.nn.Linear(1, 1)}
    return _wrap(torch.nn.ModuleDict(parts), 1)


def test_patches_of_other_purposes_and_what_is_none_are_named(comfy):
    family = BY_NAME["Qwen-Image"]
    given = PATCH_GUIDE | {"model": family.model(), "vae": vae_of(family), "image": hint(3)}
    for patch, words in (
        (style_projector(1), "this is a style projector for Flux, which takes no hint. Use USO Style Reference for it"),
        (family.model(), "expected a MODEL_PATCH, got a MODEL. Connect ModelPatchLoader"),
        (None, "expected a MODEL_PATCH, got nothing"),
        (torch.nn.Linear(1, 1), "expected a MODEL_PATCH, got Linear"),
        (uni3c(), "this is a camera control for Wan (Uni3C), which takes no hint. Use its own node for it"),
    ):
        with pytest.raises(ValueError, match=f"^model_patch: {re.escape(words)}"):
            comfy.call("SteerModelPatchGuide", **given, model_patch=patch)


def test_a_patch_of_the_family_in_another_size_says_so(comfy):
    from zoo.patches import _diffsynth

    family = BY_NAME["Qwen-Image"]
    given = PATCH_GUIDE | {"model": family.model(), "vae": vae_of(family), "image": hint(3)}
    with pytest.raises(ValueError, match="but the model is Qwen-Image of another size"):
        comfy.call("SteerModelPatchGuide", **given, model_patch=_diffsynth(1, layers=2))


def wrong_vae() -> Any:
    return vae_of(BY_NAME["SD 1.5"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"vae": None}, "vae: this patch takes its hint as a latent. Connect the VAE of the model"),
        ({"vae": wrong_vae}, "vae: it makes latents of 4 channels, and the model takes 16"),
        ({"image": lambda: torch.cat([hint(1), hint(2)])}, "hints: there are 2 for the 1 picture of the latent"),
        (
            {"image": lambda: torch.cat([hint(1), hint(2)]), "latent": lambda: BY_NAME["Qwen-Image"].latent(batch=2)},
            "image: there are 2, and a model patch takes one for all pictures",
        ),
        ({"image": None}, "image: no hint is connected"),
        ({"image": lambda: hint(1) * float("nan")}, "image: it holds NaN or infinite values"),
        ({"image": lambda: torch.rand(1, 64, 64, 2)}, "image: 2 channels, but 1 (grey), 3 (RGB) or 4 (RGBA)"),
        ({"latent": lambda: {"samples": torch.zeros(1, 16, 5, 8, 8)}}, "latent: it is a video of 5 frames"),
        ({"mask": lambda: torch.zeros(1, 64, 64)}, "mask: mask is empty, so the ControlNet would act nowhere"),
        ({"mask": lambda: torch.ones(1, 64, 64) * float("nan")}, "mask: it holds NaN"),
        ({"strength": float("nan")}, "strength: nan is no number"),
        ({"start_percent": 0.7, "end_percent": 0.3}, "start_percent: 0.7 lies after end_percent 0.3"),
        ({"end_percent": 1.5}, "end_percent: 1.5 lies outside"),
        ({"kind": "lineart"}, "kind: 'lineart' is unknown"),
        ({"fit": "squeeze"}, "fit: 'squeeze' is unknown"),
    ],
)
def test_wrong_inputs_of_a_patch(bench: Callable[..., Bench], given: dict[str, Any], words: str):
    ready = {name: value() if callable(value) else value for name, value in given.items()}
    own = bench(QWEN)
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        own.call(**ready)
    own.call()  # nothing of the refused run stays


@of_each([KINDS[0], QWEN])
def test_a_sampler_with_another_schedule_stops_at_its_first_step(comfy, bench: Callable[..., Bench], kind: Any):
    own = bench(kind)
    steps = comfy.call("SteerControlSteps", model=own.model, sigmas=own.sigmas(4), text="1@1-4")[0]
    guided = own.guided(steps=steps)
    with pytest.raises(
        ValueError, match=r"^steps: the sampler does not take the schedule of Control Steps, which has 4"
    ):
        own.run(guided, own.sigmas(6))
    run = own.run(guided, own.sigmas(4)[2:])  # a part of it, as of Split Sigmas
    assert len(run.ran) == 2
    with pytest.raises(ValueError, match=r"text, character 1 .*there is no step 12: sigmas has 4"):
        comfy.call("SteerControlSteps", model=own.model, sigmas=own.sigmas(4), text="1@1-12")
