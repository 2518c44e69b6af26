"""The nodes in a real graph, run by ComfyUI's executor: seeds in batches, all of them as if made alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_model import sigmas_of, tiny_conditioning, tiny_guider, tiny_model

Graph = dict[str, dict[str, Any]]


@pytest.fixture
def kept(comfy, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the graph's last node received. Loader and last node are the test's own; the others are real."""
    received: list[dict[str, Any]] = []
    model = tiny_model()

    class Loader:
        RETURN_TYPES = ("MODEL", "CONDITIONING", "CONDITIONING")
        FUNCTION = "load"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {}}

        def load(self) -> tuple[Any, ...]:
            return model, tiny_conditioning(1), tiny_conditioning(2)

    class Keep:
        RETURN_TYPES = ()
        FUNCTION = "keep"
        OUTPUT_NODE = True

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"value": ("*",)}}

        @classmethod
        def VALIDATE_INPUTS(cls, input_types: dict[str, str]) -> bool:
            return True

        def keep(self, value: Any) -> dict[str, Any]:
            received.append(value)
            return {}

    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestLoader", Loader)
    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestKeep", Keep)
    return received


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def graph(text: str, sampler: str, batch_size: int, sample: str = "SamplerCustomAdvanced", **more: Any) -> Graph:
    return {
        "load": node("TestLoader"),
        "seeds": node("SteerSeeds", text=text),
        "noise": node("SteerSeededNoise", seeds=["seeds", 0], rng="ComfyUI (CPU)", variation_seed=0,
                      variation_strength=0.0, batch_size=batch_size),
        "select": node("KSamplerSelect", sampler_name=sampler),
        "sampler": node("SteerPerImageStepNoise", sampler=["select", 0], noise=["noise", 0]),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=["noise", 1]),
        "guider": node("CFGGuider", model=["load", 0], positive=["load", 1], negative=["load", 2], cfg=4.0),
        "sigmas": node("BasicScheduler", model=["load", 0], scheduler="normal", steps=3, denoise=1.0),
        "sample": node(sample, noise=["noise", 0], guider=["guider", 0], sampler=["sampler", 0],
                       sigmas=["sigmas", 0], latent_image=["latent", 0], **more),
        "keep": node("TestKeep", value=["sample", 0]),
    }  # fmt: skip


@pytest.mark.parametrize("batch_size", [0, 1, 2])
def test_seeds_in_batches_are_single_runs(comfy, kept: list[dict[str, Any]], batch_size: int):
    from comfy.samplers import sampler_object
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise

    result = comfy.run(graph("3-6, 2", "dpmpp_2m_sde", batch_size))
    assert result.error is None, result.message
    sizes = [len(latent["samples"]) for latent in kept]
    assert sizes == {0: [5], 1: [1] * 5, 2: [2, 2, 1]}[batch_size]
    model = tiny_model()
    for seed, found in zip((3, 4, 5, 6, 2), torch.cat([latent["samples"] for latent in kept]), strict=True):
        (alone, _) = comfy.call(
            "SamplerCustomAdvanced", noise=Noise_RandomNoise(seed), guider=tiny_guider(model),
            sampler=sampler_object("dpmpp_2m_sde"), sigmas=sigmas_of(model, 3),
            latent_image={"samples": torch.zeros(1, 4, 8, 8)},
        )  # fmt: skip
        expected = alone["samples"][0]
        if batch_size == 1:
            assert torch.equal(found, expected)
        assert float((found - expected).abs().max()) < 1e-4 * float(expected.abs().max())


def test_a_single_seed_can_be_typed_in(comfy, kept: list[dict[str, Any]]):
    prompt = graph("1", "euler", 0)
    prompt["noise"]["inputs"]["seeds"] = 7
    del prompt["seeds"]
    assert comfy.run(prompt).error is None
    assert len(kept[0]["samples"]) == 1


def test_reverse_diffusion_runs_once_for_each_batch(comfy, kept: list[dict[str, Any]]):
    prompt = graph("1-3", "euler", 2, "SteerReverseDiffusion", frames=3, steps="", order="noise to picture")
    prompt["keep"]["inputs"]["value"] = ["sample", 2]
    assert comfy.run(prompt).error is None
    assert [len(strip["samples"]) for strip in kept] == [6, 3]


@pytest.mark.parametrize(
    ("text", "sampler", "fault"),
    [
        ("1, x", "euler", "text, character 4 ('x'): expected a seed"),
        ("1-2", "dpm_adaptive", "'dpm_adaptive' chooses its step sizes"),
    ],
)
def test_errors_reach_the_user(comfy, kept: list[dict[str, Any]], text: str, sampler: str, fault: str):
    result = comfy.run(graph(text, sampler, 0))
    assert fault in result.message
    assert not kept


def test_seeds_gives_list_axis_count_and_text(comfy):
    seeds, axis, count, text, labels = comfy.call("SteerSeeds", text="8, random 2 from 7")
    assert labels == list(axis.labels)
    assert seeds == [8, 1390851128, 4071050724]
    assert axis.labels == ("seed 8", "seed 1390851128", "seed 4071050724")
    assert count == 3
    assert text == "8, 1390851128, 4071050724"
