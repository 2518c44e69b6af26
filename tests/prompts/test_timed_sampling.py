"""Timed Swap as samplers see it: the prompt of every model evaluation, recorded from inside ComfyUI's samplers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from steer.nodes.prompts.choices import BY_SCHEDULE, BY_STEPS
from steer.nodes.prompts.timed import LOOK_AHEAD, OWN_SIGMAS, plan_timed
from steer.nodes.timed_ranges import percent_between, warn_overwritten
from tiny_model import CONTEXT, sigmas_of, tiny_conditioning, tiny_model

SCHEDULERS = (
    "simple",
    "sgm_uniform",
    "karras",
    "exponential",
    "ddim_uniform",
    "beta",
    "normal",
    "linear_quadratic",
    "kl_optimal",
)
TIMES = ("0.2", "0.4", "0.5", "0.7", "0.85")
STEPS = (5, 20, 33)
SAMPLERS = ("euler", "dpmpp_2m", "heun")
KINDS = ("eps", "v", "flow")


@dataclass
class Encoder:
    """A CLIP whose tokens hold the number of the text; texts of different length have different numbers of tokens."""

    texts: list[str] = field(default_factory=list)

    def tokenize(self, text: str) -> str:
        return text

    def encode_from_tokens_scheduled(self, text: str) -> list[Any]:
        self.texts.append(text)
        tokens = 8 * (1 + len(self.texts) % 2)
        return [[torch.full((1, tokens, CONTEXT), float(len(self.texts))), {"pooled_output": None}]]


@dataclass
class Recording:
    """The sigma of every evaluation, and the numbers of the prompts that the network was given at it."""

    sigmas: list[float] = field(default_factory=list)
    prompts: list[list[int]] = field(default_factory=list)

    def evaluation(
        self, executor: Any, model: Any, conds: Any, x: torch.Tensor, timestep: torch.Tensor, options: Any
    ) -> Any:
        self.sigmas.append(float(timestep[0]))
        self.prompts.append([])
        return executor(model, conds, x, timestep, options)

    def network(self, apply: Any, given: dict[str, Any]) -> torch.Tensor:
        for tokens, kind in zip(given["c"]["c_crossattn"], given["cond_or_uncond"], strict=True):
            if kind == 0:
                self.prompts[-1].append(int(tokens[0, 0]))
        return given["input"] * 0.1

    def changes(self) -> list[int]:
        """Before which evaluations the prompt changes; fails unless every evaluation sees exactly one."""
        assert all(len(seen) == 1 for seen in self.prompts), self.prompts
        return [i for i in range(1, len(self.prompts)) if self.prompts[i] != self.prompts[i - 1]]


@pytest.fixture(scope="module")
def models(comfy_session) -> dict[str, Any]:
    return {kind: tiny_model(kind) for kind in KINDS}


def sample(model: Any, sampler: str, sigmas: torch.Tensor, conditioning: list[Any]) -> Recording:
    """Run a stock sampler over 8x8 latents with a stub for the network."""
    import comfy.patcher_extension
    import comfy.samplers

    recording = Recording()
    watched = model.clone()
    watched.set_model_unet_function_wrapper(recording.network)
    watched.add_wrapper(comfy.patcher_extension.WrappersMP.CALC_COND_BATCH, recording.evaluation)
    guider = comfy.samplers.CFGGuider(watched)
    guider.set_conds(conditioning, tiny_conditioning(2))
    guider.set_cfg(4.0)
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    stock = comfy.samplers.sampler_object(sampler)
    with torch.inference_mode():
        guider.sample(noise, torch.zeros_like(noise), stock, sigmas.clone(), disable_pbar=True, seed=1)
    return recording


def timed(comfy, model: Any, sigmas: torch.Tensor, text: str, mode: str = BY_STEPS) -> tuple[list[Any], str, list[str]]:
    """Conditioning and report of the node, and what it encoded."""
    encoder = Encoder()
    conditioning, report = comfy.call("SteerTimedSwap", clip=encoder, model=model, sigmas=sigmas, text=text, time=mode)
    return conditioning, report, encoder.texts


def reported(report: str, sigmas: torch.Tensor) -> list[int]:
    """The steps after which the report says it switches; their sigma must be the schedule's."""
    found = re.findall(r"^switches after step (\d+) of (\d+) \(sigma (.+)\)$", report, re.MULTILINE)
    for step, total, sigma in found:
        assert int(total) == len(sigmas) - 1
        assert float(sigma) == pytest.approx(float(sigmas[int(step)]), rel=6e-3)
    return [int(step) for step, _, _ in found]


