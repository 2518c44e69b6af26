"""Noise that depends on nothing but its own seed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from steer.nodes.seeds.choices import A1111_GPU, COMFYUI, DIFFUSERS, RNGS
from steer.nodes.seeds.ladder import parse_ladder
from steer.nodes.seeds.noise import Draw, batch_noise, make_draws, make_ladder, slerp, split_batches
from steer.nodes.seeds.rng import philox_4x32_10, philox_stream

# 4-D and 5-D latents, with and without a multiple of 16 elements, and one of fewer than 16.
SHAPES = [(3, 4, 8, 8), (3, 4, 5, 7), (3, 16, 3, 6, 5), (3, 1, 1, 3)]
SEEDS = [7, 0, 2**64 - 1]


def draws(*seeds: int) -> tuple[Draw, ...]:
    return make_draws(list(seeds))


def test_philox_gives_the_known_answers():
    """Random123, tests/kat_vectors, philox4x32 10 (D. E. Shaw Research)."""
    vectors = """00000000 00000000 00000000 00000000 00000000 00000000 6627e8d5 e169c58d bc57ac4c 9b00dbd8
                 ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff 408f276d 41c83b0e a20bc7c6 6d5451fd
                 243f6a88 85a308d3 13198a2e 03707344 a4093822 299f31d0 d16cfe09 94fdcceb 5001e420 24126ea1"""
    for line in vectors.splitlines():
        words = [int(word, 16) for word in line.split()]
        counter = np.array(words[:4], dtype=np.uint64)[:, None]
        assert philox_4x32_10(counter, (words[4], words[5]))[:, 0].tolist() == words[6:]


def test_a1111_noise_is_the_published_one():
    """AUTOMATIC1111/stable-diffusion-webui, modules/rng_philox.py: the output its docstring gives for seed 0."""
    published = [
        [-0.92466259, -0.42534415, -2.6438457, 0.14518388],
        [-0.12086647, -0.57972564, -0.62285122, -0.32838709],
        [-1.07454231, -0.36314407, -1.67105067, 2.26550497],
    ]
    noise = batch_noise(draws(0), [(1, 3, 4)], torch.float32, A1111_GPU)[0]
    # The docstring's last digits are not those its own function gives in float64 arithmetic; these are.
    assert torch.allclose(noise[0], torch.tensor(published), rtol=0, atol=3e-7)
    assert torch.equal(noise.flatten()[:4], torch.tensor([-0.92466241, -0.42534396, -2.6438458, 0.14518388]))


def test_a1111_noise_is_what_a_gpu_printed():
    """kapilsh/cuda-mode-lecture, README: three draws after torch.manual_seed(0) on a GPU, printed to four places."""
    x = """-0.9247 -0.4253 -2.6438  0.1452 -0.1209 -0.5797 -0.6229 -0.3284 -1.0745 -0.3631
           -1.6711  2.2655  0.3117 -0.1842  1.2866  1.1820 -0.1271  1.2169  1.4353  1.0605
           -0.4941 -1.4244 -0.7244 -1.2973  0.0697 -0.0074  1.8969  0.6878 -0.0779 -0.8373"""
    bias = "0.1808 -0.5523  0.9238 -0.7350  1.3800  0.8676  0.1297 -0.9406  0.8109  0.8821"
    y = """2.5441 -0.7163 -0.4934  0.1267  0.1014 -0.4035  0.9023  0.8099 -0.6884  0.1372
           1.0377  0.0925 -0.3752 -0.0908  2.0639 -1.8164 -0.2719  0.2811 -1.0399  0.7765"""
    stream = philox_stream(0)
    for printed in (x, bias, y):
        expected = torch.tensor([float(number) for number in printed.split()])
        assert torch.allclose(stream((len(expected),), torch.float32), expected, rtol=0, atol=5.1e-5)


def test_a1111_draws_go_on_and_large_seeds_count():
    stream = philox_stream(0)
    first, second = stream((12,), torch.float32), stream((12,), torch.float32)
    assert not torch.equal(first, second)
    assert not torch.equal(first, philox_stream(2**32)((12,), torch.float32)), "the upper word of the seed is lost"
    assert torch.equal(first[:5], philox_stream(0)((5,), torch.float32)), "a number depends on how many are drawn"


@pytest.mark.parametrize("shape", SHAPES)
def test_comfyui_noise_is_random_noise_of_each_seed_alone(comfy, shape: tuple[int, ...]):
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise

    latent = {"samples": torch.zeros(shape)}
    alone = [Noise_RandomNoise(seed).generate_noise({"samples": latent["samples"][:1]}) for seed in SEEDS]
    noises, sizes, labels = comfy.call(
        "SteerSeededNoise", seeds=SEEDS, rng=[COMFYUI], variation_seed=[0], variation_strength=[0.0], batch_size=[0]
    )
    assert labels == ["seed 7", "seed 0", f"seed {2**64 - 1}"]
    assert sizes == [3]
    noise = noises[0]
    assert torch.equal(noise.generate_noise(latent), torch.cat(alone))
    assert noise.seed == 7
    assert isinstance(noise.seed, int)


def test_torchs_own_generator_is_left_as_random_noise_leaves_it(comfy):
    """Samplers of other packs draw from it; they must stay repeatable."""
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise
    from steer.nodes.seeds.comfy_noise import SeededNoise

    latent = {"samples": torch.zeros(1, 4, 5, 7)}
    Noise_RandomNoise(11).generate_noise(latent)
    expected = torch.randn(9)
    torch.manual_seed(99)
    SeededNoise(draws(11), A1111_GPU).generate_noise(latent)
    assert torch.equal(torch.randn(9), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("shape", SHAPES)
def test_diffusers_noise_is_that_of_a_list_of_generators(shape: tuple[int, ...], dtype: torch.dtype):
    from diffusers.utils.torch_utils import randn_tensor

    generators = [torch.Generator("cpu").manual_seed(seed) for seed in SEEDS]
    expected = randn_tensor(shape, generator=generators, device=torch.device("cpu"), dtype=dtype)
    assert torch.equal(batch_noise(draws(*SEEDS), [shape], dtype, DIFFUSERS)[0], expected)


@pytest.mark.parametrize("rng", RNGS)
@pytest.mark.parametrize("shape", SHAPES)
def test_an_item_does_not_depend_on_its_batch(shape: tuple[int, ...], rng: str):
    """Neither on its place nor on its neighbours, variations included."""
    mixed = make_draws(SEEDS, [1, 2, 3], [0.0, 0.3, 1.0])
    whole = batch_noise(mixed, [shape], torch.float32, rng)[0]
    for item, draw in zip(whole, mixed, strict=True):
        assert torch.equal(batch_noise([draw], [(1, *shape[1:])], torch.float32, rng)[0][0], item)


def test_latents_of_several_parts_draw_one_stream_for_each_item(comfy):
    from comfy.nested_tensor import NestedTensor
    from comfy.sample import prepare_noise
    from steer.nodes.seeds.comfy_noise import SeededNoise

    video, sound = torch.zeros(2, 4, 3, 5, 5), torch.zeros(2, 8, 7)
    noise = SeededNoise(draws(3, 4), COMFYUI).generate_noise({"samples": NestedTensor([video, sound])})
    for index, seed in enumerate((3, 4)):
        alone = prepare_noise(NestedTensor([video[:1], sound[:1]]), seed)
        for part, expected in zip(noise.unbind(), alone.unbind(), strict=True):
            assert torch.equal(part[index : index + 1], expected)


@pytest.mark.parametrize("rng", RNGS)
def test_the_ends_of_a_variation_are_the_two_seeds_bit_for_bit(rng: str):
    shape = (1, 4, 5, 7)
    base, other = (batch_noise(draws(seed), [shape], torch.float32, rng)[0] for seed in (5, 6))
    ladder = batch_noise(make_draws([5], [6], [0.0, 0.5, 1.0]), [(3, *shape[1:])], torch.float32, rng)[0]
    assert torch.equal(ladder[:1], base)
    assert torch.equal(ladder[2:], other)
    assert torch.equal(ladder[1:2], slerp(base, other, 0.5))


@settings(deadline=None)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=5).filter(lambda shape: math.prod(shape) > 1),
    strength=st.floats(0, 1),
    seeds=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
)
def test_slerp_keeps_the_variance_at_every_strength(shape: list[int], strength: float, seeds: tuple[int, int]):
    base, other = (batch_noise(draws(seed), [(1, *shape)], torch.float64, COMFYUI)[0] for seed in seeds)
    sizes = sorted(float(noise.square().mean().sqrt()) for noise in (base, other))
    mixed = float(slerp(base, other, strength).square().mean().sqrt())
    assert sizes[0] - 1e-9 <= mixed <= sizes[1] + 1e-9


@pytest.mark.parametrize("strength", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_slerp_keeps_unit_variance_where_a_straight_mix_loses_it(strength: float):
    base, other = (batch_noise(draws(seed), [(1, 4, 64, 64)], torch.float32, COMFYUI)[0] for seed in (1, 2))
    assert abs(float(slerp(base, other, strength).var()) - 1.0) < 0.03
    lost = (1.0 - strength) ** 2 + strength**2
    assert abs(float(torch.lerp(base, other, strength).var()) - lost) < 0.03


def test_the_help_pages_show_what_a_straight_mix_loses():
    docs = Path(__file__).resolve().parents[2] / "nodes" / "web" / "docs"
    for page in ("SteerSeededNoise.md", "SteerSeededNoise/ko.md"):
        assert "](measured/variations.jpg)" in (docs / page).read_text(encoding="utf-8")
    with Image.open(docs / "measured" / "variations.jpg") as picture:
        pixels = np.asarray(picture.convert("L").crop((450, 0, 632, picture.height)), np.float32)  # strength 0.5
    detail = np.abs(np.diff(pixels, axis=1)).mean(1)
    assert detail[10:180].mean() > 1.15 * detail[210:380].mean(), "turned above, mixed straight below"


@settings(deadline=None)
@given(strength=st.floats(0.01, 0.99), seed=st.integers(0, 1000))
def test_slerp_turns_by_its_share_of_the_angle(strength: float, seed: int):
    base, other = (batch_noise(draws(s), [(1, 40)], torch.float64, COMFYUI)[0].flatten() for s in (seed, seed + 1))

    def angle(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(torch.arccos((a @ b) / (a.norm() * b.norm())))

    mixed = slerp(base, other, strength)
    assert math.isclose(angle(base, mixed), strength * angle(base, other), abs_tol=1e-6)
    assert math.isclose(angle(mixed, other), (1.0 - strength) * angle(base, other), abs_tol=1e-6)


def test_slerp_of_equal_opposite_and_empty_noise():
    base = torch.randn(50, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(slerp(base, base, 0.3), base, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="exactly opposite"):
        slerp(base, -base, 0.5)
    with pytest.raises(ValueError, match="zero everywhere"):
        slerp(base, torch.zeros(50), 0.5)


def test_lists_of_seeds_and_strengths_pair_up():
    assert make_draws([1, 2]) == (Draw(1), Draw(2))
    assert make_draws([1], [9], [0.0, 0.5]) == (Draw(1, 9, 0.0), Draw(1, 9, 0.5))
    with pytest.raises(ValueError, match="seeds: it has 2 values for 3 pictures"):
        make_draws([1, 2], [9], [0.0, 0.5, 1.0])
    with pytest.raises(ValueError, match="seeds: -1 is no seed"):
        make_draws([-1])
    with pytest.raises(ValueError, match=r"variation_strength: 1\.5 is outside 0 to 1"):
        make_draws([1], [2], [1.5])


def test_a_ladder_takes_every_seed_through_every_strength(comfy):
    noises, sizes, labels = comfy.call(
        "SteerSeededNoise",
        seeds=[7, 8],
        rng=[A1111_GPU],
        variation_seed=[99],
        variation_strength=[0.4],
        batch_size=[4],
        ladder=[" 0-1[3] "],
    )
    assert sizes == [4, 2]
    assert [draw for noise in noises for draw in noise.draws] == [
        Draw(seed, 99, strength) for seed in (7, 8) for strength in (0.0, 0.5, 1.0)
    ]
    assert labels == ["seed 7", "seed 7 + 0.5 of 99", "seed 99", "seed 8", "seed 8 + 0.5 of 99", "seed 99"]
    assert [noise.seed for noise in noises] == [7, 8]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("0, 1.5", r"^ladder, character 4 \('1\.5'\): 1\.5 is outside 0 to 1\.$"),
        ("0.5, x", r"^ladder, character 6 \('x'\): this is no number or range\. Write for example 0-1\[5\], or"),
        ("0, 0", r"^ladder, character 4 \('0'\): 0 is there twice"),
    ],
)
def test_a_ladders_faults_are_named(text: str, fault: str):
    with pytest.raises(ValueError, match=fault):
        parse_ladder(text)


def test_a_ladder_is_no_longer_than_a_batch_may_be():
    assert parse_ladder("0, 0.25,.3, 1") == (0.0, 0.25, 0.3, 1.0)
    assert len(make_ladder(make_draws(range(2048)), (0.0, 1.0))) == 4096
    with pytest.raises(ValueError, match="ladder: 2049 seeds at 2 strengths are 4,098 pictures; the limit is 4,096"):
        make_ladder(make_draws(range(2049)), (0.0, 1.0))


@pytest.mark.parametrize("newer", [False, True])
def test_half_precision_latents_get_the_noise_that_this_comfyui_draws(
    comfy, newer: bool, monkeypatch: pytest.MonkeyPatch
):
    """Newer ComfyUIs draw in float32, cast to the latent's dtype, and hand samplers float32."""
    import comfy.sample
    from steer.nodes.seeds.comfy_noise import SeededNoise

    older = comfy.sample.prepare_noise_inner

    def inner(latent: torch.Tensor, *more: Any) -> torch.Tensor:
        return older(latent.float(), *more).to(latent.dtype)

    if newer:
        monkeypatch.setattr(comfy.sample, "prepare_noise_inner", inner)
    latent = torch.zeros(2, 4, 8, 8, dtype=torch.float16)
    own = SeededNoise(draws(3, 4), COMFYUI)
    noise = own.generate_noise({"samples": latent})
    assert noise.dtype == torch.float16
    assert torch.equal(noise, torch.cat([comfy.sample.prepare_noise(latent[:1], seed) for seed in (3, 4)]))
    assert own.find_foreign(noise.float() if newer else noise) is None
    assert own.find_foreign(noise.flip(0)) == 0


