"""A batch of eight seeds is eight single runs, for every sampler of ComfyUI; and an old batch's pictures come back."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from steer.nodes.seeds.noise import make_draws
from steer.nodes.seeds.steps import REFUSED, STEP_NOISE, list_covered
from tiny_model import QUICK, sigmas_of, tiny_conditioning, tiny_guider, tiny_model

pytestmark = pytest.mark.slow

SEEDS = [1, 2, 3, 5, 8, 13, 2**32, 2**64 - 2]  # ddim adds one
STEPS = 4
SHAPE = (4, 8, 8)
DOCS = Path(__file__).resolve().parents[2] / "nodes" / "web" / "docs"
ENGLISH, KOREAN = "SteerPerImageStepNoise.md", "SteerPerImageStepNoise/ko.md"
# ComfyUI's names where they differ from those of the functions.
FUNCTIONS = {"uni_pc": "unipc", "uni_pc_bh2": "unipc_bh2", "ddim": "euler"}


@pytest.fixture(scope="module")
def model(comfy_session) -> Any:
    return tiny_model(unet=QUICK)


@pytest.fixture(scope="module")
def flow_model(comfy_session) -> Any:
    return tiny_model("flow", unet=QUICK)


def sampler_names() -> list[str]:
    """All that the oldest ComfyUI offers, read without importing it at collection time."""
    names = [name for name in STEP_NOISE if not name.startswith("unipc")]
    return [*names, *REFUSED, "ddim", "uni_pc", "uni_pc_bh2"]


def sampler(name: str) -> Any:
    from comfy.samplers import sampler_object

    return sampler_object(name)


def seeded_noise(*seeds: int) -> Any:
    from steer.nodes.seeds.comfy_noise import SeededNoise
    from steer.nodes.seeds.rng import COMFYUI

    return SeededNoise(make_draws(seeds), COMFYUI)


def random_noise(seed: int) -> Any:
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise

    return Noise_RandomNoise(seed)


def run(comfy, model: Any, noise: Any, sampler: Any, batch: int, **latent: Any) -> torch.Tensor:
    """The picture latents of stock SamplerCustomAdvanced."""
    latent = {"samples": torch.zeros(batch, *SHAPE)} | latent
    return comfy.call(
        "SamplerCustomAdvanced",
        noise=noise,
        guider=tiny_guider(model),
        sampler=sampler,
        sigmas=sigmas_of(model, STEPS),
        latent_image=latent,
    )[0]["samples"]


def tolerance(singles: torch.Tensor) -> float:
    """2/255 of the range of the picture that these latents are."""
    return 2.0 / 255.0 * float(singles.max() - singles.min())


def test_every_sampler_of_comfyui_is_known(comfy):
    """A newer one may offer more, which test_newer_samplers.py tries."""
    from comfy.samplers import SAMPLER_NAMES

    assert sorted(sampler_names()) == sorted(name for name in SAMPLER_NAMES if name in sampler_names())


KINDS = {
    "none": "none",
    "independent": "a draw for each step",
    "brownian": "Brownian, on the processor",
    "brownian on device": "Brownian, on the device",
}


def help_page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def table(page: str) -> dict[str, list[str]]:
    """The cells of each sampler's row, its name aside: step noise, verdict, largest difference, without the node."""
    rows = re.findall(r"^\| `(\w+)` \|((?:[^|\n]*\|){4})$", help_page(page), re.MULTILINE)
    return {name: [cell.strip() for cell in row.split("|")[:4]] for name, row in rows}


def test_the_help_pages_table_tells_of_every_sampler_what_the_code_does(comfy):
    from comfy.samplers import SAMPLER_NAMES

    rows = table(ENGLISH)
    assert list(rows) == [name for name in SAMPLER_NAMES if name in sampler_names()]
    for name, (noise, verdict, largest, without) in rows.items():
        function = FUNCTIONS.get(name, name)
        kind, refused = STEP_NOISE.get(function, "none"), function in REFUSED
        plain = "yes; with a mask refused" if name == "ddim" else "yes"
        assert noise == KINDS[kind], name
        assert verdict == ("no: refused" if refused else plain if kind == "none" else "yes, with this node"), name
        assert largest == "-" if refused else in_255ths(largest) <= 2.0, name
        assert without == "-" if kind == "none" else in_255ths(without) > 2.0, name


