"""The pictures of a Sweep are those that ComfyUI's own nodes make alone."""

from __future__ import annotations

import inspect
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from steer.nodes.axis import Axis, Lora, prompt_axis, seed_axis
from steer.nodes.control.stack import Control
from steer.nodes.prompts.swap import WholePrompt
from sweep_lab import MOODS, PROMPT, Graph, Lab, node, value_axis
from tiny_control import demo_controlnet, sd15_controlnet

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("axis", "setting"),
    [
        (seed_axis([3, 2**64 - 1]), "seed"),
        (value_axis("cfg", 1.0, 7.5), "cfg"),
        (value_axis("steps", 1, 3), "steps"),
        (value_axis("denoise", 0.5, 1.0), "denoise"),
        (value_axis("scheduler", "karras", "simple"), "scheduler"),
        (value_axis("sampler", "euler_ancestral", "dpmpp_2m_sde", "uni_pc", "ddim", "dpm_2"), "sampler_name"),
        (prompt_axis([WholePrompt("a cat"), WholePrompt("(girl:1.3), [plain]")], ["cat", "girl"]), "positive"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_cells_are_what_ksampler_makes_alone_bit_for_bit(lab: Lab, axis: Axis, setting: str):
    pictures = lab.sweep(axis_1=axis, axis_2=MOODS) if axis.name != "prompt" else lab.sweep(axis_1=axis)
    assert len(pictures) == len(axis) * (1 if axis.name == "prompt" else 2)
    for labels, pixels in pictures.items():
        value = axis.values[axis.labels.index(labels[0])]
        changed = {setting: getattr(value, "text", value)}
        if axis.name != "prompt":
            changed["positive"] = PROMPT.replace("smiling", labels[1])
        assert (pixels == lab.stock(**changed)).all(), labels
    first, *others = pictures.values()
    assert any((first != other).any() for other in others)


@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_sde"])
def test_batches_are_the_same_pictures_within_rounding(lab: Lab, sampler: str):
    alone = lab.sweep(axis_1=seed_axis(range(8)), sampler_name=sampler)
    for size in (2, 5, 8):
        together = lab.sweep(axis_1=seed_axis(range(8)), sampler_name=sampler, batch_size=size, folder=f"b{size}")
        assert together.keys() == alone.keys()
        assert max(np.abs(together[labels] - alone[labels]).max() for labels in alone) <= 2


def test_the_noise_mask_is_kept_to(lab: Lab):
    masked: Graph = {
        "image": node("EmptyImage", width=64, height=64, batch_size=1, color=0x4080C0),
        "half": node("SolidMask", value=1.0, width=32, height=64),
        "none": node("SolidMask", value=0.0, width=64, height=64),
        "mask": node("MaskComposite", destination=["none", 0], source=["half", 0], x=0, y=0, operation="add"),
        "encoded": node("VAEEncode", pixels=["image", 0], vae=["model", 2]),
    }
    lab.latent = node("SetLatentNoiseMask", samples=["encoded", 0], mask=["mask", 0])
    graph = lab.graph(axis_1=MOODS) | masked
    assert lab.comfy.run(graph).error is None
    pictures = lab.pictures()
    for (mood,), pixels in pictures.items():
        assert (pixels == lab.stock(masked, positive=PROMPT.replace("smiling", mood))).all()
    change = np.abs(pictures[("smiling",)] - pictures[("angry",)])
    assert change[:, :24].mean() > 1
    assert change[:, 48:].mean() < 0.25
    assert change[:, 48:].max() <= 2  # the VAE looks a little beyond its own place


def test_a_control_axis_is_the_stock_chain(lab: Lab):
    net, hint = demo_controlnet(), torch.zeros(1, 64, 64, 3)
    hint[:, 16:48, 30:34] = 1.0
    pictures = lab.sweep(
        axis_1=value_axis("control strength", 0.0, 0.5),
        axis_2=value_axis("control end", 0.4, 1.0),
        control=(Control(net, hint, strength=0.9),),
    )
    lab.given |= {"net": net, "hint": hint}
    for (strength, end), pixels in pictures.items():
        chain = {
            "net": node("TestGive", name="net", version=""),
            "hint": node("TestGive", name="hint", version=""),
            "applied": node(
                "ControlNetApplyAdvanced",
                positive=["plus", 0],
                negative=["minus", 0],
                control_net=["net", 0],
                image=["hint", 0],
                strength=float(strength.split()[-1]),
                start_percent=0.0,
                end_percent=float(end.split()[-1]),
            ),
        }
        links = {"positive": ["applied", 0], "negative": ["applied", 1]}
        assert (pixels == lab.stock(chain, links)).all(), (strength, end)
    assert len({pixels.tobytes() for pixels in pictures.values()}) == 3, "strength 0 is the same twice"


def test_a_control_made_for_another_latent_is_refused_before_anything_is_made(
    lab: Lab, caplog: pytest.LogCaptureFixture
):
    """ComfyUI would take the first of several hints, and the middle of one of another shape."""
    net, hint = demo_controlnet(), torch.zeros(1, 64, 64, 3)
    several = lab.refused(axis_1=MOODS, control=(Control(net, hint), Control(net, hint.repeat(4, 1, 1, 1), name="b")))
    assert "control: there are 4 hints of 'b', and the latent is one picture" in several
    masked = lab.refused(axis_1=MOODS, control=(Control(net, hint, mask=torch.ones(2, 64, 64)),))
    assert "control: there are 2 masks, and the latent is one picture" in masked
    wide = lab.refused(axis_1=MOODS, control=(Control(net, torch.zeros(1, 64, 96, 3), name="canny"),))
    assert "the hint of 'canny' is 96x64, and the latent makes a picture of 64x64, of another shape" in wide
    assert "Connect the same latent to latent of the ControlNet Guide" in wide
    assert not (lab.output / "s").exists()
    with caplog.at_level(logging.WARNING):
        assert len(lab.sweep(axis_1=MOODS, control=(Control(net, torch.zeros(1, 128, 128, 3)),))) == 2
    assert "the hint is 128x128, and the latent makes a picture of 64x64: ComfyUI resizes it" in caplog.text


def test_a_checkpoint_of_another_family_than_the_control_is_reported_with_both_names(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Not by the shapes of matrices: that cell is a blank with the reason, the others are made."""
    import comfy.sd
    from steer.nodes.demo.comfy_model import load_clip, load_model, load_vae

    class Wide:
        """A text encoder of SDXL's width."""

        def __getattr__(self, name: str) -> Any:
            return getattr(clip, name)

        def encode_from_tokens_scheduled(self, tokens: Any, *args: Any, **options: Any) -> Any:
            return [[torch.zeros(1, 77, 2048), {"pooled_output": torch.zeros(1, 1280)}]]

    clip, folder = load_clip(), models(tmp_path / "checkpoints", "checkpoints", monkeypatch)
    for name in ("own", "xl"):
        (folder / f"{name}.safetensors").write_bytes(name.encode())
    monkeypatch.setattr(
        comfy.sd,
        "load_checkpoint_guess_config",
        lambda path, **options: (load_model(), Wide() if "xl" in path else clip, load_vae(), None),
    )
    axis = Axis("checkpoint", ("own.safetensors", "xl.safetensors"), ("own", "xl"))
    control = Control(demo_controlnet(), torch.zeros(1, 64, 64, 3), name="Demo ControlNet canny")
    wrong = Control(sd15_controlnet(context=768), torch.zeros(1, 64, 64, 3))
    assert "made for SD 1.x (prompts of width 768), but the prompt comes from 'Demo Model'" in lab.refused(
        axis_1=MOODS, control=(wrong,), folder="wrong"
    )
    assert list(lab.sweep(axis_1=axis, control=(control,))) == [("own",)]
    manifest = (lab.output / "s" / "manifest.jsonl").read_text()
    assert "control: the ControlNet 'Demo ControlNet canny' is made for Steer's demo family" in manifest
    assert "the prompt comes from 'xl.safetensors', of SDXL" in manifest
    off = value_axis("control strength", 0.0)
    assert len(lab.sweep(axis_1=MOODS, axis_2=off, control=(wrong,), folder="off")) == 2, "one that is left out is fine"


def test_only_batches_that_keep_every_picture_its_own_are_made(lab: Lab):
    """Else the maker falls back to one picture at a time, whatever batch_size says."""
    from steer.nodes.demo.comfy_model import load_model
    from steer.nodes.sweep.plan.cells import Settings
    from steer.nodes.sweep.plan.inputs import SweepInputs
    from steer.nodes.sweep.run.comfy_pictures import PictureMaker

    def size(wanted: int = 4, sampler: str = "euler", control: Any = None, **latent: Any) -> int:
        given = SweepInputs(load_model(), None, None, {"samples": torch.zeros(1, 4, 8, 8)} | latent, control)
        maker = PictureMaker(given, lambda share, preview: None, wanted)
        return maker.batch_size(Settings("", "", 0, 1, 1.0, sampler, "normal", 1.0))

    mask, hint = torch.ones(1, 8, 8), torch.zeros(1, 8, 8, 3)
    assert [size(), size(sampler="ddim"), size(noise_mask=mask), size(control=(Control(None, hint),))] == [4] * 4
    assert size(wanted=0) == 1, "on a processor"
    assert size(sampler="dpm_adaptive") == 1
    assert size(sampler="ddim", noise_mask=mask) == 1
    assert size(noise_mask=mask.repeat(2, 1, 1)) == 1
    assert size(control=(Control(None, hint.repeat(2, 1, 1, 1)),)) == 1
    assert size(control=(Control(None, hint, mask=mask.repeat(2, 1, 1)),)) == 1


def test_an_empty_latent_of_another_scale_becomes_that_of_the_model(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    """As newer ComfyUIs do it: their empty latents say the scale they were made for, and KSampler hands it on."""
    import comfy.sample
    from steer.nodes.demo.comfy_model import load_model
    from steer.nodes.sweep.plan.inputs import SweepInputs
    from steer.nodes.sweep.run.comfy_pictures import predict_size

    def spacial(model: Any, latent_image: torch.Tensor, downscale_ratio_spacial: float | None = None) -> torch.Tensor:
        ratio = (downscale_ratio_spacial or 8) / 8
        return torch.nn.functional.interpolate(latent_image, scale_factor=ratio) if ratio != 1 else latent_image

    def both(
        model: Any,
        latent_image: torch.Tensor,
        downscale_ratio_spacial: float | None = None,
        downscale_ratio_temporal: float | None = None,
    ) -> torch.Tensor:
        scales.append(downscale_ratio_temporal)
        return spacial(model, latent_image, downscale_ratio_spacial)

    scales: list[float | None] = []
    stock = lab.stock()
    latent: dict[str, Any] = {"samples": torch.zeros(1, 4, 4, 4), "downscale_ratio_spacial": 16}
    lab.given["empty"] = latent
    knows_ratio = "downscale_ratio_spacial" in inspect.signature(comfy.sample.fix_empty_latent_channels).parameters
    installed = 64 if knows_ratio else 32
    for name, fix, side in (("installed", None, installed), ("spacial", spacial, 64), ("both", both, 64)):
        latent.pop("downscale_ratio_temporal", None)
        if fix is not None:
            latent["downscale_ratio_temporal"] = 4
            monkeypatch.setattr(comfy.sample, "fix_empty_latent_channels", fix)
        lab.latent = node("TestGive", name="empty", version=name)
        (pixels,) = lab.sweep(folder=name).values()
        assert pixels.shape == (side, side, 3), name
        assert side == 32 or (pixels == stock).all(), "it is what the latent of the right scale makes"
    assert predict_size(SweepInputs(load_model(), None, None, latent)) == (64, 64)
    assert set(scales) == {4}


def models(folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder for models of a kind."""
    import folder_paths

    monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, ([str(folder)], {".safetensors"}))
    monkeypatch.delitem(folder_paths.filename_list_cache, kind, raising=False)
    folder.mkdir()
    return folder


def test_a_lora_axis_is_the_stock_loader(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from small_lora import write_lora

    folder = models(tmp_path / "loras", "loras", monkeypatch)
    write_lora(folder / "wild.safetensors")
    save_file({"other.lora_up.weight": torch.ones(2, 2)}, folder / "alien.safetensors")
    values = (None, Lora("wild.safetensors", 0.5), Lora("wild.safetensors", 1.0), Lora("alien.safetensors"))
    pictures = lab.sweep(axis_1=Axis("LoRA", values, ("none", "0.5", "1.0", "alien")), axis_2=MOODS)
    assert len(pictures) == 6, "the LoRA of another family makes blanks, not pictures without it"
    assert "nothing of it fits the model" in (lab.output / "s" / "manifest.jsonl").read_text()
    for (strength, mood), pixels in pictures.items():
        loader = (
            node(
                "LoraLoader",
                model=["model", 0],
                clip=["model", 1],
                lora_name="wild.safetensors",
                strength_model=float(strength),
                strength_clip=float(strength),
            )
            if strength != "none"
            else None
        )
        links: dict[str, Any] = {"model": ["lora", 0], "clip": ["lora", 1]} if loader else {}
        stock = lab.stock({"lora": loader} if loader else {}, links, positive=PROMPT.replace("smiling", mood))
        assert (pixels == stock).all(), (strength, mood)
    assert len({pixels.tobytes() for pixels in pictures.values()}) == 6


def test_a_checkpoint_axis_loads_each_once_and_uses_all_of_it(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Stock ComfyUI cannot read a checkpoint this small: its loader is replaced by one of the embedded model."""
    import comfy.sd
    from steer.nodes.demo.comfy_model import load_clip, load_model, load_vae

    folder = models(tmp_path / "checkpoints", "checkpoints", monkeypatch)
    loaded: list[str] = []

    def load(path: str, **options: Any) -> tuple[Any, ...]:
        loaded.append(Path(path).stem)
        model = load_model()
        if loaded[-1] == "other":
            with torch.no_grad():
                model.model.diffusion_model.out[2].bias.add_(0.3)
        return model, load_clip(), load_vae(), None

    monkeypatch.setattr(comfy.sd, "load_checkpoint_guess_config", load)
    for name in ("same", "other"):
        (folder / f"{name}.safetensors").write_bytes(name.encode())
    axes = {
        "axis_1": seed_axis([1, 2]),
        "axis_2": Axis("checkpoint", ("same.safetensors", "other.safetensors"), ("same", "other")),
    }
    pictures = lab.sweep(**axes)
    assert loaded == ["same", "other"]
    for seed in (1, 2):
        stock = lab.stock(seed=seed)
        assert (pictures[(f"seed {seed}", "same")] == stock).all()
        assert (pictures[(f"seed {seed}", "other")] != stock).any()
    (folder / "other.safetensors").write_bytes(b"a new version of it")
    lab.sweep(**axes)
    assert loaded == ["same", "other", "other"], "a file that changed makes its own cells anew, and no others"


def test_sampler_and_sigmas_override_the_widgets(lab: Lab):
    import comfy.samplers

    sigmas = comfy.samplers.calculate_sigmas(_sampling(), "karras", 3)
    pictures = lab.sweep(axis_1=MOODS, sampler=comfy.samplers.sampler_object("heun"), sigmas=sigmas)
    for (mood,), pixels in pictures.items():
        stock = lab.stock(positive=PROMPT.replace("smiling", mood), sampler_name="heun", scheduler="karras", steps=3)
        assert (pixels == stock).all()


def _sampling() -> Any:
    from steer.nodes.demo.comfy_model import load_model

    return load_model().get_model_object("model_sampling")


def test_timed_prompts_switch_after_their_step(lab: Lab):
    """With all switches after the last step or before the first, the picture is that of one prompt alone."""
    times = Axis("switch time", ("0.0", "0.5", "4"), ("first", "middle", "last"))
    pictures = lab.sweep(axis_1=times, positive="girl, [smiling:angry:0.3], backstreet", steps=4)
    first, last = (lab.stock(positive=PROMPT.replace("smiling", mood), steps=4) for mood in ("angry", "smiling"))
    assert (pictures[("first",)] == first).all()
    assert (pictures[("last",)] == last).all()
    timed = {
        "sigmas": node("BasicScheduler", model=["model", 0], scheduler="normal", steps=4, denoise=1.0),
        "timed": node(
            "SteerTimedSwap",
            clip=["model", 1],
            model=["model", 0],
            sigmas=["sigmas", 0],
            text="girl, [smiling:angry:0.5], backstreet",
            time="fraction of steps",
        ),
    }
    middle = lab.stock(timed, {"positive": ["timed", 0]}, steps=4)
    assert (pictures[("middle",)] == middle).all()
    assert (middle != first).any()
    assert (middle != last).any()
