"""Guided ControlNets on several GPUs, by the contract of ComfyUI 0.28 (comfy/sampler_helpers.py, comfy/controlnet.py).

It asks every control of a chain for a clone with a network of its own for each further GPU, keeps the clones in
`multigpu_clones` by their device, and links them as the chain is linked. Then each GPU samples with its own chain.
ComfyUI 0.3.75 knows nothing of it: there the tests play ComfyUI's part. A second name of the processor is the GPU.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from control_lab import Lab
from steer.nodes.control.stack import Control

OTHER = torch.device("cpu", 0)


@pytest.fixture(autouse=True)
def multigpu(comfy_session, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the control objects of ComfyUI 0.28 have beyond those of 0.3.75."""
    import comfy.controlnet
    import comfy.model_patcher

    if hasattr(comfy.controlnet.ControlBase, "deepclone_multigpu"):
        return

    def deepclone_multigpu(self: Any, load_device: torch.device, autoregister: bool = False) -> Any:
        clone = self.copy()
        clone.control_model = copy.deepcopy(self.control_model)
        clone.control_model_wrapped = comfy.model_patcher.ModelPatcher(clone.control_model, load_device, load_device)
        if autoregister:
            self.multigpu_clones[load_device] = clone
        return clone

    begin = comfy.controlnet.ControlBase.__init__

    def __init__(self: Any) -> None:
        begin(self)
        self.multigpu_clones = {}

    monkeypatch.setattr(comfy.controlnet.ControlBase, "__init__", __init__)
    monkeypatch.setattr(comfy.controlnet.ControlNet, "deepclone_multigpu", deepclone_multigpu, raising=False)


def clone_chains(conds: dict[str, list[dict[str, Any]]]) -> None:
    """As ComfyUI before it samples on OTHER too: each control of the chains has its clone there, linked as it is."""
    import comfy.sampler_helpers as helpers

    if hasattr(helpers, "preprocess_multigpu_conds"):
        model = SimpleNamespace(get_additional_models_with_key=lambda key: [SimpleNamespace(load_device=OTHER)])
        helpers.preprocess_multigpu_conds(conds, model, {})
        return
    for values in (each for side in conds.values() for each in side):
        after, control = None, values["control"]
        while control is not None:
            if OTHER not in control.multigpu_clones:
                control.deepclone_multigpu(OTHER, autoregister=True)
            if after is not None:
                after.multigpu_clones[OTHER].set_previous_controlnet(control.multigpu_clones[OTHER])
            after, control = control, control.previous_controlnet


def on_other(side: list[Any]) -> list[Any]:
    """A conditioning with the controls of OTHER."""
    return [[tokens, values | {"control": values["control"].multigpu_clones[OTHER]}] for tokens, values in side]


def chain(control: Any) -> list[Any]:
    return [] if control is None else [control, *chain(control.previous_controlnet)]


@pytest.mark.parametrize("given", [{"mode": "prompt"}, {"mask": torch.rand(1, 64, 64)}], ids=["mode", "mask"])
def test_a_second_gpu_computes_the_same_with_networks_of_its_own(lab: Lab, nets, given: dict[str, Any]):
    """The first control is guided, the one before it in the chain is ComfyUI's own."""
    from steer.nodes.control.comfy_control import ShapedControl, apply_stack

    stack = (Control(nets[0], lab.hint(3), strength=0.7), Control(nets[1], lab.hint(4), end_percent=0.6, **given))
    sides = apply_stack(stack, *lab.prompts)
    clone_chains({name: [values for _, values in side] for name, side in zip("+-", sides, strict=True)})
    first = lab.run(*sides, steps=3, nets=nets)
    other = lab.run(*map(on_other, sides), steps=3, nets=nets)
    assert torch.equal(other.latent, first.latent)
    assert not torch.equal(first.latent, lab.run(*lab.prompts, steps=3).latent), "the controls change nothing"
    assert (first.calls > 0, other.calls) == (True, 0), "a network of the first GPU worked for the other"
    control = sides[0][0][1]["control"]
    mine, theirs = chain(control), chain(control.multigpu_clones[OTHER])
    assert [type(each) for each in theirs] == [type(each) for each in mine]
    assert isinstance(theirs[0], ShapedControl)
    loaded = [patcher.model for patcher in theirs[0].get_models()]
    assert len(loaded) == len(nets)
    assert not {id(net.control_model) for net in nets} & {id(network) for network in loaded}


def test_a_clone_is_registered_where_that_is_asked_for_only(lab: Lab, nets):
    from steer.nodes.control.comfy_control import apply_stack

    (side, _) = apply_stack((Control(nets[0], lab.hint(3), mode="prompt"),), *lab.prompts)
    control = side[0][1]["control"]
    control.deepclone_multigpu(OTHER)
    assert control.multigpu_clones == {}
    clone = control.deepclone_multigpu(OTHER, autoregister=True)
    assert control.multigpu_clones == {OTHER: clone}
    assert clone.multigpu_clones == {}