def test_the_korean_table_says_the_same():
    english, korean = table(ENGLISH), table(KOREAN)
    assert list(english) == list(korean)
    for column in (0, 1):
        words = {(english[name][column], korean[name][column]) for name in english}
        assert len({one for one, _ in words}) == len(words) == len({other for _, other in words}), words
    assert [row[2:] for row in english.values()] == [row[2:] for row in korean.values()]


def in_255ths(cell: str) -> float:
    number, slash, scale = cell.partition("/")
    assert (slash, scale) == ("/", "255")
    return float(number)


@pytest.mark.parametrize("page", [ENGLISH, KOREAN])
def test_the_help_pages_name_the_samplers_whose_churn_is_refused(comfy, page: str):
    import comfy.samplers
    from comfy.samplers import SAMPLER_NAMES

    def churns(name: str) -> bool:
        return "s_churn" in inspect.signature(comfy.samplers.sampler_object(name).sampler_function).parameters

    (line,) = re.findall(r"^- .*`s_churn`.*$", help_page(page), re.MULTILINE)
    named = set(re.findall(r"`(\w+)`", line)) - {"s_churn"}
    assert named == {name for name in SAMPLER_NAMES if churns(name)} - {"ddim"}, "ddim is euler"


@pytest.mark.parametrize("name", sampler_names())
def test_a_batch_of_eight_seeds_is_eight_single_runs(comfy, model: Any, name: str):
    function = FUNCTIONS.get(name, name)
    noise = seeded_noise(*SEEDS)
    if function in REFUSED:
        with pytest.raises(ValueError, match=f"'{name}' chooses its step sizes"):
            comfy.call("SteerPerImageStepNoise", sampler=sampler(name), noise=noise)
        return
    alone = torch.cat([run(comfy, model, random_noise(seed), sampler(name), 1) for seed in SEEDS])
    (wrapped,) = comfy.call("SteerPerImageStepNoise", sampler=sampler(name), noise=noise)
    together = run(comfy, model, noise, wrapped, len(SEEDS))
    allowed = tolerance(alone)
    assert torch.isfinite(alone).all()
    assert float((together - alone).abs().max()) < allowed
    plain = run(comfy, model, noise, sampler(name), len(SEEDS))
    worst = float((plain - alone).abs().max())
    if STEP_NOISE[function] == "none":
        assert worst < allowed, "it needs the wrapper after all"
    else:
        assert worst > allowed, "it needs no wrapper"


@pytest.mark.parametrize("name", list_covered())
def test_step_noise_of_flow_models_is_exact_too(comfy, flow_model: Any, name: str):
    """Their ancestral samplers are other functions, and the SDE ones move the first sigma."""
    noise = seeded_noise(1, 2)
    (wrapped,) = comfy.call("SteerPerImageStepNoise", sampler=sampler(name), noise=noise)
    together = run(comfy, flow_model, noise, wrapped, 2)
    alone = run(comfy, flow_model, random_noise(2), sampler(name), 1)
    assert float((together[1:] - alone).abs().max()) < tolerance(alone)


def test_dpm_adaptive_really_couples_its_batch(comfy, model: Any):
    """The reason given for refusing it."""
    alone = run(comfy, model, random_noise(1), sampler("dpm_adaptive"), 1)
    together = run(comfy, model, seeded_noise(1, 2), sampler("dpm_adaptive"), 2)
    assert float((together[:1] - alone).abs().max()) > 1e-4 * float(alone.abs().max())


def test_ddim_is_refused_with_a_mask_and_euler_is_exact(comfy, model: Any):
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :4] = 1.0
    picture = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(4))
    noise = seeded_noise(1, 2)
    (ddim,) = comfy.call("SteerPerImageStepNoise", sampler=sampler("ddim"), noise=noise)
    with pytest.raises(ValueError, match="with a mask, 'ddim' draws one noise"):
        run(comfy, model, noise, ddim, 2, samples=picture.repeat(2, 1, 1, 1), noise_mask=mask)
    (euler,) = comfy.call("SteerPerImageStepNoise", sampler=sampler("euler"), noise=noise)
    together = run(comfy, model, noise, euler, 2, samples=picture.repeat(2, 1, 1, 1), noise_mask=mask)
    for index, seed in enumerate((1, 2)):
        alone = run(comfy, model, random_noise(seed), sampler("euler"), 1, samples=picture, noise_mask=mask)
        assert float((together[index : index + 1] - alone).abs().max()) < tolerance(alone)


