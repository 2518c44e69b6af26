"""Seed Spread: a batch is its single runs, strength 0 changes no bit, on every family; and what the measure says."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from steer.nodes.seeds.choices import COMFYUI
from steer.nodes.seeds.noise import make_draws
from steer.nodes.seeds.spread import measure_spread, spread_rows, spread_seed
from zoo.families import BY_NAME, FAMILIES
from zoo.runs import sample, sigmas_of

SEEDS = [3, 8, 2**64 - 1]
NAMES = [family.name for family in FAMILIES]
STEPS = 4


def noise_of(*seeds: int, **more: Any) -> Any:
    from steer.nodes.seeds.comfy_noise import SeededNoise

    return SeededNoise(make_draws(seeds, **more), COMFYUI)


def spread(comfy, family: Any, seeds: Any, strength: float, steps: int, prompt: Any = None) -> Any:
    model = family.model()
    given = {"conditioning": family.prompt(1) if prompt is None else prompt, "model": model}
    given |= {
        "noise": seeds if hasattr(seeds, "generate_noise") else noise_of(*seeds),
        "sigmas": sigmas_of(model, STEPS),
    }
    return comfy.call("SteerSeedSpread", strength=strength, steps=steps, **given)


@pytest.mark.parametrize("strength", [0.1, 0.5, 3.0])
@pytest.mark.parametrize("shape", [(77, 768), (23, 3584), (5, 33)])
def test_rows_of_a_batch_are_those_of_single_runs_bit_for_bit(shape: tuple[int, int], strength: float):
    cond = torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    rows = spread_rows(cond, make_draws(SEEDS), strength)
    assert rows.shape == (3, *shape)
    for seed, row in zip(SEEDS, rows, strict=True):
        assert torch.equal(spread_rows(cond, make_draws([seed]), strength)[0], row)
    assert not torch.equal(rows[0], rows[1])
    moved = (rows - cond) / (strength * cond.std(dim=1, keepdim=True, correction=0))
    assert float(moved.std()) == pytest.approx(1.0, abs=0.1)
    assert spread_rows(cond.half(), make_draws(SEEDS), strength).dtype == torch.float16


def test_the_noise_is_not_that_of_the_latent():
    cond = torch.randn(1, 64, 64, generator=torch.Generator().manual_seed(0))
    moved = (spread_rows(cond, make_draws([5]), 1.0) - cond).flatten()
    latent = torch.randn(64 * 64, generator=torch.Generator().manual_seed(5))
    assert abs(float(torch.corrcoef(torch.stack([moved, latent]))[0, 1])) < 0.05
    assert len({spread_seed(seed) for seed in range(1000)}) == 1000


def test_pictures_between_two_seeds_have_noise_between_the_two():
    cond = torch.randn(1, 16, 32, generator=torch.Generator().manual_seed(0))
    ends = [spread_rows(cond, make_draws([seed]), 1.0) for seed in (3, 9)]
    between = make_draws([3], [9], [0.0, 0.5, 1.0])
    rows = spread_rows(cond, between, 1.0)
    assert torch.equal(rows[0:1], ends[0])
    assert torch.equal(rows[2:3], ends[1])
    assert min(float((rows[1] - end[0]).norm()) for end in ends) > 0.0


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_of_a_batch_is_the_one_its_seed_makes_alone(comfy, name: str):
    """Conditioning bit for bit, for every entry; what each entry is for; the last steps see the prompt as it is."""
    family = BY_NAME[name]
    together, report = spread(comfy, family, SEEDS, 0.5, 2)
    assert report.startswith("strength 0.5 in steps 1-2 of 4, 3 pictures")
    assert len(together) == 2
    for index, seed in enumerate(SEEDS):
        alone, _ = spread(comfy, family, [seed], 0.5, 2)
        assert torch.equal(alone[0][0][0], together[0][0][index])
        assert alone[0][1].keys() == together[0][1].keys()
    assert together[1][0] is not together[0][0]
    assert torch.equal(together[1][0], family.prompt(1)[0][0])
    assert together[0][1]["end_percent"] == together[1][1]["start_percent"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_family_samples_with_it_and_the_pictures_differ_more(comfy, name: str):
    family = BY_NAME[name]
    model, negative = family.model(), family.prompt(2)
    sigmas = sigmas_of(model, STEPS)

    def latents(conditioning: Any) -> torch.Tensor:
        return sample(family, model, conditioning, negative, sigmas, batch=3).latent

    plain, _ = spread(comfy, family, SEEDS, 0.0, 2)
    first, _ = spread(comfy, family, SEEDS, 0.5, 1)
    assert torch.equal(latents(plain), latents(family.prompt(1)))
    changed = latents(first)
    assert torch.isfinite(changed).all()
    assert not torch.equal(changed, latents(family.prompt(1)))
    one = sample(family, model, spread(comfy, family, SEEDS[:1], 0.5, 1)[0], negative, sigmas[:2], batch=1).latent
    many = sample(family, model, first, negative, sigmas[:2], batch=3).latent
    # The noise of the helper is one draw for the whole batch, so its first picture is the same alone.
    assert torch.allclose(one[0], many[0], atol=1e-3 * float(many.abs().max()))


def test_strength_0_and_no_steps_change_no_bit(comfy):
    family = BY_NAME["SDXL"]
    prompt = family.prompt(1)
    for strength, steps in ((0.0, 2), (0.5, 0)):
        result, report = spread(comfy, family, SEEDS, strength, steps, prompt)
        assert result is prompt
        assert "nothing is changed" in report


def test_all_steps_need_no_second_part(comfy):
    result, report = spread(comfy, BY_NAME["SD 1.5"], SEEDS, 0.5, 9)
    assert len(result) == 1
    assert "steps 1-4 of 4" in report
    assert not {"start_percent", "end_percent"} & result[0][1].keys()


def test_it_keeps_to_the_steps_of_a_timed_prompt(comfy):
    from steer.nodes.timed_ranges import set_range, warn_overwritten

    family = BY_NAME["SD 1.5"]
    first, second = family.prompt(1)[0], family.prompt(3)[0]
    timed = [[first[0], first[1] | set_range(None, 0.6)], [second[0], second[1] | set_range(0.6, None)]]
    result, _ = spread(comfy, family, SEEDS, 0.5, 1, timed)
    assert len(result) == 3, "the second prompt begins behind the noise"
    assert not warn_overwritten([result])
    assert [entry[1].get("start_percent") for entry in result][-1] == 0.6
    assert result[0][1]["end_percent"] == result[1][1]["start_percent"] < 0.6 == result[1][1]["end_percent"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strength": 25.0}, r"^strength: 25 is outside 0 to 20"),
        ({"prompt": [[torch.zeros(2, 8, 768), {}]]}, r"^conditioning: it has 2 rows, and the noise has 3 seeds"),
        ({"seeds": type("Nothing", (), {"generate_noise": None})()}, r"^noise: this noise has no seed"),
    ],
)
def test_what_cannot_be_is_named_with_its_remedy(comfy, change: dict[str, Any], message: str):
    given: dict[str, Any] = {"seeds": SEEDS, "strength": 0.5, "steps": 2} | change
    with pytest.raises(ValueError, match=message):
        spread(comfy, BY_NAME["SD 1.5"], **given)


def test_stock_random_noise_is_one_picture(comfy):
    (noise,) = comfy.call("RandomNoise", noise_seed=8)
    family = BY_NAME["SD 1.5"]
    assert torch.equal(spread(comfy, family, noise, 0.5, 2)[0][0][0], spread(comfy, family, [8], 0.5, 2)[0][0][0])


def test_equal_pictures_have_no_spread_and_independent_noise_has_all():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(24, 4, 16, 16, generator=generator)
    assert measure_spread(noise[:1].expand(5, -1, -1, -1)).share == pytest.approx(0.0, abs=1e-6)
    assert measure_spread(noise).share == pytest.approx(1.0, abs=0.02)
    assert measure_spread(3.0 * noise + 7.0).share == pytest.approx(measure_spread(noise).share)
    common = noise[:1] + 0.5 * torch.randn(24, 4, 16, 16, generator=generator)
    assert measure_spread(common).share == pytest.approx((0.25 / 1.25) ** 0.5, abs=0.02)


def test_the_share_is_the_mean_of_all_pairs_and_the_closest_are_found():
    items = torch.randn(7, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    items[5] = items[2] + 0.1 * items[3]
    found = measure_spread(items)
    variance = items.double().var(dim=(0, 2, 3), correction=0).mean()
    pairs = [(items[i] - items[j]).double().square().mean() for i in range(7) for j in range(i)]
    assert found.share == pytest.approx(float((torch.stack(pairs).mean() / (2 * variance)).sqrt()))
    assert found.closest[:2] == (2, 5)
    assert found.closest[2] == pytest.approx(float((torch.stack(pairs).min() / (2 * variance)).sqrt()))


def test_the_node_measures_latents_and_pictures_of_several_batches(comfy):
    generator = torch.Generator().manual_seed(0)
    latents = [{"samples": torch.randn(count, 4, 8, 8, generator=generator)} for count in (2, 3)]
    images = [torch.rand(count, 128, 96, 3, generator=generator) for count in (2, 3)]
    labels = [f"seed {seed}" for seed in range(5)]
    of_latents, of_images, report = comfy.call("SteerMeasureSpread", latent=latents, images=images, labels=labels)
    assert of_latents == pytest.approx(1.0, abs=0.1)
    assert 0.9 < of_images < 1.1
    assert "latents: " in report
    assert "of independent noise, 5 pictures; the two most alike are seed " in report
    alone = comfy.call("SteerMeasureSpread", images=images)
    assert alone[1] == of_images
    assert type(alone[0]).__name__ == "ExecutionBlocker"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"^images: nothing is connected"),
        ({"images": [torch.zeros(1, 8, 8, 3)]}, r"at least two"),
        ({"images": [torch.zeros(2, 8, 8, 3), torch.zeros(2, 8, 9, 3)]}, r"^images: there are several sizes"),
        ({"latent": [{"samples": torch.full((2, 4, 8, 8), torch.nan)}]}, r"^latent: it holds NaN"),
    ],
)
def test_what_cannot_be_measured_is_named(comfy, given: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        comfy.call("SteerMeasureSpread", **given)
