"""Axes of diffusion models, text encoders, VAEs, CLIP skip and Flux guidance: bit for bit what stock nodes make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from steer.nodes.axis import Axis, EncoderFiles, seed_axis
from sweep_lab import MOODS, PROMPT, Lab, node, value_axis
from zoo.encoders import clip_of
from zoo.families import BY_NAME, FLUX, SD3, build, forget, known_flux
from zoo.vaes import vae_of

pytestmark = pytest.mark.slow
FILES = {"diffusion_models": ("a", "b"), "vae": ("bright", "dark"), "text_encoders": ("clip_l", "t5", "qwen")}
SHIFT = {"class_type": "ModelSamplingSD3", "inputs": {"model": ["unet", 0], "shift": 5.0}}


@pytest.fixture(scope="module", autouse=True)
def _forget_models():
    yield
    forget()


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Own folders of models, with an empty file for each name."""
    import folder_paths

    for kind, names in FILES.items():
        (tmp_path / kind).mkdir()
        for name in names:
            (tmp_path / kind / f"{name}.safetensors").write_bytes(name.encode())
        monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, ([str(tmp_path / kind)], {".safetensors"}))
        monkeypatch.delitem(folder_paths.filename_list_cache, kind, raising=False)
    return tmp_path


def write_network(network: torch.nn.Module, path: Path, prefix: str = "") -> None:
    save_file({prefix + name: weight.contiguous() for name, weight in network.state_dict().items()}, path)


def named(kind: str, *names: str) -> Axis:
    return Axis(kind, tuple(f"{name}.safetensors" for name in names), names)


def change(part: Any, by: float) -> Any:
    """The embedded model or text encoder with other weights."""
    with torch.no_grad():
        if hasattr(part, "model"):
            part.model.diffusion_model.out[2].bias.add_(by)
        else:
            named = dict(part.cond_stage_model.named_parameters())
            named[next(name for name in named if name.endswith("token_embedding.weight"))].mul_(1 + by)
    return part


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, files: Path) -> list[Any]:
    """What ComfyUI's loaders read, each a changed embedded model: stock ComfyUI cannot read one this small."""
    import comfy.sd
    from steer.nodes.demo.comfy_model import load_clip, load_model

    seen: list[Any] = []

    def load_diffusion_model(path: str, model_options: dict[str, Any]) -> Any:
        seen.append((Path(path).stem, *model_options))
        return change(load_model(), 0.2 if "b" in Path(path).stem else 0.0)

    def load_clip_files(ckpt_paths: list[str], clip_type: Any, **options: Any) -> Any:
        names = tuple(Path(path).stem for path in ckpt_paths)
        seen.append((*names, clip_type.name.lower()))
        return change(load_clip(), 0.1 * len(names) if "clip_l" in names else 0.3)

    monkeypatch.setattr(comfy.sd, "load_diffusion_model", load_diffusion_model)
    monkeypatch.setattr(comfy.sd, "load_clip", load_clip_files)
    return seen


