"""Schedules as published: equal to diffusers' own functions, true to the table, beside ComfyUI's default."""

from __future__ import annotations

import math
from typing import Any

import diffusers_schedules as oracle
import pytest
import torch
from steer.nodes.noise.choices import FROM_MODEL, PUBLISHED, SOLVERS
from steer.nodes.noise.published.blend import blend_sigmas
from steer.nodes.noise.published.facts import FACTS
from steer.nodes.noise.published.schedule import plan_published
from zoo.families import BY_NAME, FAMILIES

TOLERANCE = 1e-6
FLOW = {"Euler": oracle.euler, "Heun": oracle.heun, "UniPC": oracle.unipc, "DPM++": oracle.dpm}


@pytest.mark.parametrize("family", PUBLISHED)
def test_every_family_is_what_diffusers_gives(family: str):
    for size in oracle.SIZES:
        for steps in oracle.STEPS:
            if steps != oracle.LISTS.get(family, steps):
                continue
            plan = plan_published(family, size, steps)
            mu, sigmas = oracle.published_by_diffusers(family, size, steps)
            assert plan.mu == pytest.approx(mu, abs=TOLERANCE), (size, steps)
            assert len(plan.sigmas) == steps + 1
            assert float((plan.sigmas - sigmas).abs().max()) <= TOLERANCE, (size, steps)


@pytest.mark.parametrize("solver", FLOW)
@pytest.mark.parametrize("family", ["Z-Image Turbo", "Wan 2.1", "Wan 2.2 T2V A14B"])
def test_each_solver_spaces_flow_sigmas_as_diffusers_does(family: str, solver: str):
    for steps in oracle.STEPS:
        plan = plan_published(family, (640, 1536), steps, solver=solver)
        expected = FLOW[solver](math.exp(FACTS[family].rule.mu), steps)
        assert float((plan.sigmas - expected).abs().max()) <= TOLERANCE, steps


def test_every_schedule_falls_from_noise_to_one_zero():
    for family in PUBLISHED:
        for solver in SOLVERS if not (FACTS[family].sigmas or family == "Ideogram 4") else SOLVERS[:1]:
            for steps in (1, 2, 3, 100) if not FACTS[family].sigmas else (8,):
                sigmas = plan_published(family, (1024, 1024), steps, solver=solver).sigmas
                assert len(sigmas) == steps + 1
                assert 0.9 < float(sigmas[0]) <= 1.0, (family, solver, steps)
                assert bool((sigmas.diff() < 0.0).all()), (family, solver, steps)
                assert float(sigmas[-1]) == 0.0
                assert sigmas.dtype == torch.float32


def test_denoise_is_that_of_basic_scheduler():
    whole = plan_published("Flux.2", (1024, 1024), 40)
    part = plan_published("Flux.2", (1024, 1024), 20, denoise=0.5)
    assert torch.equal(part.sigmas, whole.sigmas[-21:])
    assert part.mu == whole.mu, "mu counts all steps"
    assert len(plan_published("Flux.2", (1024, 1024), 20, denoise=0.0).sigmas) == 0


def test_zero_steps_are_the_authors_number():
    assert len(plan_published("Z-Image Turbo", (1024, 1024)).sigmas) == 9
    assert len(plan_published("Qwen-Image 2.1", (2048, 2048)).sigmas) == 41


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"family": "Flux.3"}, r"^family: 'Flux\.3' is not known\. Choose one of: from the model, Flux\.1 dev"),
        ({"solver": "LMS"}, r"^solver: 'LMS' is not known"),
        ({"denoise": 1.5}, r"^denoise: 1\.5 is outside 0 to 1"),
        ({"steps": 9000, "denoise": 0.1}, r"^steps: 9000 steps at denoise 0\.1 are 90,000\. Use 1 to 10,000"),
        (
            {"family": "Flux.2 Turbo", "steps": 20},
            r"^steps: 'Flux\.2 Turbo' .* list for 8 steps, not 20",
        ),
        (
            {"family": "Flux.2 Turbo", "solver": "UniPC"},
            r"^solver: 'Flux\.2 Turbo' .* sigmas of its own",
        ),
        ({"family": "Ideogram 4", "solver": "Heun"}, r"^solver: 'Ideogram 4' is published with sigmas of its own"),
    ],
)
def test_what_cannot_be_is_named_with_its_remedy(change: dict[str, Any], message: str):
    settings: dict[str, Any] = {"family": "Flux.2", "steps": 8} | change
    with pytest.raises(ValueError, match=message):
        plan_published(pixels=(1024, 1024), **settings)


