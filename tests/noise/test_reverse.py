"""Reverse Diffusion samples as SamplerCustomAdvanced does, and its strips show what happened on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from steer.nodes.noise.process import standard_process
from steer.nodes.noise.reverse import StepFrame, choose_steps, frame_label
from tiny_model import sigmas_of, tiny_guider, tiny_model

pytestmark = pytest.mark.slow

STEPS = 5
KINDS = ("eps", "v", "flow")


@pytest.fixture(scope="module")
def models(comfy_session) -> dict[str, Any]:
    return {kind: tiny_model(kind) for kind in KINDS}


def inputs(model: Any, sampler: str = "euler", batch: int = 1, steps: int = STEPS, **latent: Any) -> dict[str, Any]:
    """What SamplerCustomAdvanced takes."""
    from comfy.samplers import sampler_object
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise

    return {
        "noise": Noise_RandomNoise(5),
        "guider": tiny_guider(model),
        "sampler": sampler_object(sampler),
        "sigmas": sigmas_of(model, steps),
        "latent_image": {"samples": torch.zeros(batch, 4, 8, 8)} | latent,
    }


def reverse(comfy, given: dict[str, Any], frames: int = 8, steps: str = "", order: str = "noise to picture") -> Any:
    return comfy.call("SteerReverseDiffusion", **given, frames=frames, steps=steps, order=order)


def sampler_names() -> list[str]:
    from steer.nodes.seeds.steps import REFUSED, STEP_NOISE

    return [*(name for name in STEP_NOISE if not name.startswith("unipc")), *REFUSED, "ddim", "uni_pc", "uni_pc_bh2"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m_sde", "uni_pc", "heun", "euler_ancestral_cfg_pp"])
def test_the_result_is_samplercustomadvanceds_bit_for_bit(comfy, models: dict[str, Any], kind: str, sampler: str):
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :5] = 1.0
    picture = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    for latent in ({}, {"samples": picture, "noise_mask": mask, "batch_index": [0, 1]}):
        stock = comfy.call("SamplerCustomAdvanced", **inputs(models[kind], sampler, 2, **latent))
        ours = reverse(comfy, inputs(models[kind], sampler, 2, **latent))
        for expected, found in zip(stock, ours[:2], strict=True):
            assert torch.equal(expected["samples"], found["samples"])
            assert expected.keys() == found.keys()


@pytest.mark.parametrize("sampler", sampler_names())
def test_every_sampler_gives_true_pairs_and_the_same_result(comfy, models: dict[str, Any], sampler: str):
    """x0 is the model's answer to x_t at that sigma: asking the model again gives the same picture."""
    model = models["eps"]
    stock = comfy.call("SamplerCustomAdvanced", **inputs(model, sampler))
    output, _, x_t, x0, labels = reverse(comfy, inputs(model, sampler), frames=256)
    assert torch.equal(stock[0]["samples"], output["samples"])
    assert torch.equal(x_t["samples"][-1:], output["samples"]), "the last frame is the result"
    assert torch.equal(x0["samples"][-1:], output["samples"])
    assert labels[-1] == "result"
    own, to_model = model.get_model_object("model_sampling"), model.model.process_latent_in
    for index, label in enumerate(labels[:-1]):
        sigma = float(label.split("sigma ")[1].split(",")[0])
        x = to_model(x_t["samples"][index : index + 1]) * (1.0 + sigma**2) ** 0.5
        answer = evaluate_again(model, x, torch.tensor([sigma]), sampler.endswith("cfg_pp"))
        scale = float(answer.abs().max())
        assert float((answer - to_model(x0["samples"][index : index + 1])).abs().max()) < 0.03 * scale, label
        assert own.sigma_min * 0.9 < sigma <= own.sigma_max * 1.001
    if sampler not in ("dpm_fast", "dpm_adaptive"):  # which choose their own steps
        assert [label.split(",")[0] for label in labels[:-1]] == [f"step {i} of {STEPS}" for i in range(STEPS)]


def evaluate_again(model: Any, x: torch.Tensor, sigma: torch.Tensor, cfg_pp: bool) -> torch.Tensor:
    """The guider's x0 for x at sigma, by one Euler step to zero."""
    from comfy.samplers import KSAMPLER

    found: list[torch.Tensor] = []

    def ask(
        wrapped: Any, start: torch.Tensor, sigmas: torch.Tensor, extra_args: dict[str, Any], **_: Any
    ) -> torch.Tensor:
        found.append(wrapped(x, sigma, **extra_args))
        return start

    with torch.inference_mode():
        guider = tiny_guider(model)
        guider.sample(
            torch.zeros_like(x), torch.zeros_like(x), KSAMPLER(ask), torch.tensor([float(sigma), 0.0]), seed=0
        )
    return found[0]