@pytest.mark.slow
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_the_prompt_changes_where_the_report_says(comfy, models: dict[str, Any], scheduler: str, steps: int):
    sigmas = sigmas_of(models["eps"], steps, scheduler)
    for time in TIMES:
        conditioning, report, _ = timed(comfy, models["eps"], sigmas, f"girl, [smiling:angry:{time}]")
        (step,) = reported(report, sigmas)
        assert step == int(float(time) * (len(sigmas) - 1) + 1e-9)
        for sampler in SAMPLERS:
            seen = sample(models["eps"], sampler, sigmas, conditioning)
            assert seen.prompts[0] == [1]
            # heun looks ahead: the second evaluation of the last step before the switch is beyond it.
            assert seen.changes() == [2 * step - 1 if sampler == "heun" else step]


@pytest.mark.parametrize("kind", KINDS)
def test_every_sampler_is_of_the_kind_that_the_report_names(comfy, models: dict[str, Any], kind: str):
    from comfy.samplers import SAMPLER_NAMES

    steps, switch = 6, 3
    model = models[kind]
    sigmas = sigmas_of(model, steps)
    edges = sigmas.tolist()
    conditioning, report, _ = timed(comfy, model, sigmas, f"[smiling:angry:{switch}]")
    ahead, own = [], []
    for sampler in SAMPLER_NAMES:
        seen = sample(model, sampler, sigmas, conditioning)
        change = seen.changes()[0]  # heunpp2 looks two steps ahead and comes back
        assert seen.sigmas[change] < edges[switch - 1]
        # Of the later steps: some samplers begin a flow model's first step a little below its sigma of 1.
        starts = [seen.sigmas.index(edge) for edge in edges[1:-1] if seen.sigmas.count(edge) == 1]
        if len(starts) == steps - 1 and seen.sigmas == sorted(seen.sigmas, reverse=True):
            # Each step begins at its sigma and stays above the next: the prompt changes with the first of step 4.
            if change != starts[switch - 1]:
                ahead.append(sampler)
        elif edges[1] in seen.sigmas:
            ahead.append(sampler)
        else:
            own.append(sampler)
    assert set(own) == set(OWN_SIGMAS)
    assert set(ahead) <= set(LOOK_AHEAD)
    assert kind == "flow" or set(ahead) == set(LOOK_AHEAD) & set(SAMPLER_NAMES)
    assert all(name in report for name in (*LOOK_AHEAD, *OWN_SIGMAS))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheduler", ["simple", "karras", "beta"])
def test_many_prompts_in_one_run(comfy, models: dict[str, Any], kind: str, scheduler: str):
    sigmas = sigmas_of(models[kind], 12, scheduler)
    text = "[[a|b]:c:0.5] [:d:0.75]"
    conditioning, report, encoded = timed(comfy, models[kind], sigmas, text)
    assert encoded == ["a ", "b ", "c ", "c d"], "each distinct prompt is encoded once"
    assert reported(report, sigmas) == [1, 2, 3, 4, 5, 6, 9]
    seen = sample(models[kind], "euler", sigmas, conditioning)
    assert seen.changes() == [1, 2, 3, 4, 5, 6, 9]
    assert [number for (number,) in seen.prompts] == [1, 2] * 3 + [3] * 3 + [4] * 3


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        # Core's own numbers for SD 1.5 at 20 steps: how many steps come before a start_percent.
        ("normal", [4, 8, 10, 16]),
        ("sgm_uniform", [4, 8, 10, 16]),
        ("karras", [5, 8, 9, 12]),
        ("exponential", [4, 6, 7, 10]),
        ("beta", [6, 9, 11, 15]),
    ],
)
def test_a_fraction_of_the_schedule_is_comfyuis_percent(
    comfy, models: dict[str, Any], scheduler: str, expected: list[int]
):
    model = models["eps"]
    sigmas = sigmas_of(model, 20, scheduler)
    found = []
    for time in ("0.2", "0.4", "0.5", "0.8"):
        conditioning, report, _ = timed(comfy, model, sigmas, f"[a:b:{time}]", BY_SCHEDULE)
        found += reported(report, sigmas)
        assert sample(model, "euler", sigmas, conditioning).changes() == found[-1:]
    assert found == expected


@pytest.mark.parametrize("mode", [BY_STEPS, BY_SCHEDULE])
@pytest.mark.parametrize("kind", KINDS)
def test_the_ends_of_the_run_belong_to_one_prompt(comfy, models: dict[str, Any], kind: str, mode: str):
    sigmas = sigmas_of(models[kind], 5)
    for time, text in (("0.0", "b"), ("1.0", "a")):
        conditioning, report, encoded = timed(comfy, models[kind], sigmas, f"[a:b:{time}]", mode)
        assert encoded == [text]
        assert "no switch: every switch lies before the first or after the last step" in report
        assert sample(models[kind], "euler", sigmas, conditioning).changes() == []
    assert "no switch is written" in timed(comfy, models[kind], sigmas, "a girl", mode)[1]