def model_of(kind: str) -> Any:
    """A MODEL of a class of comfy.supported_models with the noise that ComfyUI gives it, and without weights."""
    import comfy.model_base
    import comfy.model_patcher
    import comfy.supported_models

    layout = {"disable_unet_model_creation": True, "hidden_size": 6144}  # newer ones reckon Flux.2's memory from it
    config = getattr(comfy.supported_models, kind)(layout)
    model = config.get_model({}, "")
    device = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=device)


def kinds() -> list[str]:
    import comfy.supported_models

    known = sorted({kind for row in FACTS.values() for kind in row.models})
    return [kind for kind in known if hasattr(comfy.supported_models, kind)]


def test_the_table_says_what_comfyui_does_by_default(comfy):
    """mu of each class as its own MODEL has it, where this ComfyUI has the class."""
    from steer.nodes.noise.published.comfy_published import default_schedule, find_families

    assert len(kinds()) >= 9
    for kind in kinds():
        model = model_of(kind)
        families = find_families(model)
        assert families == [family for family in PUBLISHED if kind in FACTS[family].models], kind
        for family in families:
            mu, sigmas = default_schedule(family, model, 8, 1.0)
            assert FACTS[family].comfy == pytest.approx(mu, abs=1e-6), (kind, family)
            assert len(sigmas) == 9


ZOO = {
    "SD 3.5": "SD 3.5",
    "Flux.1": "Flux.1 dev",
    "Flux.2": "Flux.2",
    "Qwen-Image": "Qwen-Image",
    "Z-Image": "Z-Image Turbo",
    "Wan 2.1": "Wan 2.1",
}