@pytest.mark.parametrize("kind", KINDS)
def test_strips_hold_x_t_in_unit_range_and_the_models_x0(comfy, models: dict[str, Any], kind: str):
    """Against the progress callback of a stock Euler run, whose x and denoised are these two."""
    model = models[kind]
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    given = inputs(model, batch=2)
    with torch.inference_mode():
        noise = given["noise"].generate_noise(given["latent_image"])
        given["guider"].sample(
            noise,
            given["latent_image"]["samples"],
            given["sampler"],
            given["sigmas"],
            seed=5,
            callback=lambda i, x0, x, total: seen.append((x.clone(), x0.clone())),
        )
    _, _, x_t, x0, labels = reverse(comfy, inputs(model, batch=2), steps="0, 1, 2, 3, 4")
    assert len(labels) == len(x_t["samples"]) == 2 * STEPS
    out = model.model.process_latent_out
    sigmas = given["sigmas"].tolist()
    for step, (x, denoised) in enumerate(seen):
        scale = 1.0 if kind == "flow" else (1.0 + sigmas[step] ** 2) ** -0.5
        for picture in (0, 1):
            index = picture * STEPS + step
            assert torch.allclose(x_t["samples"][index], out(x[picture] * scale), rtol=1e-5, atol=1e-5)
            assert torch.equal(x0["samples"][index], out(denoised[picture]))
    unit = x_t["samples"][0] * model.model.latent_format.scale_factor
    assert abs(float(unit.std()) - 1.0) < 0.15, "the first frame is plain noise of unit variance"


def test_a_schedule_that_stops_short_of_zero_keeps_its_noise(comfy, models: dict[str, Any]):
    for kind in KINDS:
        given = inputs(models[kind])
        given["sigmas"] = given["sigmas"][:4]
        whole = reverse(comfy, inputs(models[kind]), steps="3")
        _, denoised, x_t, x0, labels = reverse(comfy, given, steps="3")
        assert labels[0].startswith("step 3 of 3, t ")
        assert torch.allclose(x_t["samples"], whole[2]["samples"], rtol=1e-4, atol=1e-4)
        assert torch.allclose(x0["samples"], denoised["samples"], rtol=1e-5, atol=1e-5)


class _Silent:
    """A SAMPLER, as another pack may have it, that reports no step."""

    def sample(
        self, model_wrap: Any, sigmas: torch.Tensor, extra_args: Any, callback: Any, noise: torch.Tensor, *rest: Any
    ) -> torch.Tensor:
        return model_wrap(noise, sigmas[:1])


@pytest.mark.parametrize("sampler", ["dpm_fast", "silent"])
def test_steps_that_are_not_reported_lose_no_result(
    comfy, models: dict[str, Any], sampler: str, caplog: pytest.LogCaptureFixture
):
    """dpm_fast reports 7 of 20 steps."""
    given = inputs(models["eps"], "dpm_fast", steps=20)
    if sampler == "silent":
        given["sampler"] = _Silent()
    stock = comfy.call("SamplerCustomAdvanced", **given)
    output, _, x_t, x0, labels = reverse(comfy, given, steps="10")
    assert torch.equal(output["samples"], stock[0]["samples"])
    assert torch.equal(x_t["samples"], output["samples"])
    assert torch.equal(x0["samples"], output["samples"])
    assert labels == ["result"]
    reported = 7 if sampler == "dpm_fast" else 0
    assert f"reported {reported} of the schedule's 20 steps, so there is no frame of step 10." in caplog.text


def test_the_schedule_is_left_as_it_was(comfy, models: dict[str, Any]):
    """uni_pc writes into the one it is given, and ComfyUI gives the same one to the next run and to other nodes."""
    given = inputs(models["eps"], "uni_pc")
    first, second = (reverse(comfy, given, steps="4, 5") for _ in range(2))
    assert torch.equal(given["sigmas"], sigmas_of(models["eps"], STEPS))
    assert torch.equal(first[0]["samples"], second[0]["samples"])
    assert first[4] == second[4]
    assert second[4][-1] == "result"


def test_an_empty_schedule_returns_the_latent(comfy, models: dict[str, Any]):
    picture = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(3))
    given = inputs(models["eps"], samples=picture) | {"sigmas": torch.FloatTensor([])}
    output, _, x_t, x0, labels = reverse(comfy, given)
    assert torch.equal(output["samples"], picture)
    assert torch.allclose(x_t["samples"], picture, rtol=1e-6)
    assert torch.allclose(x0["samples"], picture, rtol=1e-6)
    assert labels == ["result"]


def test_strips_carry_no_mask_of_the_latent_and_run_both_ways(comfy, models: dict[str, Any]):
    given = inputs(models["eps"], noise_mask=torch.ones(1, 1, 8, 8), batch_index=[0])
    _, _, forward, _, labels = reverse(comfy, given, frames=3)
    assert forward.keys() == {"samples"}
    _, _, backward, _, reversed_labels = reverse(comfy, inputs(models["eps"]), frames=3, order="picture to noise")
    assert reversed_labels == labels[::-1]
    assert torch.equal(backward["samples"], forward["samples"].flip(0))