def test_noise_is_known_again_also_in_several_parts(comfy):
    from comfy.nested_tensor import NestedTensor
    from comfy.utils import pack_latents
    from steer.nodes.seeds.comfy_noise import SeededNoise

    mine, same, other = (SeededNoise(make_draws(seeds, [9], [0.0, 0.5]), COMFYUI) for seeds in ([3, 4], [3, 4], [3, 5]))
    plain = {"samples": torch.zeros(2, 4, 5, 7)}
    assert same.find_foreign(mine.generate_noise(plain)) is None
    assert mine.find_foreign(other.generate_noise(plain)) == 1
    nested = {"samples": NestedTensor([torch.zeros(2, 4, 3, 5, 5), torch.zeros(2, 8, 7)])}
    own, foreign = (pack_latents(noise.generate_noise(nested).unbind())[0] for noise in (mine, other))
    assert mine.find_foreign(own) is None
    assert mine.find_foreign(foreign) == 1


def test_batches_hold_every_seed_once_and_at_most_batch_size(comfy):
    assert [list(part) for part in split_batches(list("abcde"), 2)] == [["a", "b"], ["c", "d"], ["e"]]
    assert [list(part) for part in split_batches(list("abc"), 0)] == [["a", "b", "c"]]
    noises, sizes, _ = comfy.call(
        "SteerSeededNoise",
        seeds=[1, 2, 3, 4, 5],
        rng=[COMFYUI],
        variation_seed=[0],
        variation_strength=[0.0],
        batch_size=[2],
    )
    assert [noise.seeds for noise in noises] == [(1, 2), (3, 4), (5,)]
    assert sizes == [2, 2, 1]


def test_a_latent_of_another_size_and_an_unknown_rng_are_refused():
    with pytest.raises(ValueError, match="it holds 1 pictures, but the noise has 2 seeds"):
        batch_noise(draws(1, 2), [(1, 4, 8, 8)], torch.float32, COMFYUI)
    with pytest.raises(ValueError, match="rng: 'dice' is not known"):
        batch_noise(draws(1), [(1, 4, 8, 8)], torch.float32, "dice")
