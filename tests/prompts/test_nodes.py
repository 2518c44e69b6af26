"""The nodes in ComfyUI's executor: lists, axes, and errors that reach the user."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from steer.nodes.prompts.swap import WholePrompt, WordSwap, apply_swaps


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def defaults(comfy, node_id: str) -> dict[str, Any]:
    """What a fresh node on the canvas holds."""
    schema = comfy.nodes.NODE_CLASS_MAPPINGS[node_id].GET_SCHEMA()
    return {slot.id: slot.default for slot in schema.inputs if getattr(slot, "default", None) is not None}


@pytest.fixture
def encoded(comfy, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the graph's text encoder, the test's own, was given one after the other."""
    texts: list[str] = []

    class Encode:
        RETURN_TYPES = ()
        FUNCTION = "encode"
        OUTPUT_NODE = True

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"text": ("STRING", {"forceInput": True})}}

        def encode(self, text: str) -> dict[str, Any]:
            texts.append(text)
            return {}

    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestEncode", Encode)
    return texts


@pytest.mark.parametrize(("node_id", "count"), [("SteerPromptSwap", 3), ("SteerPromptTemplate", 6)])
def test_a_fresh_node_works_and_the_next_runs_once_for_each_prompt(comfy, encoded: list[str], node_id: str, count: int):
    prompt = {"prompts": node(node_id, **defaults(comfy, node_id)), "keep": node("TestEncode", text=["prompts", 0])}
    result = comfy.run(prompt)
    assert result.error is None, result.message
    assert len(set(encoded)) == len(encoded) == count
    assert encoded[0] == "gorgeous cute Austrian girl, smiling, backstreet"


def test_the_axis_makes_the_same_prompts(comfy):
    given = defaults(comfy, "SteerPromptSwap")
    prompts, axis, labels = comfy.call("SteerPromptSwap", **given)
    assert labels == ["smiling", "angry", "laughing"]
    assert axis.name == "prompt"
    assert axis.labels == tuple(labels)
    assert [apply_swaps(given["prompt"], [value]) for value in axis.values] == prompts
    assert all(isinstance(value, WordSwap) and hash(value) for value in axis.values)
    prompts, axis, labels, count = comfy.call("SteerPromptTemplate", **defaults(comfy, "SteerPromptTemplate"))
    assert count == len(prompts) == len(axis)
    assert axis.values == tuple(WholePrompt(prompt) for prompt in prompts)
    assert labels[5] == "laughing, meadows"


@pytest.mark.parametrize(
    ("node_id", "changed", "fault"),
    [
        ("SteerPromptSwap", {"find": "smilling"}, "Nearest are: 'smiling'"),
        ("SteerPromptSwap", {"swaps": " \n"}, "swaps: there are none"),
        ("SteerPromptTemplate", {"lists": "expression: a"}, "template, character 46 ('[[place]]')"),
        ("SteerPromptTemplate", {"mode": "sum"}, "mode"),
    ],
)
def test_errors_reach_the_user(comfy, encoded: list[str], node_id: str, changed: dict[str, str], fault: str):
    inputs = defaults(comfy, node_id) | changed
    graph = {"prompts": node(node_id, **inputs), "keep": node("TestEncode", text=["prompts", 0])}
    assert fault in comfy.complaint(graph)
    assert not encoded


@pytest.mark.parametrize(
    ("node_id", "changed"),
    [
        ("SteerPromptSwap", {"swaps": "angry, sad"}),
        ("SteerPromptTemplate", {"lists": "expression: smiling, angry\nplace: meadows"}),
    ],
)
def test_commas_that_may_divide_are_said_in_the_log(
    comfy, caplog: pytest.LogCaptureFixture, node_id: str, changed: dict[str, str]
):
    comfy.call(node_id, **defaults(comfy, node_id) | changed)
    assert "with its comma. For 2" in caplog.text
    caplog.clear()
    comfy.call(node_id, **defaults(comfy, node_id))
    assert "comma" not in caplog.text


def test_a_timed_prompt_makes_a_picture_of_the_demo_model(comfy):
    """Through stock nodes: both halves count, so the picture is neither of the two that one prompt makes."""
    from comfy.samplers import sampler_object
    from comfy_extras.nodes_custom_sampler import BasicScheduler

    model, clip, _ = comfy.call("SteerDemoModel")
    (sigmas,) = BasicScheduler.execute(model, "normal", 4, 1.0).result  # type: ignore
    pictures = []
    for text in ("girl, smiling", "girl, angry", "girl, [smiling:angry:0.5]", "girl, [smiling:angry:1.0]"):
        conditioning, _ = comfy.call(
            "SteerTimedSwap", clip=clip, model=model, sigmas=sigmas, text=text, time="fraction of steps"
        )
        (latent, _) = comfy.call(
            "SamplerCustom",
            model=model,
            add_noise=True,
            noise_seed=7,
            cfg=3.0,
            positive=conditioning,
            negative=clip.encode_from_tokens_scheduled(clip.tokenize("")),
            sampler=sampler_object("euler"),
            sigmas=sigmas,
            latent_image={"samples": torch.zeros(1, 4, 8, 8)},
        )
        pictures.append(latent["samples"])
    smiling, angry, timed, never = pictures
    assert torch.equal(never, smiling)
    assert min(float((timed - smiling).abs().max()), float((timed - angry).abs().max())) > 1e-3
