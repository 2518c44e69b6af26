"""ControlNet Guide in graphs that ComfyUI's own executor runs: what it learns from them, and what it says once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from comfy_inprocess import RunResult
from control_lab import GUIDE
from steer.preprocessors.pose.people import Person
from steer.preprocessors.pose.skeleton import draw_people
from sweep_lab import Graph, node
from tiny_control import demo_controlnet, sd15_controlnet

WRONG = "this looks like a pose skeleton; the net is for Canny edges. Put Canny before it, or change the net"


class Several:
    """A node that gives a list of two skeletons, so that the node after it runs twice in one execution."""

    RETURN_TYPES = ("IMAGE",)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "give"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:
        return {"required": {"count": ("INT", {})}}

    def give(self, count: int) -> tuple[list[torch.Tensor]]:
        body = np.zeros((18, 3))
        body[:, :2], body[:, 2] = np.random.default_rng(1).uniform(8, 56, (18, 2)), 1
        skeleton = torch.from_numpy(draw_people([Person(body)], 64, 64))[None].float() / 255
        return ([skeleton] * count,)


@pytest.fixture
def run(comfy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunResult]:
    """Runs a Guide between stock loaders and a sampler. ComfyUI cannot read files so small: what its loaders read is
    replaced by the embedded model and by a ControlNet that is given."""
    import folder_paths
    from comfy import controlnet, sd
    from steer.nodes.demo.comfy_model import load_clip, load_model, load_vae

    for kind, name in (("controlnet", "sd15_canny.safetensors"), ("checkpoints", "base_model.safetensors")):
        (tmp_path / name).write_bytes(b"")
        monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, ([str(tmp_path)], {".safetensors"}))
        monkeypatch.delitem(folder_paths.filename_list_cache, kind, raising=False)
    monkeypatch.setattr(
        sd, "load_checkpoint_guess_config", lambda path, **options: (load_model(), load_clip(), load_vae(), None)
    )
    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestSeveral", Several)

    def call(net: Any, more: Graph | None = None, count: int = 1, **inputs: Any) -> RunResult:
        monkeypatch.setattr(controlnet, "load_controlnet", lambda path, *args, **options: net)
        given = {
            "positive": ["plus", 0],
            "negative": ["minus", 0],
            "control_net": ["net", 0],
            "image": ["hints", 0],
            "latent": ["latent", 0],
        }
        return comfy.run(
            {
                "model": node("CheckpointLoaderSimple", ckpt_name="base_model.safetensors"),
                "plus": node("CLIPTextEncode", clip=["model", 1], text="girl"),
                "minus": node("CLIPTextEncode", clip=["model", 1], text="sad"),
                "net": node("ControlNetLoader", control_net_name="sd15_canny.safetensors"),
                "hints": node("TestSeveral", count=count),
                "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
                "guide": {"class_type": "SteerControlNetGuide", "inputs": GUIDE | given | inputs},
                "sample": node(
                    "KSampler",
                    model=["model", 0],
                    positive=["guide", 0],
                    negative=["guide", 1],
                    latent_image=["latent", 0],
                    seed=1,
                    steps=1,
                    cfg=2.0,
                    sampler_name="euler",
                    scheduler="normal",
                    denoise=1.0,
                ),
                "decode": node("VAEDecode", samples=["sample", 0], vae=["model", 2]),
                "picture": node("PreviewImage", images=["decode", 0]),
                "report": node("PreviewAny", source=["guide", 4]),
            }
            | (more or {})
        )

    return call


def test_the_loaders_file_name_says_what_the_net_is_for(run, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        result = run(demo_controlnet())
    assert result.error is None, result.message
    report = result.outputs["report"]["text"][0].splitlines()
    assert report[0].startswith("sd15_canny.safetensors: strength 0.8")
    assert report.count(WRONG) == 1
    assert f"ControlNet Guide (sd15_canny.safetensors): {WRONG}." in caplog.text
    assert result.outputs["picture"]["images"], "it is a warning, no error"


def test_the_same_sentence_is_logged_once_in_each_run(run, comfy, caplog: pytest.LogCaptureFixture):
    for _ in range(2):
        caplog.clear()
        comfy.fresh()
        with caplog.at_level(logging.WARNING):
            result = run(demo_controlnet(), count=3)
        assert result.error is None, result.message
        assert "".join(result.outputs["report"]["text"]).count(WRONG) == 3, "every item has its own report"
        assert caplog.text.count(WRONG) == 1


def test_another_family_is_refused_before_sampling_with_both_names(run):
    result = run(sd15_controlnet(context=768))
    assert "'sd15_canny.safetensors' is made for SD 1.x" in result.message
    assert "'base_model.safetensors', of Steer's demo family" in result.message
    assert "sample" not in result.executed


def test_a_photographs_hint_at_the_embedded_net_is_warned_of(run, monkeypatch: pytest.MonkeyPatch):
    """Fine grain stands for the photograph; the net's name comes from the graph."""
    grain = (torch.rand(1, 256, 256, 3, generator=torch.Generator().manual_seed(1)) > 0.5).float()
    monkeypatch.setattr(Several, "give", lambda self, count: ([grain] * count,))
    latent = {"latent": node("EmptyLatentImage", width=256, height=256, batch_size=1)}
    for loader, warned in (("SteerDemoControlNet", True), ("ControlNetLoader", False)):
        widgets = {"kind": "canny"} if warned else {"control_net_name": "sd15_canny.safetensors"}
        result = run(demo_controlnet(), latent | {"net": {"class_type": loader, "inputs": widgets}})
        assert result.error is None, result.message
        assert ("figures may melt" in result.outputs["report"]["text"][0]) == warned
