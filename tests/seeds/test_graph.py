"""The nodes in a real graph, run by ComfyUI's executor: seeds in batches, all of them as if made alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tiny_model import sigmas_of, tiny_conditioning, tiny_guider, tiny_model

Graph = dict[str, dict[str, Any]]


@pytest.fixture
def received(comfy, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the graph's last node received. Loader, last node and decoder are the test's own; the others are real."""
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

    class Show:
        RETURN_TYPES = ("IMAGE",)
        FUNCTION = "show"

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"samples": ("LATENT",)}}

        def show(self, samples: dict[str, torch.Tensor]) -> tuple[torch.Tensor]:
            return (samples["samples"][:, :3].movedim(1, -1).clamp(0.0, 1.0),)

    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestShow", Show)
    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestLoader", Loader)
    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestKeep", Keep)
    return received


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def graph(text: str, sampler: str, batch_size: int, sample: str = "SamplerCustomAdvanced", **more: Any) -> Graph:
    return {
        "load": node("TestLoader"),
        "seeds": node("SteerSeeds", text=text),
        "noise": node(
            "SteerSeededNoise",
            seeds=["seeds", 0],
            rng="ComfyUI (CPU)",
            variation_seed=0,
            variation_strength=0.0,
            batch_size=batch_size,
        ),
        "select": node("KSamplerSelect", sampler_name=sampler),
        "sampler": node("SteerPerImageStepNoise", sampler=["select", 0], noise=["noise", 0]),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=["noise", 1]),
        "guider": node("CFGGuider", model=["load", 0], positive=["load", 1], negative=["load", 2], cfg=4.0),
        "sigmas": node("BasicScheduler", model=["load", 0], scheduler="normal", steps=3, denoise=1.0),
        "sample": node(
            sample,
            noise=["noise", 0],
            guider=["guider", 0],
            sampler=["sampler", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
            **more,
        ),
        "keep": node("TestKeep", value=["sample", 0]),
    }


def alone(comfy, seed: int, sampler: str) -> torch.Tensor:
    """The picture latent [C, H, W] of a stock run of one seed."""
    from comfy.samplers import sampler_object
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise

    model = tiny_model()
    (output, _) = comfy.call(
        "SamplerCustomAdvanced",
        noise=Noise_RandomNoise(seed),
        guider=tiny_guider(model),
        sampler=sampler_object(sampler),
        sigmas=sigmas_of(model, 3),
        latent_image={"samples": torch.zeros(1, 4, 8, 8)},
    )
    return output["samples"][0]


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [0, 1, 2])
def test_seeds_in_batches_are_single_runs(comfy, received: list[dict[str, Any]], batch_size: int):
    result = comfy.run(graph("3-6, 2", "dpmpp_2m_sde", batch_size))
    assert result.error is None, result.message
    sizes = [len(latent["samples"]) for latent in received]
    assert sizes == {0: [5], 1: [1] * 5, 2: [2, 2, 1]}[batch_size]
    for seed, found in zip((3, 4, 5, 6, 2), torch.cat([latent["samples"] for latent in received]), strict=True):
        expected = alone(comfy, seed, "dpmpp_2m_sde")
        if batch_size == 1:
            assert torch.equal(found, expected)
        assert float((found - expected).abs().max()) < 1e-4 * float(expected.abs().max())


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "dpmpp_2m_sde"])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_ladder_leads_from_one_seeds_picture_to_the_others(
    comfy, received: list[dict[str, Any]], sampler: str, batch_size: int
):
    """Step noise is turned too, so both ends are the pictures of the two seeds for stochastic samplers as well."""
    prompt = graph("3-4", sampler, batch_size)
    prompt["noise"]["inputs"] |= {"variation_seed": 9, "ladder": "0-1[3]"}
    assert comfy.run(prompt).error is None
    found = torch.cat([latent["samples"] for latent in received])
    assert len(found) == 6
    ends = {seed: alone(comfy, seed, sampler) for seed in (3, 4, 9)}
    small = 1e-4 * float(ends[9].abs().max())
    for row, seed in ((found[:3], 3), (found[3:], 4)):
        for picture, end in ((row[0], seed), (row[2], 9)):
            assert torch.equal(picture, ends[end]) or (
                batch_size > 1 and float((picture - ends[end]).abs().max()) < small
            )
            assert float((row[1] - ends[end]).abs().max()) > 100 * small, "it is in between"


def test_a_ladder_has_a_caption_for_each_picture_of_all_batches(comfy, received: list[dict[str, Any]]):
    prompt = graph("3-4", "euler", 4)
    prompt["noise"]["inputs"] |= {"variation_seed": 9, "ladder": "0, 0.25, 1"}
    prompt["show"] = node("TestShow", samples=["sample", 0])
    prompt["sheet"] = node(
        "SteerContactSheet",
        images=["show", 0],
        labels=["noise", 2],
        title="",
        columns=3,
        column_labels="",
        row_labels="",
        cell_size=64,
        gap=8,
        font_size=0,
        theme="light",
        only_differences=False,
        max_megapixels=4.0,
    )
    prompt["keep"]["inputs"]["value"] = ["sheet", 0]
    result = comfy.run(prompt)
    assert result.error is None, result.message
    (sheet,) = received
    assert len(sheet) == 1
    prompt["keep"]["inputs"]["value"] = ["noise", 2]
    assert comfy.run(prompt).error is None
    assert received[1:] == ["seed 3", "seed 3 + 0.25 of 9", "seed 9", "seed 4", "seed 4 + 0.25 of 9", "seed 9"]


def test_a_single_seed_can_be_typed_in(comfy, received: list[dict[str, Any]]):
    prompt = graph("1", "euler", 0)
    prompt["noise"]["inputs"]["seeds"] = 7
    del prompt["seeds"]
    assert comfy.run(prompt).error is None
    assert len(received[0]["samples"]) == 1


def test_reverse_diffusion_runs_once_for_each_batch(comfy, received: list[dict[str, Any]]):
    prompt = graph("1-3", "euler", 2, "SteerReverseDiffusion", frames=3, steps="", order="noise to picture")
    prompt["keep"]["inputs"]["value"] = ["sample", 2]
    assert comfy.run(prompt).error is None
    assert [len(strip["samples"]) for strip in received] == [6, 3]


@pytest.mark.parametrize(
    ("text", "sampler", "fault"),
    [
        ("1, x", "euler", "text, character 4 ('x'): expected a seed"),
        ("1-2", "dpm_adaptive", "'dpm_adaptive' chooses its step sizes"),
    ],
)
def test_errors_reach_the_user(comfy, received: list[dict[str, Any]], text: str, sampler: str, fault: str):
    result = comfy.run(graph(text, sampler, 0))
    assert fault in result.message
    assert not received


def test_seeds_gives_list_axis_count_and_text(comfy):
    seeds, axis, count, text, labels = comfy.call("SteerSeeds", text="8, random 2 from 7")
    assert labels == list(axis.labels)
    assert seeds == [8, 1390851128, 4071050724]
    assert axis.labels == ("seed 8", "seed 1390851128", "seed 4071050724")
    assert count == 3
    assert text == "8, 1390851128, 4071050724"
