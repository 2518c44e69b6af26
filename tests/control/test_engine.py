"""Control stacks inside ComfyUI's sampler, against its own ControlNetApplyAdvanced and against the rules."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from control_lab import Lab
from steer.nodes.control.modes import DECAY, shape_residuals, weigh_residuals
from steer.nodes.control.stack import Control, ControlStack, with_values
from tiny_control import inpainting_controlnet

RESIDUALS = {"sd15": 13, "canny": 7, "mlsd": 7, "openpose": 7}  # the last three are the ones that Steer ships


def apply_stack(stack: ControlStack, positive: Any, negative: Any) -> tuple[Any, Any]:
    from steer.nodes.control import comfy_control  # needs ComfyUI, which the fixtures start

    return comfy_control.apply_stack(stack, positive, negative)


@pytest.fixture(params=RESIDUALS)
def bench(request: pytest.FixtureRequest) -> tuple[Lab, Any, int]:
    """A lab, a net for it, and how many residuals that net has."""
    if request.param == "sd15":
        return request.getfixturevalue("lab"), request.getfixturevalue("nets")[0], 13
    from steer.nodes.demo.comfy_model import load_controlnet

    return request.getfixturevalue("demo_lab"), load_controlnet(request.param), RESIDUALS[request.param]


def stock(lab: Lab, *entries: Control) -> tuple[Any, Any]:
    import nodes

    positive, negative = lab.prompts
    for entry in entries:
        positive, negative = nodes.ControlNetApplyAdvanced().apply_controlnet(
            positive, negative, entry.net, entry.hint, entry.strength, entry.start_percent, entry.end_percent
        )
    return positive, negative


def same(a: Any, b: Any) -> bool:
    return (
        torch.equal(a.latent, b.latent)
        and len(a.steps) == len(b.steps)
        and all(
            len(x.tensors) == len(y.tensors) and all(map(torch.equal, x.tensors, y.tensors))
            for x, y in zip(a.steps, b.steps, strict=True)
        )
    )


def test_balanced_is_the_stock_node_bit_for_bit(bench):
    lab, net, count = bench
    control = Control(net, lab.hint(3), strength=0.8)
    ours, theirs = lab.run(*apply_stack((control,), *lab.prompts)), lab.run(*stock(lab, control))
    assert same(ours, theirs)
    assert [len(step.tensors) for step in ours.steps] == [count] * 2
    assert not torch.equal(ours.latent, lab.run(*lab.prompts).latent)
    ((_, values),) = apply_stack((control,), *lab.prompts)[0]
    assert type(values["control"]) is type(net), "nothing is put around it"


@pytest.mark.slow
@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (0.4, 1.0), (0.25, 0.75)])
def test_start_and_end_are_the_stock_nodes(lab: Lab, nets, start: float, end: float):
    control = Control(nets[0], lab.hint(3), start_percent=start, end_percent=end)
    given = {"steps": 5, "nets": nets[:1]}
    theirs = lab.run(*stock(lab, control), **given)
    active = [bool(step.tensors) for step in theirs.steps]
    assert True in active
    assert False in active
    assert same(lab.run(*apply_stack((control,), *lab.prompts), **given), theirs)
    for values in ({"mode": "prompt"}, {"mask": torch.ones(1, 64, 64)}):
        wrapped = lab.run(*apply_stack(with_values((control,), **values), *lab.prompts), **given)
        assert [bool(step.tensors) for step in wrapped.steps] == active
        assert wrapped.calls == theirs.calls == sum(active), "outside its range the network is not run"


def test_two_chained_are_two_stock_nodes(lab: Lab, nets):
    stack = (Control(nets[0], lab.hint(3), strength=0.7), Control(nets[1], lab.hint(4), end_percent=0.6))
    assert same(lab.run(*apply_stack(stack, *lab.prompts), steps=3), lab.run(*stock(lab, *stack), steps=3))


@pytest.mark.parametrize("mode", ["prompt", "control"])
def test_modes_weigh_each_residual_by_the_rule(bench, mode: str):
    lab, net, count = bench
    control = Control(net, lab.hint(3), strength=0.9)
    positive, negative = apply_stack((control,), *lab.prompts)
    balanced = lab.run(positive, negative if mode == "prompt" else lab.prompts[1], steps=1)
    run = lab.run(*apply_stack(with_values((control,), mode=mode), *lab.prompts), steps=1, nets=(net,))
    if mode == "prompt":
        (step,), (whole,) = run.steps, balanced.steps
        assert step.sides == whole.sides, "both sides stay in one batch"
    else:
        (step, other), (whole, _) = (sorted(each.steps, key=lambda step: step.sides) for each in (run, balanced))
        assert step.sides == whole.sides == [0]
        assert other.tensors == [], "nothing reaches the negative side"
    assert run.calls == 1
    assert len(step.tensors) == count
    for index, (got, plain) in enumerate(zip(step.tensors, whole.tensors, strict=True)):
        assert bool(plain.any())
        assert torch.equal(got, plain * 0.825 ** (count - 1 - index))
    assert torch.equal(step.tensors[-1], whole.tensors[-1]), "the middle one keeps its strength"


def test_the_rule_for_any_number_of_residuals():
    assert weigh_residuals(13, "prompt")[0] == DECAY**12
    assert weigh_residuals(10, "control") == [DECAY ** (9 - i) for i in range(10)]
    assert weigh_residuals(4, "balanced") == [1.0] * 4
    a, b = torch.ones(1, 6, 2), torch.ones(1, 6, 2)
    flux = shape_residuals({"input": [a, a], "output": [b, None, b]}, "prompt", None, (4, 6), 1)
    assert torch.equal(flux["input"][1], a * 0.825), "blocks that share a tensor count once"
    assert torch.equal(flux["output"][2], b)
    assert flux["output"][1] is None
    deep, shallow = torch.ones(1, 2, 2, 2), torch.ones(1, 2, 4, 4)
    adapter = shape_residuals({"input": [deep, None, shallow]}, "prompt", None, (4, 4), 1)
    assert torch.equal(adapter["input"][0], deep), "a UNet's input list begins with the deepest"
    assert torch.equal(adapter["input"][2], shallow * 0.825)


def test_outside_the_mask_residuals_are_exactly_zero(bench):
    lab, net, count = bench
    mask = torch.zeros(1, 64, 64)
    mask[:, :, :24] = 1.0
    mask[:, :, 20:24] = 0.5
    control = Control(net, lab.hint(3))
    plain = lab.run(*apply_stack((control,), *lab.prompts), steps=1).steps[0].tensors
    masked = lab.run(*apply_stack(with_values((control,), mask=mask), *lab.prompts), steps=1).steps[0].tensors
    assert len(masked) == count
    for got, full in zip(masked, plain, strict=True):
        cells = 64 // got.shape[-1]
        for column in range(got.shape[-1]):
            covered = mask[0, 0, column * cells : (column + 1) * cells].mean()
            torch.testing.assert_close(got[..., column], full[..., column] * covered, rtol=1e-5, atol=1e-6)
            assert bool(got[..., column].any()) == bool(covered > 0)
    everywhere = lab.run(*apply_stack(with_values((control,), mask=torch.ones(1, 9, 5)), *lab.prompts), steps=1)
    assert all(map(torch.equal, everywhere.steps[0].tensors, plain)), "a mask of any size; full means as without"
    quarter = torch.zeros(1, 16, 40)
    quarter[:, 8:, :20] = 1.0
    small = lab.run(*apply_stack(with_values((control,), mask=quarter), *lab.prompts), steps=1).steps[0].tensors
    for got, full in zip(small, plain, strict=True):
        if got.shape[-1] > 1:
            half, there = got.shape[-1] // 2, torch.zeros_like(got)
            there[..., half:, :half] = full[..., half:, :half]
            assert torch.equal(got, there), "one of another size and shape lies on the same part of the picture"


def test_one_mask_for_each_picture_of_a_batch(lab: Lab, nets):
    mask = torch.zeros(2, 64, 64)
    mask[1] = 1.0
    stack = (Control(nets[0], lab.hint(3), mask=mask),)
    (step,) = lab.run(*apply_stack(stack, *lab.prompts), steps=1, batch=2).steps
    for tensor in step.tensors:
        assert [bool(picture.any()) for picture in tensor] == [False, True] * len(step.sides)
    with pytest.raises(ValueError, match="2 masks for 3 pictures"):
        lab.run(*apply_stack(stack, *lab.prompts), steps=1, batch=3)


def test_masks_reach_the_tokens_of_transformers():
    mask = torch.zeros(1, 8, 12)
    mask[:, :, :4] = 1.0
    got = shape_residuals({"output": [torch.ones(2, 24, 5)]}, "balanced", mask, (8, 12), 2)["output"][0]
    grid = got.reshape(2, 4, 6, 5)  # patches of 2 x 2 cells
    assert grid[:, :, :2].all()
    assert not grid[:, :, 2:].any()
    with pytest.raises(ValueError, match="23 tokens"):
        shape_residuals({"output": [torch.ones(1, 23, 5)]}, "balanced", mask, (8, 12), 1)
    with pytest.raises(ValueError, match="Disconnect the mask"):
        shape_residuals({"output": [torch.ones(1, 1, 1, 8, 12)]}, "balanced", mask, (8, 12), 1)


def test_a_net_for_inpainting_gets_its_mask_as_from_its_own_node(comfy, lab: Lab):
    net, hint, mask = inpainting_controlnet(), lab.hint(3), torch.zeros(1, 128, 128)
    mask[:, 30:90, 50:110] = 1.0
    own = comfy.nodes.NODE_CLASS_MAPPINGS["ControlNetInpaintingAliMamaApply"]
    stack = comfy.call(
        "SteerControlNetGuide",
        positive=lab.prompts[0],
        negative=lab.prompts[1],
        control_net=net,
        image=hint,
        mask=mask,
        strength=0.8,
        start_percent=0.0,
        end_percent=1.0,
        mode="balanced",
        fit="crop",
        kind="auto",
        feather=16,
        latent={"samples": torch.zeros(1, 4, 8, 8)},
    )[2]
    theirs = lab.run(*own.execute(*lab.prompts, net, None, hint, mask, 0.8, 0.0, 1.0).result, nets=(net,))
    ours = lab.run(*apply_stack(stack, *lab.prompts), nets=(net,))
    assert theirs.calls == 2
    assert same(ours, theirs)
    assert not torch.equal(
        ours.latent, lab.run(*own.execute(*lab.prompts, net, None, hint, mask * 0, 0.8, 0, 1).result).latent
    )
    weighed = lab.run(*apply_stack(with_values(stack, mode="prompt"), *lab.prompts), steps=1).steps[0].tensors
    for index, (got, plain) in enumerate(zip(weighed, ours.steps[0].tensors, strict=True)):
        assert torch.equal(got, plain * 0.825 ** (12 - index)), "the mask is not laid on the residuals as well"


def test_strength_zero_runs_no_network(lab: Lab, nets):
    plain = lab.run(*lab.prompts)
    for mode in ("balanced", "prompt", "control"):
        stack = (Control(nets[0], lab.hint(3), strength=0.0, mode=mode, mask=torch.ones(1, 8, 8)),)
        run = lab.run(*apply_stack(stack, *lab.prompts), nets=nets[:1])
        assert run.calls == 0
        assert same(run, plain)


def test_shaped_and_stock_controls_chain_in_any_order(lab: Lab, nets):
    """Residuals of a chain are the sum of what each link gives alone."""
    shaped_one = Control(nets[0], lab.hint(3), mode="prompt", mask=torch.ones(1, 64, 64) * 0.5)
    plain_one = Control(nets[1], lab.hint(4))
    alone = [lab.run(*apply_stack((c,), *lab.prompts), steps=1).steps[0].tensors for c in (shaped_one, plain_one)]
    for stack in ((shaped_one, plain_one), (plain_one, shaped_one)):
        run = lab.run(*apply_stack(stack, *lab.prompts), steps=1, nets=nets)
        assert run.calls == 2
        for got, a, b in zip(run.steps[0].tensors, *alone, strict=True):
            torch.testing.assert_close(got, a + b, rtol=1e-5, atol=1e-5)


def test_networks_are_given_to_comfyuis_memory_management(lab: Lab, nets):
    import comfy.model_management
    from steer.nodes.control.comfy_control import ShapedControl

    stack = (Control(nets[0], lab.hint(3), mode="prompt"), Control(nets[1], lab.hint(4), mask=torch.ones(1, 8, 8)))
    positive, negative = apply_stack(stack, *lab.prompts)
    last = positive[0][1]["control"]
    assert last is negative[0][1]["control"]
    assert isinstance(last, ShapedControl)
    assert last.get_models() == [net.control_model_wrapped for net in nets]
    assert last.get_extra_hooks() == []
    assert last.copy().get_models() == [nets[1].control_model_wrapped], "as stock objects, a copy leaves the chain"
    first = lab.run(positive, negative)
    assert last.stock.cond_hint is None, "cleaned up after the run"
    comfy.model_management.unload_all_models()
    assert same(lab.run(positive, negative), first), "freed and loaded again"


def test_a_model_patched_after_the_guide_keeps_its_control(lab: Lab, nets):
    """A LoRA changes the model, not the residuals; control and LoRA both count."""
    stack = (Control(nets[0], lab.hint(3), mode="prompt"),)
    given = apply_stack(stack, *lab.prompts)
    before = lab.run(*given, steps=1)
    patched = lab.model.clone()
    key = "diffusion_model.input_blocks.1.0.in_layers.2.weight"
    patched.add_patches({key: ("diff", (0.5 * torch.ones_like(lab.model.model.state_dict()[key]),))})
    other = Lab(patched)
    after = other.run(*given, steps=1)
    assert all(map(torch.equal, after.steps[0].tensors, before.steps[0].tensors))
    assert not torch.equal(after.latent, before.latent)
    assert not torch.equal(after.latent, other.run(*lab.prompts, steps=1).latent)


def test_conditionings_that_are_given_are_not_changed(lab: Lab, nets):
    apply_stack((Control(nets[0], lab.hint(3), mode="control"),), *lab.prompts)
    assert all("control" not in values for side in lab.prompts for _, values in side)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"strength": float("nan")}, "strength: nan is not a number"),
        ({"start_percent": 0.7, "end_percent": 0.3}, "start_percent: 0.7 lies after end_percent 0.3"),
        ({"end_percent": 1.5}, "end_percent: 1.5 lies outside"),
        ({"mode": "both"}, "mode: 'both' is unknown"),
        ({"net": None}, "control_net: expected a ControlNet, got nothing"),
        ({"net": torch.nn.Linear(1, 1)}, "got Linear"),
    ],
)
def test_what_cannot_be_applied_is_refused_before_sampling(lab: Lab, nets, values: dict[str, Any], words: str):
    stack = with_values((Control(nets[0], lab.hint(3)),), **values)
    with pytest.raises(ValueError, match=words):
        apply_stack(stack, *lab.prompts)