@pytest.mark.parametrize("name", [family.name for family in FAMILIES])
def test_the_models_of_the_zoo_say_their_family_or_are_refused_by_name(comfy, name: str):
    family = BY_NAME[name]
    given = {"latent": family.latent(128 * 8 // family.cell, 128 * 8 // family.cell), "model": family.model()}
    given |= {"family": FROM_MODEL, "steps": 0, "denoise": 1.0, "solver": SOLVERS[0]}
    if name not in ZOO:
        with pytest.raises(ValueError, match=r"^model: Steer knows no published schedule of its kind \("):
            comfy.call("SteerPublishedSchedule", **given)
        return
    sigmas, default, report = comfy.call("SteerPublishedSchedule", **given)
    assert f"\n{ZOO[name]}, 1024 x 1024: " in report
    assert len(sigmas) == len(default) == FACTS[ZOO[name]].steps + 1


def test_a_model_of_another_kind_is_refused_by_name(comfy, sd_model):
    latent = {"samples": torch.zeros(1, 4, 64, 64)}
    given = {"latent": latent, "steps": 8, "denoise": 1.0, "solver": SOLVERS[0], "model": sd_model}
    with pytest.raises(ValueError, match=r"^model: Steer knows no published schedule of its kind \(SD15\)"):
        comfy.call("SteerPublishedSchedule", family=FROM_MODEL, **given)
    with pytest.raises(ValueError, match=r"^model: it is no flow model, which 'Flux\.2' is"):
        comfy.call("SteerPublishedSchedule", family="Flux.2", **given)
    with pytest.raises(ValueError, match=r"^family: it is to come from the model, and none is connected"):
        comfy.call("SteerPublishedSchedule", family=FROM_MODEL, **(given | {"model": None}))


def test_the_node_reports_both_values_of_mu(comfy):
    latent = {"samples": torch.zeros(1, 64, 128, 128)}
    sigmas, default, report = comfy.call(
        "SteerPublishedSchedule", family="Qwen-Image 2.1", latent=latent, steps=40, denoise=1.0, solver=SOLVERS[0]
    )
    lines = report.splitlines()
    assert lines[0] == "published mu 1.31, ComfyUI's default here 0.69"
    assert "2048 x 2048" in lines[1]
    assert "16,384 tokens" in lines[1]
    assert len(sigmas) == len(default) == 41
    assert float(sigmas[-2]) == pytest.approx(0.02)
    assert "Verified by: Comfy-Org/ComfyUI" in report


def test_the_model_says_the_family_and_which_others_it_may_be(comfy):
    model = model_of("QwenImage")
    given = {"latent": {"samples": torch.zeros(1, 16, 1, 128, 128)}, "steps": 0, "denoise": 1.0, "solver": SOLVERS[0]}
    sigmas, default, report = comfy.call("SteerPublishedSchedule", family=FROM_MODEL, model=model, **given)
    assert report.startswith("published mu 0.69, ComfyUI's default here 1.15\nQwen-Image, 1024 x 1024: ")
    assert "The MODEL may also be: Qwen-Image Lightning." in report
    assert len(sigmas) == 51
    stock = comfy.call("BasicScheduler", model=model, scheduler="simple", steps=50, denoise=1.0)[0]
    assert torch.equal(default, stock)


def test_patches_of_the_model_count_as_the_default_here(comfy):
    (patched,) = comfy.nodes.NODE_CLASS_MAPPINGS["ModelSamplingAuraFlow"]().patch_aura(model_of("QwenImage"), 3.0)
    latent = {"samples": torch.zeros(1, 16, 128, 128)}
    report = comfy.call(
        "SteerPublishedSchedule",
        family="Qwen-Image Lightning",
        latent=latent,
        steps=8,
        denoise=1.0,
        solver=SOLVERS[0],
        model=patched,
    )[2]
    assert report.startswith("published mu 1.10, ComfyUI's default here 1.10")
    assert "Unverified: there is no second source." in report


def test_the_size_of_empty_latents_of_newer_comfyuis_is_read_from_them(comfy):
    latent = {"samples": torch.zeros(1, 4, 256, 256), "downscale_ratio_spacial": 8}
    report = comfy.call(
        "SteerPublishedSchedule", family="Flux.2", latent=latent, steps=20, denoise=1.0, solver=SOLVERS[0]
    )[2]
    assert "2048 x 2048" in report


def test_blends_are_exact_at_their_ends_and_between_both():
    first = plan_published("Flux.2", (1024, 1024), 20).sigmas
    second = plan_published("SD 3.5", (1024, 1024), 20).sigmas
    for measure in ("sigma", "log sigma"):
        assert torch.equal(blend_sigmas(first, second, 0.0, measure), first)
        assert torch.equal(blend_sigmas(first, second, 1.0, measure), second)
        mixed = blend_sigmas(first, second, 0.3, measure)
        low, high = torch.minimum(first, second), torch.maximum(first, second)
        assert bool(((mixed >= low - 1e-7) & (mixed <= high + 1e-7)).all())
        assert bool((mixed.diff() < 0.0).all())
    half = blend_sigmas(first, second, 0.5, "sigma")
    assert torch.allclose(half, (first + second) / 2, atol=1e-7)


def test_schedules_that_do_not_fit_are_not_blended(comfy):
    first, second = torch.linspace(1, 0, 21), torch.linspace(1, 0, 31)
    with pytest.raises(ValueError, match=r"^sigmas_2: it has 30 steps, and sigmas_1 has 20\. Give both"):
        comfy.call("SteerBlendSchedules", sigmas_1=first, sigmas_2=second, amount=0.5, measure="sigma")
    with pytest.raises(ValueError, match=r"^sigmas_1: the schedule rises"):
        blend_sigmas(first.flip(0), first, 0.5, "sigma")
    with pytest.raises(ValueError, match=r"^sigmas_2: the schedule has no step"):
        blend_sigmas(first, torch.empty(0), 0.5, "sigma")
    (half,) = comfy.call("SteerBlendSchedules", sigmas_1=first, sigmas_2=first**2, amount=0.5, measure="sigma")
    assert torch.allclose(half, (first + first**2) / 2)


def test_published_and_default_lie_on_one_chart(comfy):
    latent = {"samples": torch.zeros(1, 16, 128, 128)}
    sigmas, default, _ = comfy.call(
        "SteerPublishedSchedule", family="Flux.1 dev", latent=latent, steps=20, denoise=1.0, solver=SOLVERS[0]
    )
    given = {"axis": "alpha_bar", "names": "published\ndefault", "title": "Flux.1", "model_type": "flow", "dark": False}
    (chart,) = comfy.call("SteerSchedulePlot", sigmas_1=sigmas, sigmas_2=default, width=512, height=384, **given)
    alone = comfy.call("SteerSchedulePlot", sigmas_1=sigmas, width=512, height=384, **given)[0]
    assert chart.shape == (1, 384, 512, 3)
    assert not torch.equal(chart, alone)