def test_files_read_by_comfyui_itself_with_the_shift_between_kept(lab: Lab, files: Path):
    """SD 3 at toy size passes for a real file of ComfyUI's loaders, as TAESD does for a VAE."""
    family = BY_NAME["SD 3.5"]
    for name, seed in (("a", 0), ("b", 1)):
        model = build("SD3", SD3, seed).model.diffusion_model
        write_network(model, files / "diffusion_models" / f"{name}.safetensors")
    decoder = vae_of(family).first_stage_model
    for name, bias in (("bright", 0.2), ("dark", -0.2)):
        with torch.no_grad():
            decoder.taesd_decoder[-1].bias.fill_(bias)
        write_network(decoder, files / "vae" / f"{name}.safetensors")
    lab.given["clip"] = clip_of(family)
    start = {
        "unet": node("UNETLoader", unet_name="a.safetensors", weight_dtype="default"),
        "shift": SHIFT,
        "clip": node("TestGive", name="clip", version=""),
        "vae": node("VAELoader", vae_name="dark.safetensors"),
    }
    links = {"model": ["shift", 0], "clip": ["clip", 0], "vae": ["vae", 0]}
    lab.latent = node("EmptySD3LatentImage", width=64, height=64, batch_size=1)
    graph = lab.graph(axis_1=named("VAE", "bright", "dark"), axis_2=named("diffusion model", "b", "a")) | start
    graph["sweep"]["inputs"] |= links
    result = lab.comfy.run(graph)
    assert result.error is None, result.message
    pictures = lab.pictures()
    for (vae, unet), pixels in pictures.items():
        start["unet"]["inputs"]["unet_name"] = f"{unet}.safetensors"
        start["vae"]["inputs"]["vae_name"] = f"{vae}.safetensors"
        stock = lab.stock(start | {"model": node("SteerDemoModel")}, links | {"vae": ["vae", 0]})
        assert (pixels == stock).all(), (vae, unet)
    assert len({pixels.tobytes() for pixels in pictures.values()}) == 4
    graph["shift"] = SHIFT | {"inputs": SHIFT["inputs"] | {"shift": 1.0}}
    assert lab.comfy.run(graph).error is None
    assert len(list((lab.output / "s").glob("*.png"))) == 8, "another shift is another picture"


def test_each_file_is_loaded_once_as_the_connected_loader_is_set(lab: Lab, loaded: list[Any]):
    encoders = Axis(
        "text encoder",
        ("qwen.safetensors", EncoderFiles(("clip_l.safetensors", "t5.safetensors"), "flux")),
        ("qwen", "clip_l + t5"),
    )
    graph = lab.graph(axis_1=MOODS, axis_2=encoders, axis_3=named("diffusion model", "a", "b"))
    start = {
        "unet": node("UNETLoader", unet_name="a.safetensors", weight_dtype="fp8_e4m3fn"),
        "clip": node("CLIPLoader", clip_name="qwen.safetensors", type="qwen_image", device="default"),
    }
    links = {"model": ["unet", 0], "clip": ["clip", 0]}
    graph |= start
    graph["sweep"]["inputs"] |= links
    result = lab.comfy.run(graph)
    assert result.error is None, result.message
    qwen, flux = ("qwen", "qwen_image"), ("clip_l", "t5", "flux")
    # The connected ones first. Then each diffusion model once, outside of the text encoders.
    connected = [("a", "dtype"), qwen]
    assert sorted(loaded[:2]) == sorted(connected)
    assert loaded[2:] == [("a", "dtype"), qwen, flux, ("b", "dtype"), qwen, flux]
    start["clip"] = node(
        "DualCLIPLoader", clip_name1="clip_l.safetensors", clip_name2="t5.safetensors", type="flux", device="default"
    )
    start["unet"]["inputs"]["unet_name"] = "b.safetensors"
    stock = lab.stock(start, links, positive=PROMPT.replace("smiling", "angry"))
    pictures = lab.pictures()
    assert (pictures[("angry", "clip_l + t5", "b")] == stock).all()
    assert len({pixels.tobytes() for pixels in pictures.values()}) == 8


def test_a_changed_file_makes_its_own_cells_anew_and_a_changed_loader_none(lab: Lab, loaded: list[Any], files: Path):
    axes = {"axis_1": named("diffusion model", "a", "b")}
    graph = lab.graph(**axes) | {"unet": node("UNETLoader", unet_name="a.safetensors", weight_dtype="default")}
    graph["sweep"]["inputs"]["model"] = ["unet", 0]

    def count() -> int:
        result = lab.comfy.run(graph)
        assert result.error is None, result.message
        return len(list((lab.output / "s").glob("*.png")))

    assert count() == 2
    graph["unet"]["inputs"]["unet_name"] = "b.safetensors"
    assert count() == 2
    (files / "diffusion_models" / "a.safetensors").write_bytes(b"trained again")
    lab.comfy.fresh()  # the axis is no Value Axis here, which would say that its files changed
    assert count() == 3


