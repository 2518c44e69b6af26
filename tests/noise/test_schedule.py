"""Noise Schedule against diffusers itself."""

from __future__ import annotations

import functools
import math
import re
from typing import Any

import diffusers
import pytest
import torch
from hypothesis import event, given, settings
from hypothesis import strategies as st
from steer.nodes.noise.choices import SCHEDULERS
from steer.nodes.noise.schedule import (
    BETA_SCHEDULES,
    FAMILIES,
    SIGMA_SPACINGS,
    TIMESTEP_SPACINGS,
    ModelNoise,
    ScheduleOptions,
    make_schedule,
)

# diffusers' own: numpy 2 and torch tensors. Counting half a million of them takes longer than the schedules.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")

STEPS = (1, 2, 5, 20, 50, 999)
SPACINGS = ("linspace", "leading", "trailing")
BETAS = {"num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}

# What the tests expect of each family, written down apart from the pack's own table.
REFERENCE: dict[str, tuple[str, dict]] = {
    "DDPM": ("DDPMScheduler", BETAS),
    "DDIM": ("DDIMScheduler", BETAS),
    "PNDM": ("PNDMScheduler", BETAS | {"skip_prk_steps": True}),
    "LMS": ("LMSDiscreteScheduler", BETAS),
    "Euler": ("EulerDiscreteScheduler", BETAS),
    "Euler ancestral": ("EulerAncestralDiscreteScheduler", BETAS),
    "Heun": ("HeunDiscreteScheduler", BETAS),
    "KDPM2": ("KDPM2DiscreteScheduler", BETAS),
    "KDPM2 ancestral": ("KDPM2AncestralDiscreteScheduler", BETAS),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", BETAS),
    "DPM++ 2M SDE": ("DPMSolverMultistepScheduler", BETAS | {"algorithm_type": "sde-dpmsolver++"}),
    "DPM++ singlestep": ("DPMSolverSinglestepScheduler", BETAS),
    "DPM++ SDE": ("DPMSolverSDEScheduler", BETAS),
    "UniPC": ("UniPCMultistepScheduler", BETAS),
    "DEIS": ("DEISMultistepScheduler", BETAS),
    "LCM": ("LCMScheduler", BETAS),
    "TCD": ("TCDScheduler", BETAS),
    "EDM Euler": ("EDMEulerScheduler", {}),
    "Flow-match Euler": ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
}
# Everything diffusers refuses among family x spacing x steps, and why.
NO_SPACING = {"DPM++ singlestep", "EDM Euler", "Flow-match Euler"}  # the class has no timestep_spacing
FIFTY_STEPS = {"LCM", "TCD"}  # distilled to 50 timesteps: 999 steps do not fit


def distinct(scheduler) -> list[float]:
    """The distinct noise levels of a scheduler after set_timesteps, falling, without zero."""
    if hasattr(scheduler, "sigmas"):
        values = scheduler.sigmas.tolist()
    else:
        alpha_bar = scheduler.alphas_cumprod
        values = [(((1 - alpha_bar[t]) / alpha_bar[t]) ** 0.5).item() for t in scheduler.timesteps.tolist()]
    return sorted({value for value in values if value != 0.0}, reverse=True)


@functools.cache
def reference_scheduler(family: str, **extra: Any) -> Any:
    name, arguments = REFERENCE[family]
    return getattr(diffusers, name)(**arguments, **extra)


def reference(family: str, steps: int, **extra: Any) -> list[float]:
    scheduler = reference_scheduler(family, **extra)
    scheduler.set_timesteps(steps)
    return distinct(scheduler)


def assert_same(schedule: torch.Tensor, expected: list[float]) -> None:
    assert schedule.dtype == torch.float32
    assert schedule[-1] == 0.0
    assert schedule[:-1].tolist() == pytest.approx(expected, rel=1e-6)


def test_every_family_is_tested():
    assert tuple(FAMILIES) == SCHEDULERS, "the node offers other schedulers than there are, or in another order"
    assert set(FAMILIES) == set(REFERENCE)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_agrees_with_diffusers(family: str):
    """family x spacing x steps: the same values, or refused by both."""
    refused = set()
    for spacing in ("default", *SPACINGS):
        extra = {} if spacing == "default" else {"timestep_spacing": spacing}
        # diffusers takes seconds for each KDPM2, which it first makes with 1000 steps: few are enough there
        for steps in STEPS if spacing == "default" or not family.startswith("KDPM2") else (1, 20):
            options = ScheduleOptions(family, steps, timestep_spacing=spacing)
            try:
                expected = reference(family, steps=steps, **extra)
            except (TypeError, ValueError):
                refused.add((spacing, steps))
                with pytest.raises(ValueError, match=r"timestep_spacing: .*no such option|diffusers says: .+50 x 1.0"):
                    make_schedule(options)
                continue
            assert_same(make_schedule(options), expected)
    expected_refusals = {(s, n) for s in SPACINGS for n in STEPS} if family in NO_SPACING else set()
    expected_refusals |= {(s, 999) for s in ("default", *SPACINGS)} if family in FIFTY_STEPS else set()
    assert refused == expected_refusals


SIGMA_ARGUMENTS = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas", "beta": "use_beta_sigmas"}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("spacing", SIGMA_ARGUMENTS)
def test_sigma_spacings_agree_with_diffusers(family: str, spacing: str):
    for steps in (1, 20):
        argument = {SIGMA_ARGUMENTS[spacing]: True} if family != "EDM Euler" else {"sigma_schedule": spacing}
        options = ScheduleOptions(family, steps, sigma_spacing=spacing)
        try:
            expected = reference(family, steps=steps, **argument)
        except (TypeError, ValueError):
            with pytest.raises(ValueError, match=r"sigma_spacing: .*no such option"):
                make_schedule(options)
        else:
            assert_same(make_schedule(options), expected)


@pytest.mark.slow
@pytest.mark.parametrize("family", [f for f in FAMILIES if f not in NO_SPACING])
def test_offset_and_betas_agree_with_diffusers(family: str):
    name, arguments = REFERENCE[family]
    accepted = 0
    for beta_schedule in BETA_SCHEDULES:
        betas = arguments | {"beta_schedule": beta_schedule, "beta_start": 0.0001, "beta_end": 0.02}
        options = ScheduleOptions(
            family,
            10,
            timestep_spacing="leading",
            steps_offset=1,
            beta_schedule=beta_schedule,
            beta_start=0.0001,
            beta_end=0.02,
        )
        try:
            scheduler = getattr(diffusers, name)(**betas, timestep_spacing="leading", steps_offset=1)
        except NotImplementedError:
            with pytest.raises(ValueError, match=f"{re.escape(family)} cannot .*{beta_schedule} is not implemented"):
                make_schedule(options)
            continue
        scheduler.set_timesteps(10)
        assert_same(make_schedule(options), distinct(scheduler))
        accepted += 1
    assert accepted >= 3


def test_default_spacing_is_the_one_of_diffusers():
    assert_same(make_schedule(ScheduleOptions("DDIM", 10)), reference("DDIM", steps=10, timestep_spacing="leading"))
    assert_same(make_schedule(ScheduleOptions("Euler", 10)), reference("Euler", steps=10, timestep_spacing="linspace"))


@pytest.mark.parametrize(("family", "extra"), [("DEIS", 1), ("Heun", 0), ("KDPM2", 0), ("PNDM", 0), ("UniPC", 0)])
def test_number_of_steps(family: str, extra: int):
    """Repeats are gone, and DEIS, which diffusers ends above zero, takes one more step to it."""
    assert len(make_schedule(ScheduleOptions(family, 20))) == 20 + extra + 1


ZERO_SNR = [
    f
    for f in FAMILIES
    if f in {"DDPM", "DDIM", "Euler", "Euler ancestral", "DPM++ 2M", "DPM++ 2M SDE", "UniPC", "LCM", "TCD"}
]


@pytest.mark.parametrize("family", FAMILIES)
def test_zero_terminal_snr_is_finite(family: str):
    options = ScheduleOptions(
        family, 20, zero_terminal_snr=True, timestep_spacing="default" if family in NO_SPACING else "trailing"
    )
    if family not in ZERO_SNR:
        with pytest.raises(ValueError, match=r"zero_terminal_snr: .*no such option"):
            make_schedule(options)
        return
    schedule = make_schedule(options)
    # ComfyUI's alpha_bar instead of diffusers' 2**-24 or 0 at the first step; the others are diffusers' own.
    assert schedule[0].item() == pytest.approx(4518.7637, rel=1e-6)
    expected = reference(family, steps=20, timestep_spacing="trailing", rescale_betas_zero_snr=True)
    assert schedule[1:-1].tolist() == pytest.approx(expected[1:], rel=1e-6)


@pytest.mark.parametrize("denoise", [0.99, 0.75, 0.5, 0.3, 0.07])
@pytest.mark.parametrize("family", ["Euler", "DDIM", "Heun", "DEIS", "Flow-match Euler"])
def test_denoise_is_the_tail_of_a_longer_schedule(family: str, denoise: float):
    whole = make_schedule(ScheduleOptions(family, int(12 / denoise)))
    assert torch.equal(make_schedule(ScheduleOptions(family, 12, denoise)), whole[-13:])


def test_denoise_zero_is_empty():
    assert make_schedule(ScheduleOptions(denoise=0.0)).shape == (0,)


def test_a_models_table_counts_exactly():
    table = torch.linspace(0.01, 30.0, 640) ** 1.5
    noise = ModelNoise("betas", float(table[0]), float(table[-1]), table)
    schedule = make_schedule(ScheduleOptions("DDIM", 8, timestep_spacing="trailing", beta_schedule="exp"), noise)
    assert torch.allclose(schedule[:-1], table[torch.arange(639, 0, -80)], rtol=1e-6)
    karras = make_schedule(ScheduleOptions("DPM++ 2M", 8, sigma_spacing="karras"), noise)
    assert karras[[0, -2]].tolist() == pytest.approx([float(table[-1]), float(table[0])], rel=1e-6)


FLOW = ModelNoise("flow", 0.001, 1.0, shift=5.0)
EDM = ModelNoise("range", 0.002, 120.0)
VP = ModelNoise("betas", 0.03, 14.6, torch.linspace(0.03, 14.6, 1000))


def test_edm_and_flow_models():
    flow = make_schedule(ScheduleOptions("Flow-match Euler", 7, shift=1.0), FLOW)
    assert torch.equal(flow, make_schedule(ScheduleOptions("Flow-match Euler", 7, shift=5.0)))
    for noise in (EDM, VP):
        edm = make_schedule(ScheduleOptions("EDM Euler", 7), noise)
        assert edm[[0, -2]].tolist() == pytest.approx([noise.sigma_max, noise.sigma_min], rel=1e-6)


BAD = {
    "steps: 0": ScheduleOptions(steps=0),
    "steps: 10001": ScheduleOptions(steps=10001),
    "steps: DPM": ScheduleOptions("DPM++ 2M", 1500),
    "steps: Euler puts": ScheduleOptions("Euler", 20, 0.01, "leading"),
    "scheduler: 'euler'": ScheduleOptions("euler"),
    "scheduler: DDIM cannot": ScheduleOptions("DDIM", 1001),
    "scheduler: LCM cannot": ScheduleOptions("LCM", 30, 0.5),
    "timestep_spacing: 'even'": ScheduleOptions(timestep_spacing="even"),
    "sigma_spacing: 'linear'": ScheduleOptions(sigma_spacing="linear"),
    "beta_schedule: 'cosine'": ScheduleOptions(beta_schedule="cosine"),
    "beta_start: 0": ScheduleOptions(beta_start=0.0),
    "beta_end: nan": ScheduleOptions(beta_end=math.nan),
    "beta_end: the betas": ScheduleOptions(beta_schedule="linear", beta_end=0.9),
    "denoise: -0.5": ScheduleOptions(denoise=-0.5),
    "denoise: nan": ScheduleOptions(denoise=math.nan),
    "denoise: 500 steps": ScheduleOptions(steps=500, denoise=0.01),
    "steps_offset: -1": ScheduleOptions(steps_offset=-1),
    "steps_offset: the first": ScheduleOptions("DDIM", 999, steps_offset=2),
    "steps_offset: diffusers": ScheduleOptions("EDM Euler", steps_offset=1),
    "shift: 0": ScheduleOptions("Flow-match Euler", shift=0.0),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_options_are_named(message: str):
    with pytest.raises(ValueError, match="^" + re.escape(message)) as caught:
        make_schedule(BAD[message])
    assert any(word in str(caught.value) for word in ("Use ", "Choose ", "choose ", "uses ")), caught.value


@pytest.mark.parametrize(
    ("message", "options", "noise"),
    [
        ("a flow model", ScheduleOptions("Euler"), FLOW),
        ("not a flow model", ScheduleOptions("Flow-match Euler"), VP),
        ("no betas", ScheduleOptions("DDIM"), EDM),
        ("ends at sigma 14.6", ScheduleOptions("Euler", zero_terminal_snr=True), VP),
    ],
)
def test_a_model_that_does_not_fit_is_refused(message: str, options: ScheduleOptions, noise: ModelNoise):
    with pytest.raises(ValueError, match=message):
        make_schedule(options, noise)


INPUTS = {
    "scheduler",
    "steps",
    "denoise",
    "timestep_spacing",
    "steps_offset",
    "sigma_spacing",
    "beta_schedule",
    "beta_start",
    "beta_end",
    "zero_terminal_snr",
    "shift",
    "model",
}


def mostly(usual: Any, others: st.SearchStrategy) -> st.SearchStrategy:
    """The usual value five times out of six, so that enough combinations are ones that diffusers accepts."""
    return st.integers(0, 5).flatmap(lambda draw: others if draw == 5 else st.just(usual))


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    st.builds(
        ScheduleOptions,
        scheduler=st.sampled_from(list(FAMILIES)),
        steps=st.one_of(st.integers(1, 60), st.integers(1, 2000)),
        denoise=mostly(1.0, st.floats(0.0, 1.0)),
        timestep_spacing=mostly("default", st.sampled_from(TIMESTEP_SPACINGS)),
        steps_offset=mostly(0, st.integers(0, 999)),
        sigma_spacing=mostly("default", st.sampled_from(SIGMA_SPACINGS)),
        beta_schedule=mostly("linear", st.sampled_from(BETA_SCHEDULES)),
        beta_start=mostly(0.00085, st.floats(1e-5, 0.5)),
        beta_end=mostly(0.012, st.floats(1e-5, 0.5)),
        zero_terminal_snr=mostly(False, st.booleans()),
        shift=st.floats(0.01, 100.0),
    ),
    mostly(None, st.sampled_from([VP, EDM, FLOW])),
)
def test_any_schedule_falls_to_one_zero(options: ScheduleOptions, noise: ModelNoise | None):
    schedule, message = None, ""
    try:
        schedule = make_schedule(options, noise)
    except ValueError as error:
        message = str(error)
    event("made" if schedule is not None else "refused")
    if schedule is None:
        assert message.split(":")[0] in INPUTS, message
        return
    if options.denoise == 0.0:
        assert len(schedule) == 0
        return
    assert schedule.dtype == torch.float32
    assert bool(torch.isfinite(schedule).all())
    assert bool((schedule.diff() < 0.0).all())
    assert schedule[-1] == 0.0
    assert options.denoise == 1.0 or len(schedule) <= options.steps + 1