def test_what_is_not_known_is_refused_and_the_covered_are_named(comfy):
    from comfy.k_diffusion.sampling import sample_euler
    from comfy.samplers import KSAMPLER

    def sample_euler_ancestral(model: Any, x: torch.Tensor, sigmas: torch.Tensor, **options: Any) -> torch.Tensor:
        return x

    noise = seeded_noise(1)
    (wrapped,) = comfy.call("SteerPerImageStepNoise", sampler=sampler("euler_ancestral"), noise=noise)
    for other in (KSAMPLER(sample_euler_ancestral), wrapped):
        with pytest.raises(ValueError, match="this is not one of ComfyUI's own samplers") as caught:
            comfy.call("SteerPerImageStepNoise", sampler=other, noise=noise)
        assert all(name in str(caught.value) for name in list_covered())
    churning = KSAMPLER(sample_euler, {"s_churn": 2.0})
    with pytest.raises(ValueError, match="Set s_churn to 0"):
        comfy.call("SteerPerImageStepNoise", sampler=churning, noise=noise)
    with pytest.raises(ValueError, match="Connect the node Seeded Noise"):
        comfy.call("SteerPerImageStepNoise", sampler=sampler("euler"), noise=random_noise(1))


def test_a_sampler_that_comfyui_has_since_added_is_named(comfy, monkeypatch: pytest.MonkeyPatch):
    import comfy.k_diffusion.sampling as k_diffusion
    from comfy.samplers import KSAMPLER

    def sample_next_year(model: Any, x: torch.Tensor, sigmas: torch.Tensor, **options: Any) -> torch.Tensor:
        return x + torch.randn_like(x)

    monkeypatch.setattr(k_diffusion, "sample_next_year", sample_next_year, raising=False)
    with pytest.raises(ValueError, match="'next_year' is one of ComfyUI's samplers, but newer than this version"):
        comfy.call("SteerPerImageStepNoise", sampler=KSAMPLER(sample_next_year), noise=seeded_noise(1))


def test_other_seeds_than_the_sampler_nodes_are_refused(comfy, model: Any):
    (wrapped,) = comfy.call("SteerPerImageStepNoise", sampler=sampler("ddpm"), noise=seeded_noise(1, 2))
    with pytest.raises(ValueError, match="Connect the same Seeded Noise to both"):
        run(comfy, model, seeded_noise(1, 2, 3), wrapped, 3)
    with pytest.raises(ValueError, match="Connect the same Seeded Noise to both"):
        run(comfy, model, seeded_noise(4, 2), wrapped, 2)
    with pytest.raises(ValueError, match=r"picture 2 has other noise there than that of seed 2\)"):
        run(comfy, model, seeded_noise(1, 5), wrapped, 2)
    run(comfy, model, seeded_noise(1, 2), wrapped, 2)  # of another node with the same seeds


def test_the_noise_that_samplercustom_draws_for_a_batch_is_refused(comfy, model: Any):
    (wrapped,) = comfy.call("SteerPerImageStepNoise", sampler=sampler("ddpm"), noise=seeded_noise(7, 8))
    given = {
        "model": model,
        "add_noise": True,
        "noise_seed": 7,
        "cfg": 4.0,
        "positive": tiny_conditioning(1),
        "negative": tiny_conditioning(2),
        "sigmas": sigmas_of(model, STEPS),
    }
    with pytest.raises(ValueError, match=r"with SamplerCustomAdvanced.* \(picture 2 has other noise there"):
        comfy.call("SamplerCustom", **given, sampler=wrapped, latent_image={"samples": torch.zeros(2, *SHAPE)})


@pytest.mark.parametrize("options", [{"eta": 0.3, "s_noise": 0.9}, {}])
def test_a_samplers_own_settings_are_kept(comfy, model: Any, options: dict[str, float]):
    from comfy.samplers import ksampler

    noise = seeded_noise(1, 2)
    set_up = ksampler("euler_ancestral", options)
    (wrapped,) = comfy.call("SteerPerImageStepNoise", sampler=set_up, noise=noise)
    together = run(comfy, model, noise, wrapped, 2)
    alone = run(comfy, model, random_noise(2), set_up, 1)
    assert float((together[1:] - alone).abs().max()) < tolerance(alone)


