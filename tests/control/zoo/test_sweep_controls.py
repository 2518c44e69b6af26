"""Model patches and strengths by step in the stack of a Sweep: each cell is what the guides and KSampler make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from zoo.bench import Bench, hint
from zoo.controls import KINDS
from zoo.encoders import clip_of
from zoo.families import BY_NAME
from zoo.patches import PATCHES
from zoo.vaes import vae_of

pytestmark = pytest.mark.slow

STEPS, CFG = 3, 4.0
TEXTS = ("a girl, smiling", "sad")
NETS = [PATCHES[0], next(kind for kind in KINDS if kind.name == "InstantX of Qwen-Image")]


def cell(model: Any, family: Any, stack: Any, **changed: Any) -> torch.Tensor:
    """The picture of a Sweep's cell."""
    from steer.nodes.sweep.plan.cells import Settings
    from steer.nodes.sweep.plan.inputs import SweepInputs
    from steer.nodes.sweep.run.comfy_pictures import PictureMaker

    settings = {"positive": TEXTS[0], "negative": TEXTS[1], "seed": 5, "steps": STEPS, "cfg": CFG, "sampler": "euler"}
    settings |= {"scheduler": "simple", "denoise": 1.0} | changed
    inputs = SweepInputs(model, clip_of(family), vae_of(family), family.latent(), control=stack)
    with torch.inference_mode():
        return PictureMaker(inputs, lambda *_: None).make([Settings(**settings)])[0]


def alone(own: Bench, count: int = STEPS, **given: Any) -> torch.Tensor:
    """The same picture by the guide, KSampler and VAE Decode."""
    import nodes

    family, clip = own.family, clip_of(own.family)
    with torch.inference_mode():
        prompts = [clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in TEXTS]
        if own.kind is not PATCHES[0]:
            given |= {"positive": prompts[0], "negative": prompts[1]}
        model, positive, negative = own.guided(**given)
        if own.kind is PATCHES[0]:
            positive, negative = prompts
        sampler: Any = nodes.common_ksampler
        (sampled,) = sampler(model, 5, count, CFG, "euler", "simple", positive, negative, family.latent())
        decoded = vae_of(family).decode(sampled["samples"])
    return decoded.reshape(-1, *decoded.shape[-3:])[0]


@pytest.fixture(params=NETS, ids=lambda kind: kind.name)
def own(request: pytest.FixtureRequest, bench: Callable[..., Bench]) -> Bench:
    return bench(request.param)


def stack_of(own: Bench, **given: Any) -> Any:
    _, rest = own.call(**given)
    return rest[0]


def test_a_cell_is_the_guides_picture(own: Bench):
    stack, plain = stack_of(own, strength=0.7), cell(own.model, own.family, None)
    found = cell(own.model, own.family, stack)
    assert torch.equal(found, alone(own, strength=0.7))
    assert not torch.equal(found, plain)
    for changed, given in (
        ({"control_strength": 0.3}, {"strength": 0.3}),
        ({"control_end": 0.4}, {"strength": 0.7, "end_percent": 0.4}),
        ({"control_start": 0.3}, {"strength": 0.7, "start_percent": 0.3}),
    ):
        assert torch.equal(cell(own.model, own.family, stack, **changed), alone(own, **given))
    assert torch.equal(cell(own.model, own.family, stack, control_strength=0.0), plain)


def test_steps_are_counted_on_each_cells_schedule(comfy, own: Bench):
    def steps(count: int) -> Any:
        return comfy.call("SteerControlSteps", model=own.model, sigmas=own.sigmas(count), text="1@1, 0.4@2-end")[0]

    stack = stack_of(own, steps=steps(STEPS))
    for count in (STEPS, 5):
        found = cell(own.model, own.family, stack, steps=count)
        assert torch.equal(found, alone(own, count, steps=steps(count)))
    few = comfy.call("SteerControlSteps", model=own.model, sigmas=own.sigmas(8), text="1@8")[0]
    with pytest.raises(ValueError, match="there is no step 8: sigmas has 3"):
        cell(own.model, own.family, stack_of(own, steps=few))


def test_a_cell_with_a_checkpoint_of_another_family_is_refused_with_its_name(own: Bench):
    stack, other = stack_of(own), BY_NAME["Z-Image"]
    with pytest.raises(ValueError, match=r"(is DiffSynth for Qwen-Image, but the model is|is made for Qwen-Image)"):
        cell(other.model(), other, stack)


def test_a_hint_of_another_latent_is_refused_when_the_sweep_is_planned(own: Bench):
    from steer.nodes.control.comfy_control import check_fits

    (control,) = stack_of(own)
    assert check_fits(control, own.family.latent()) == ""
    assert "ComfyUI resizes it" in check_fits(control, own.family.latent(16, 16))
    with pytest.raises(ValueError, match="of another shape: ComfyUI would cut it without a word"):
        check_fits(control, own.family.latent(8, 16))
    assert hint(3).shape[1:3] == control.hint.shape[1:3]


def test_the_key_of_a_cell_knows_its_steps(comfy, own: Bench):
    """Without steps it is what it was before there were any."""
    from steer.nodes.sweep.plan.cell_key import hash_json, to_json

    def key(text: str | None) -> str:
        given = {}
        if text is not None:
            given["steps"] = comfy.call("SteerControlSteps", model=own.model, sigmas=own.sigmas(3), text=text)[0]
        return hash_json(to_json(stack_of(own, **given)))

    keys = [key(text) for text in (None, "1@1", "1@2")]
    assert len(set(keys)) == 3
    assert key("1@2") == keys[2]
    (plain,) = stack_of(own)
    assert list(to_json(plain)) == [
        "net",
        "hint",
        "strength",
        "start_percent",
        "end_percent",
        "mode",
        "mask",
        "vae",
        "name",
    ]