def test_clip_skip_is_the_stock_node_behind_a_lora_or_not(lab: Lab):
    pictures = lab.sweep(axis_1=value_axis("CLIP skip", 1, 2), axis_2=seed_axis([5, 6]))
    for (label, seed), pixels in pictures.items():
        skip = {"skip": node("CLIPSetLastLayer", clip=["model", 1], stop_at_clip_layer=-int(label[-1]))}
        assert (pixels == lab.stock(skip, {"clip": ["skip", 0]}, seed=int(seed[-1]))).all(), label
    assert len({pixels.tobytes() for pixels in pictures.values()}) == 4


def test_guidance_is_flux_guidance_behind_the_positive_prompt(lab: Lab):
    family = BY_NAME["Flux.1"]
    given = {"flux": family.model(), "clip": clip_of(family), "vae": vae_of(family)}
    lab.given |= given
    start = {name: node("TestGive", name=name, version="") for name in given}
    links = {"model": ["flux", 0], "clip": ["clip", 0], "vae": ["vae", 0]}
    lab.latent = node("EmptySD3LatentImage", width=64, height=64, batch_size=1)
    graph = lab.graph(axis_1=value_axis("Flux guidance", 1.0, 4.5)) | start
    graph["sweep"]["inputs"] |= links
    result = lab.comfy.run(graph)
    assert result.error is None, result.message
    pictures = lab.pictures()
    for (label,), pixels in pictures.items():
        guided = node("FluxGuidance", conditioning=["plus", 0], guidance=float(label.split()[-1]))
        stock = lab.stock(start | {"guided": guided}, links | {"positive": ["guided", 0]})
        assert (pixels == stock).all(), label
    assert len({pixels.tobytes() for pixels in pictures.values()}) == 2
    lab.given["flux"] = build("FluxSchnell", known_flux(FLUX | {"guidance_embed": False}))
    graph["flux"]["inputs"]["version"] = "schnell"
    assert "(Flux) takes no such guidance" in lab.comfy.run(graph).message


def test_what_cannot_be_is_refused_before_any_picture(lab: Lab, loaded: list[Any]):
    unets = named("diffusion model", "a", "b")
    merged = lab.graph(axis_1=unets) | {
        "unet": node("UNETLoader", unet_name="a.safetensors", weight_dtype="default"),
        "merge": node("ModelMergeSimple", model1=["unet", 0], model2=["unet", 0], ratio=0.5),
    }
    merged["sweep"]["inputs"]["model"] = ["merge", 0]
    message = lab.comfy.run(merged).message
    assert "before the input model stands ModelMergeSimple (node merge)" in message
    assert "use Sweep Graph" in message
    cases: list[tuple[str, dict[str, Any]]] = [
        ("a checkpoint brings its own model", {"axis_1": unets, "axis_2": value_axis("checkpoint", "x.ckpt")}),
        ("nothing says the type of 'qwen.safetensors'", {"axis_1": named("text encoder", "qwen")}),
        (
            "'qwn' is no type of text encoder",
            {"axis_1": Axis("text encoder", (EncoderFiles(("qwen.safetensors",), "qwn"),), ("qwen",))},
        ),
        ("takes no such guidance", {"axis_1": value_axis("Flux guidance", 1.0, 2.0)}),
        ("diffusion model: ComfyUI has no 'c.safetensors'", {"axis_1": named("diffusion model", "c")}),
        ("VAE: ComfyUI has no 'c.safetensors'", {"axis_1": named("VAE", "c")}),
    ]
    for words, axes in cases:
        if "checkpoint" in words:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("steer.nodes.sweep.plan.comfy_plan._check_names", lambda axes: None)
                message = lab.refused(**axes)
        else:
            message = lab.refused(**axes)
        assert words in message, message