@pytest.mark.parametrize("steps", [1, 2, 5, 20, 33])
@pytest.mark.parametrize("frames", [2, 3, 8, 256])
def test_even_steps_are_those_of_forward_diffusion(frames: int, steps: int):
    """Both strips over one axis: the same noise levels, frame by frame."""
    from steer.nodes.noise.forward import frame_sigmas

    sigmas = torch.linspace(14.0, 0.0, steps + 1, dtype=torch.float64)
    levels = frame_sigmas(sigmas, frames, "step", standard_process("eps or v"))
    chosen = choose_steps("", frames, steps)
    assert sigmas[chosen].flip(0).tolist() == levels.tolist()
    assert {chosen[0], chosen[-1]} == {0, steps}


def test_steps_by_name():
    assert choose_steps(" 5,0 , 20,5", 8, 20) == [0, 5, 20]
    for text in ("21", "-1", "1.5", "1,,2", "two", "9" * 5000, "\u0663"):
        with pytest.raises(ValueError, match=r"steps: '.*' is not a step of this schedule"):
            choose_steps(text, 8, 20)


def test_labels_tell_step_and_noise():
    process = standard_process("eps or v")
    frame = StepFrame(5, 1.0, torch.zeros(1), torch.zeros(1))
    label = frame_label(frame, 20, process)
    assert label.startswith("step 5 of 20, t ")
    assert label.endswith("sigma 1, SNR 1")
    assert frame_label(StepFrame(20, 0.0, torch.zeros(1), torch.zeros(1)), 20, process) == "result"


def test_bad_input_is_refused_before_sampling(comfy, models: dict[str, Any]):
    from comfy.nested_tensor import NestedTensor

    def never(*_: Any) -> None:
        raise AssertionError("it sampled")

    given = inputs(models["eps"])
    given["noise"].generate_noise = never
    for wrong, message in (({"order": "sideways"}, "order: 'sideways'"), ({"steps": "6"}, "steps: '6'")):
        with pytest.raises(ValueError, match=message):
            reverse(comfy, given, **wrong)
    given["latent_image"] = {"samples": NestedTensor([torch.zeros(1, 4, 8, 8)])}
    with pytest.raises(ValueError, match="latent_image: latents of several parts"):
        reverse(comfy, given)


def test_preview_and_cancel_work_as_usual(comfy, models: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    import comfy.model_management as management
    from comfy.cli_args import LatentPreviewMethod, args
    from comfy.utils import set_progress_bar_global_hook

    monkeypatch.setattr(args, "preview_method", LatentPreviewMethod.Latent2RGB)
    reports: list[tuple[int, int]] = []
    previews: list[tuple[int, int]] = []

    def hook(value: int, total: int, preview: Any, node_id: Any = None) -> None:
        reports.append((value, total))
        previews.append(preview[1].size)
        if value == 3:
            management.interrupt_current_processing()
        management.throw_exception_if_processing_interrupted()

    given = inputs(models["eps"])
    set_progress_bar_global_hook(hook)
    try:
        with pytest.raises(management.InterruptProcessingException):
            reverse(comfy, given)
    finally:
        set_progress_bar_global_hook(None)
        management.interrupt_current_processing(False)
    assert reports == [(1, STEPS), (2, STEPS), (3, STEPS)]
    assert previews == [given["latent_image"]["samples"].shape[:-3:-1]] * 3, "one pixel for a cell of the latent"


class _Idle:
    """A SAMPLER that asks a model and reports each step as samplers do, but in no time: what is left is overhead."""

    def sample(
        self, model_wrap: Any, sigmas: torch.Tensor, extra_args: Any, callback: Any, noise: torch.Tensor, *rest: Any
    ) -> torch.Tensor:
        for step in range(len(sigmas) - 1):
            callback(step, model_wrap(noise, sigmas[step : step + 1]), noise, len(sigmas) - 1)
        return noise


def test_watching_costs_under_three_percent(comfy, models: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    """The overhead of a step with every frame copied, against a step of the tiny model, quicker than any real one."""
    from comfy.samplers import CFGGuider

    monkeypatch.setattr(CFGGuider, "__call__", lambda self, x, sigma: x)
    idle = inputs(models["eps"], steps=100) | {"sampler": _Idle()}
    watched = least_seconds(lambda: reverse(comfy, idle, frames=256))
    unwatched = least_seconds(lambda: comfy.call("SamplerCustomAdvanced", **idle))
    monkeypatch.undo()
    sampled = least_seconds(lambda: comfy.call("SamplerCustomAdvanced", **inputs(models["eps"], steps=20)), runs=3)
    assert (watched - unwatched) / 100 < 0.03 * sampled / 20


def least_seconds(action: Callable[[], object], runs: int = 8) -> float:
    """CPU seconds of the quickest run: what other work on the machine cannot lengthen."""
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        action()
        seconds.append(time.process_time() - started)
    return min(seconds)