@pytest.mark.parametrize(
    ("size", "shape"),
    [(4, (4, 8, 8)), (4, (4, 9, 7)), (3, (4, 9, 7))],
    ids=["16 divides a picture", "16 divides the batch", "16 divides neither"],
)
def test_a_picture_of_an_old_batch_comes_back_alone(comfy, model: Any, size: int, shape: tuple[int, ...]):
    old = {"samples": torch.zeros(size, *shape)}
    settings = {
        "model": model,
        "steps": STEPS,
        "cfg": 4.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "positive": tiny_conditioning(1),
        "negative": tiny_conditioning(2),
    }
    node = comfy.nodes.NODE_CLASS_MAPPINGS["KSampler"]()
    with torch.inference_mode():
        batch = node.sample(**settings, seed=77, latent_image=old)[0]["samples"]
    one_stream = random_noise(77).generate_noise(old)
    for index in range(size):
        (noise,) = comfy.call("SteerRescueSeed", seed=77, batch_index=index, old_batch_size=size)
        latent = {"samples": torch.zeros(1, *shape)}
        assert torch.equal(noise.generate_noise(latent), one_stream[index : index + 1])
        assert noise.seed == 77
        alone = run(comfy, model, noise, sampler("euler"), 1, **latent)
        assert float((alone - batch[index : index + 1]).abs().max()) < tolerance(batch)


@pytest.mark.parametrize("name", [name for name in sampler_names() if name not in REFUSED])
def test_the_samplers_that_can_be_rescued_are_those_without_step_noise(comfy, model: Any, name: str):
    batch = run(comfy, model, random_noise(77), sampler(name), 4)
    (noise,) = comfy.call("SteerRescueSeed", seed=77, batch_index=2, old_batch_size=4)
    alone = run(comfy, model, noise, sampler(name), 1)
    same = float((alone - batch[2:3]).abs().max()) < tolerance(batch)
    assert same == (STEP_NOISE.get(FUNCTIONS.get(name, name)) == "none")


def test_a_video_of_an_old_batch_has_its_noise_again(comfy):
    shape = (16, 3, 5, 3)
    one_stream = random_noise(77).generate_noise({"samples": torch.zeros(3, *shape)})
    for index in range(3):
        (noise,) = comfy.call("SteerRescueSeed", seed=77, batch_index=index, old_batch_size=3)
        assert torch.equal(noise.generate_noise({"samples": torch.zeros(1, *shape)}), one_stream[index : index + 1])


@pytest.mark.parametrize("denoise", [1.0, 0.35])
@pytest.mark.parametrize("name", ["dpm_2", "dpm_2_ancestral", "uni_pc", "uni_pc_bh2"])
def test_the_help_pages_recipe_gives_the_schedule_of_ksampler(comfy, model: Any, name: str, denoise: float):
    """For four samplers KSampler makes one step more and leaves the last sigma above zero out; no node does."""
    from comfy.samplers import KSampler

    steps = 7
    stock = KSampler(model, steps=steps, device="cpu", sampler=name, scheduler="karras", denoise=denoise)
    basic = {"model": model, "scheduler": "karras"}
    (plain,) = comfy.call("BasicScheduler", **basic, steps=steps, denoise=denoise)
    assert not torch.equal(plain, stock.sigmas), "the recipe is needed no more"
    whole = int(steps / denoise)
    (sigmas,) = comfy.call("BasicScheduler", **basic, steps=whole + 1, denoise=1.0)
    sigmas, _ = comfy.call("SplitSigmas", sigmas=sigmas, step=whole)
    (sigmas,) = comfy.call("FlipSigmas", sigmas=sigmas)
    (sigmas,) = comfy.call("SetFirstSigma", sigmas=sigmas, sigma=0.0)
    (sigmas,) = comfy.call("FlipSigmas", sigmas=sigmas)
    _, sigmas = comfy.call("SplitSigmas", sigmas=sigmas, step=whole - steps)
    assert torch.equal(sigmas, stock.sigmas)


def test_rescue_refuses_a_picture_that_was_not_there(comfy):
    with pytest.raises(ValueError, match="batch_index: 4 is not in a batch of 4"):
        comfy.call("SteerRescueSeed", seed=1, batch_index=4, old_batch_size=4)
    (noise,) = comfy.call("SteerRescueSeed", seed=1, batch_index=0, old_batch_size=4)
    with pytest.raises(ValueError, match="Set its batch_size to 1"):
        noise.generate_noise({"samples": torch.zeros(4, *SHAPE)})
