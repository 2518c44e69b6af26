"""Demo Model says where a latent has not the size that it was taught, and samples as it would without."""

from __future__ import annotations

import pytest
import torch

TEXT = (
    "latent: it makes pictures of {0}, and the Demo Model was taught 256 x 256 alone. Set width and height to 256, or "
    "use a checkpoint."
)


def sample(comfy, model, clip, width: int, height: int) -> torch.Tensor:
    words = clip.encode_from_tokens_scheduled(clip.tokenize("girl"))
    empty = {"samples": torch.zeros(1, 4, height // 8, width // 8)}
    (latent,) = comfy.nodes.KSampler().sample(model, 1, 1, 1.0, "euler", "normal", words, words, empty)
    return latent["samples"]


def test_another_size_is_said_and_changes_nothing(comfy, caplog: pytest.LogCaptureFixture):
    from steer.nodes.taught_size import KEY

    model, clip, _ = comfy.call("SteerDemoModel")
    sample(comfy, model.clone(), clip, 256, 256)
    assert "taught" not in caplog.text
    warned = sample(comfy, model.clone(), clip, 128, 64)
    assert TEXT.format("128 x 64") in caplog.text
    caplog.clear()
    silent = model.clone()
    silent.remove_wrappers_with_key("outer_sample", KEY)
    assert torch.equal(sample(comfy, silent, clip, 128, 64), warned)
    assert not caplog.text


def test_it_stands_below_the_sampler_once_in_each_run(
    comfy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    from browser_texts import listen

    said = listen(monkeypatch).said
    node = lambda kind, **inputs: {"class_type": kind, "inputs": inputs}  # noqa: E731
    graph = {
        "model": node("SteerDemoModel"),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "words": node("CLIPTextEncode", clip=["model", 1], text="girl"),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["model", 2]),
        "shown": node("PreviewImage", images=["decode", 0]),
    }
    for seed in (1, 2):
        graph["sample"] = node(
            "KSampler",
            model=["model", 0],
            seed=seed,
            steps=1,
            cfg=1.0,
            sampler_name="euler",
            scheduler="normal",
            positive=["words", 0],
            negative=["words", 0],
            latent_image=["latent", 0],
            denoise=1.0,
        )
        result = comfy.run(graph)
        assert result.error is None, result.message
    assert said == [("sample", TEXT.format("64 x 64"))] * 2
    assert caplog.text.count("taught 256") == 2