def test_part_of_a_run_counts_its_own_steps(comfy, models: dict[str, Any]):
    sigmas = sigmas_of(models["eps"], 20)[12:]  # as with denoise 0.4
    conditioning, report, _ = timed(comfy, models["eps"], sigmas, "[a:b:0.5]")
    assert reported(report, sigmas) == [4]
    assert sample(models["eps"], "euler", sigmas, conditioning).changes() == [4]


def test_no_sigma_falls_between_two_prompts(comfy, models: dict[str, Any]):
    """On either side of the boundary, down to the next float32, exactly one of the two ranges holds."""
    own = models["eps"].get_model_object("model_sampling")
    sigmas = sigmas_of(models["eps"], 20)
    for high, low in zip(sigmas[:-2].tolist(), sigmas[1:-1].tolist(), strict=True):
        percent = percent_between(high, low, own.percent_to_sigma)
        assert percent is not None
        boundary = torch.tensor(own.percent_to_sigma(percent))
        for sigma in (
            boundary,
            torch.nextafter(boundary, torch.tensor(0.0)),
            torch.nextafter(boundary, torch.tensor(99.0)),
        ):
            before, after = (
                not bool(sigma < own.percent_to_sigma(percent)),
                not bool(sigma > own.percent_to_sigma(percent)),
            )
            assert before + after == (2 if sigma == boundary else 1)
        assert low < float(boundary) < high


def test_the_real_text_encoder_of_the_demo_model(comfy):
    model, clip, _ = comfy.call("SteerDemoModel")
    sigmas = sigmas_of(model, 20)
    conditioning, report = comfy.call(
        "SteerTimedSwap", clip=clip, model=model, sigmas=sigmas, text="cute girl, [smiling:angry:0.4]", time=BY_STEPS
    )
    for (tokens, values), text in zip(conditioning, ("cute girl, smiling", "cute girl, angry"), strict=True):
        ((stock, _),) = comfy.nodes.CLIPTextEncode().encode(clip, text)[0]
        assert torch.equal(tokens, stock)
        assert "pooled_output" in values
    assert conditioning[0][1]["end_percent"] == conditioning[1][1]["start_percent"]
    assert warn_overwritten([conditioning]) == ""
    (flat,) = comfy.nodes.NODE_CLASS_MAPPINGS["ConditioningSetTimestepRange"]().set_range(conditioning, 0.1, 0.9)
    assert "wrote over the steps of Timed Swap" in warn_overwritten([flat])
    assert report.splitlines()[:3] == [
        "steps 1-8: cute girl, smiling",
        f"switches after step 8 of 20 (sigma {float(sigmas[8]):.3g})",
        "steps 9-20: cute girl, angry",
    ]


def falling(percent: float) -> float:
    return 14.6 * (1.0 - percent)


@pytest.mark.parametrize(
    ("sigmas", "fault"),
    [
        ([], "has no step"),
        ([1.0], "has no step"),
        ([[3.0, 0.0]], "has no step"),
        ([3.0, float("nan"), 0.0], "NaN"),
        ([float("inf"), 1.0, 0.0], "NaN, infinite"),
        ([0.0, 1.0, 3.0], "rises"),
        ([3.0, 3.0, 0.0], "no moment between step 1 (sigma 3) and step 2"),
        ([3.0, 2.999999, 0.0], ""),
        ([30.0, 20.0, 0.0], "no moment between step 1 (sigma 30) and step 2"),
    ],
)
def test_unusable_schedules_are_refused(sigmas: Sequence[float], fault: str):
    if not fault:
        (percent,) = plan_timed("[a:b:1]", torch.tensor(sigmas), falling, BY_STEPS).percents
        assert sigmas[1] < falling(percent) < sigmas[0]
        return
    with pytest.raises(ValueError, match="sigmas: ") as caught:
        plan_timed("[a:b:1]", torch.tensor(sigmas), falling, BY_STEPS)
    assert fault in str(caught.value)


def test_other_faults_are_named(comfy, models: dict[str, Any]):
    sigmas = sigmas_of(models["eps"], 5)
    with pytest.raises(ValueError, match="clip: there is none"):
        comfy.call("SteerTimedSwap", clip=None, model=models["eps"], sigmas=sigmas, text="a", time=BY_STEPS)
    with pytest.raises(ValueError, match="time: 'soon' is not known"):
        timed(comfy, models["eps"], sigmas, "a", "soon")
    with pytest.raises(ValueError, match="text, character 4"):
        timed(comfy, models["eps"], sigmas, "[a:b]")
