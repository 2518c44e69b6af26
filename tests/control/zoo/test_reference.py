"""Reference Hint on the families whose models look at references: ComfyUI's own node, in the steps that are named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from zoo.bench import hint
from zoo.families import BY_NAME, FAMILIES, OMNI, Family
from zoo.runs import look, sample, sigmas_of
from zoo.vaes import vae_of

HEAR = (BY_NAME["Flux.1"], BY_NAME["Flux.2"], BY_NAME["Qwen-Image"], OMNI)
DEAF = [family.name for family in FAMILIES if family not in HEAR and family.name not in ("Z-Image", "Wan 2.1")]
WIDGETS = {"start_percent": 0.0, "end_percent": 1.0, "fit": "crop", "kind": "any"}


@pytest.fixture(params=HEAR, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest, comfy: Any) -> Family:
    return request.param


@pytest.fixture
def refer(comfy, family: Family) -> Callable[..., tuple[Any, ...]]:
    """Reference Hint on both prompts of the family."""

    def call(**given: Any) -> tuple[Any, ...]:
        side = 8 * family.cell
        start = {"positive": family.prompt(1), "negative": family.prompt(2), "vae": vae_of(family)}
        start |= {"image": hint(3, side, side), "latent": family.latent()}
        return comfy.call("SteerReferenceHint", **WIDGETS | start | given)

    return call


def stock(comfy: Any, family: Family) -> list[Any]:
    """Both prompts with ComfyUI's own node."""
    side = 8 * family.cell
    with torch.inference_mode():
        latent = {"samples": vae_of(family).encode(hint(3, side, side))}
    return [comfy.call("ReferenceLatent", conditioning=family.prompt(seed), latent=latent)[0] for seed in (1, 2)]


def test_it_is_comfyuis_own_node(comfy, family: Family, refer: Callable[..., tuple[Any, ...]]):
    model = family.model()
    sigmas = sigmas_of(model, 2)
    *ours, fitted, report = refer()
    assert fitted.shape == (1, 8 * family.cell, 8 * family.cell, 3)
    assert report.startswith(f"a reference of {8 * family.cell}x{8 * family.cell}\n")
    theirs = sample(family, model, *stock(comfy, family), sigmas).latent
    assert torch.equal(sample(family, model, *ours, sigmas).latent, theirs)
    plain = sample(family, model, family.prompt(1), family.prompt(2), sigmas).latent
    assert not torch.equal(theirs, plain)
    alone = refer(negative=None)
    assert alone[1] == []
    assert torch.equal(alone[0][0][1]["reference_latents"][0], ours[0][0][1]["reference_latents"][0])


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.5), (0.3, 1.0), (0.25, 0.75)])
def test_in_its_part_of_sampling_it_is_there_and_elsewhere_not(
    comfy, family: Family, refer: Callable[..., tuple[Any, ...]], start: float, end: float
):
    model = family.model()
    sigmas = sigmas_of(model, 6)
    sampling = model.get_model_object("model_sampling")
    high, low = (torch.tensor(float(sampling.percent_to_sigma(percent))) for percent in (start, end))
    run = look(family, model, *refer(start_percent=start, end_percent=end)[:2], sigmas)
    with_it = look(family, model, *stock(comfy, family), sigmas).outputs
    without = look(family, model, family.prompt(1), family.prompt(2), sigmas).outputs
    inside = [bool(low <= sigma <= high) for sigma in sigmas[:-1]]
    assert True in inside
    assert False in inside
    for number, one in enumerate(inside):
        assert torch.equal(run.outputs[number], (with_it if one else without)[number]), number


def test_steps_that_are_named(comfy, family: Family, refer: Callable[..., tuple[Any, ...]]):
    model = family.model()
    sigmas = sigmas_of(model, 4)
    steps = comfy.call("SteerControlSteps", model=model, sigmas=sigmas, text="1@1, 1@3")[0]
    *ours, _, report = refer(steps=steps)
    assert "a reference of" in report
    assert "acts in steps 1 at 1, 3 at 1, of 4" in report
    run = look(family, model, *ours, sigmas)
    with_it = look(family, model, *stock(comfy, family), sigmas).outputs
    without = look(family, model, family.prompt(1), family.prompt(2), sigmas).outputs
    for number, one in enumerate((True, False, True, False)):
        assert torch.equal(run.outputs[number], (with_it if one else without)[number]), number
    half = comfy.call("SteerControlSteps", model=model, sigmas=sigmas, text="0.5@1")[0]
    with pytest.raises(ValueError, match=r"^steps: a reference has no strength"):
        refer(steps=half)


def test_a_timed_prompt_keeps_its_steps(comfy, family: Family, refer: Callable[..., tuple[Any, ...]]):
    from steer.nodes.timed_ranges import set_range, warn_overwritten

    first, second = family.prompt(1)[0], family.prompt(5)[0]
    timed = [[first[0], first[1] | set_range(None, 0.4)], [second[0], second[1] | set_range(0.4, None)]]
    found = refer(positive=timed, start_percent=0.2, end_percent=0.7)[0]
    parts = [
        (values.get("start_percent", 0.0), values.get("end_percent", 1.0), "reference_latents" in values)
        for _, values in found
    ]
    assert parts == [
        (0.0, pytest.approx(0.2, abs=2e-6), False),
        (0.2, 0.4, True),
        (0.4, 0.7, True),
        (pytest.approx(0.7, abs=2e-6), 1.0, False),
    ]
    assert warn_overwritten((found,)) == ""


def test_a_hint_comes_to_the_size_of_the_latent_or_to_whole_tokens(
    family: Family, refer: Callable[..., tuple[Any, ...]]
):
    cell = family.cell
    *_, fitted, report = refer(image=hint(3, 100, 300), latent=family.latent(8, 12))
    assert fitted.shape == (1, 8 * cell, 12 * cell, 3)
    assert "crop cut" in report
    assert refer(image=hint(3, 100, 300), latent=None)[2].shape == (1, 96, 288, 3)


def test_several_references_are_kept_in_their_order(comfy, family: Family, refer: Callable[..., tuple[Any, ...]]):
    once = refer()[0]
    twice = refer(positive=once, image=hint(4, 8 * family.cell, 8 * family.cell))[0]
    assert len(twice[0][1]["reference_latents"]) == 2
    assert torch.equal(twice[0][1]["reference_latents"][0], once[0][1]["reference_latents"][0])


@pytest.mark.parametrize("name", DEAF)
def test_a_family_that_does_not_look_at_references_is_refused(comfy, name: str):
    family = BY_NAME[name]
    given = WIDGETS | {"positive": family.prompt(1), "vae": vae_of(family), "image": hint(3)}
    with pytest.raises(ValueError, match=r"^positive: the prompt is of .*, whose models do not look at references"):
        comfy.call("SteerReferenceHint", **given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"vae": None}, "vae: the hint is given as a latent"),
        ({"image": torch.rand(2, 64, 64, 3), "latent": None}, "image: there are 2, and a reference is one picture"),
        ({"image": None}, "image: no hint is connected"),
        ({"start_percent": 0.5, "end_percent": 0.5}, "start_percent: 0.5 to end_percent 0.5 is no part of sampling"),
        ({"latent": {"samples": torch.zeros(1, 16, 5, 8, 8)}}, "latent: it is a video of 5 frames"),
    ],
)
def test_wrong_inputs(refer: Callable[..., tuple[Any, ...]], given: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=f"^{words}"):
        refer(**given)
