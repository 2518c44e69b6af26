"""Which family a ControlNet is of, as far as what is loaded tells it, and the names that messages show."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from steer.nodes.control.families import MODEL, NET, check_family, name_upstream
from tiny_control import flux_controlnet


def prompt(width: int, pooled: int | None = None) -> list[Any]:
    return [[torch.ones(1, 8, width), {"pooled_output": None if pooled is None else torch.ones(1, pooled)}]]


def test_sd3_and_flux_differ_in_the_pooled_prompt(comfy):
    import comfy.cldm.dit_embedder
    import comfy.cldm.mmdit
    import comfy.ops

    ops, context = comfy.ops.disable_weight_init, {"in_features": 4096, "out_features": 64}
    sd3 = comfy.cldm.mmdit.ControlNet(
        num_blocks=1,
        control_latent_channels=16,
        in_channels=16,
        depth=1,
        adm_in_channels=2048,
        operations=ops,
        context_embedder_config={"target": "torch.nn.Linear", "params": context},
        num_patches=4,
        pos_embed_max_size=2,
    )
    sd35 = [
        comfy.cldm.dit_embedder.ControlNetEmbedder(None, 2, 16, 64, 1, 2048, 1, 1, double, None, None, operations=ops)
        for double in (False, True)
    ]
    flux = flux_controlnet()
    for network, own, other, names in (
        (sd3, 2048, 768, ("SD 3", "Flux")),
        *((each, 2048, 768, ("SD 3", "Flux")) for each in sd35),
        (flux, 768, 2048, ("Flux", "SD 3")),
    ):
        net = SimpleNamespace(control_model=network)
        check_family(net, (prompt(4096, own), [[torch.ones(1, 8, 4096), {}]]))
        empty = prompt(4096, other)
        empty[0][1]["pooled_output"].zero_()
        check_family(net, (empty,))
        with pytest.raises(ValueError, match=f"'net' is made for {names[0]} .*'model', of {names[1]} "):
            check_family(net, (prompt(4096, other),), "net", "model")
        with pytest.raises(ValueError, match=r"of Wan, Chroma or another family without pooled prompts\. Choose"):
            check_family(net, (prompt(4096),))
    with pytest.raises(ValueError, match=r"made for SD 3 .* of SDXL \(prompts of width 2048\)"):
        check_family(SimpleNamespace(control_model=sd35[0]), (prompt(2048, 1280),))


def test_t2i_adapters_tell_their_family(comfy):
    from comfy.t2i_adapter.adapter import Adapter, Adapter_light

    old, light = Adapter([8] * 4, 1, 3 * 64, xl=False), Adapter_light([8] * 4, 1, 3 * 64)
    for network, own, other, name in (
        (old, (768, 1024), 2048, "SD 1.x"),
        (light, (768,), 2048, "SD 1.x"),
        (Adapter([8] * 4, 1, 3 * 256, xl=True), (2048,), 768, "SDXL"),
    ):
        net = SimpleNamespace(t2i_model=network)
        check_family(net, [prompt(width, 1280) for width in (*own, 32)])
        with pytest.raises(ValueError, match=f"the ControlNet 'sketch' is made for {name} "):
            check_family(net, (prompt(other, 1280),), "sketch")


def test_names_come_from_the_graph_that_runs():
    graph = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "xl.safetensors"}},
        "2": {"class_type": "LoraLoader", "inputs": {"lora_name": "l", "model": ["1", 0], "clip": ["1", 1]}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["2", 1]}},
        "4": {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "canny.safetensors"}},
        "5": {"class_type": "SetUnionControlNetType", "inputs": {"control_net": ["4", 0], "type": "auto"}},
        "6": {"class_type": "SteerControlNetGuide", "inputs": {"positive": ["3", 0], "control_net": ["5", 0]}},
        "7": {"class_type": "SteerDemoControlNet", "inputs": {"kind": "mlsd"}},
        "8": {"class_type": "SteerControlNetGuide", "inputs": {"control_net": ["7", 0], "positive": ["6", 0]}},
        "9": {"class_type": "Loop", "inputs": {"positive": ["9", 0], "control_net": "no link"}},
    }
    assert name_upstream(graph.get, "6", "control_net", NET) == "canny.safetensors"
    assert name_upstream(graph.get, "8", "control_net", NET) == "Demo ControlNet mlsd"
    assert name_upstream(graph.get, "8", "positive", MODEL) == "xl.safetensors"
    assert name_upstream(graph.get, "9", "positive", MODEL) == ""
    assert name_upstream(graph.get, "9", "control_net", NET) == ""
