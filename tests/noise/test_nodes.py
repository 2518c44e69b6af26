"""The nodes inside a real ComfyUI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # numpy 2 inside diffusers

ROOT = Path(__file__).resolve().parents[2]
SCHEDULE = {
    "scheduler": "Euler",
    "steps": 20,
    "denoise": 1.0,
    "timestep_spacing": "default",
    "steps_offset": 0,
    "sigma_spacing": "default",
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "zero_terminal_snr": False,
    "shift": 3.0,
}
CHART = {
    "axis": "sigma (log)",
    "names": "one\n\nthree",
    "title": "Noise",
    "model_type": "eps or v",
    "dark": False,
    "width": 400,
    "height": 320,
}
FORWARD = {
    "frames": 4,
    "spacing": "step",
    "seed": 5,
    "model_type": "eps or v",
    "captions": True,
    "columns": 0,
    "dark": False,
}
LATENT = {"frames": 4, "spacing": "step", "seed": 5, "unit_range": False}


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def graph(**schedule: Any) -> dict[str, Any]:
    return {
        "schedule": node("SteerNoiseSchedule", **SCHEDULE | schedule),
        "karras": node("SteerNoiseSchedule", **SCHEDULE | {"sigma_spacing": "karras"}),
        "chart": node("SteerSchedulePlot", sigmas_1=["schedule", 0], sigmas_3=["karras", 0], **CHART),
        "image": node("EmptyImage", width=48, height=32, batch_size=2, color=0x4080C0),
        "forward": node("SteerForwardDiffusion", image=["image", 0], sigmas=["schedule", 0], **FORWARD),
        "strip": node("PreviewImage", images=["forward", 0]),
        "frames": node("PreviewImage", images=["forward", 1]),
    }


def test_graph_runs_and_an_unchanged_rerun_executes_nothing(comfy):
    first = comfy.run(graph())
    assert first.error is None, first.message
    assert set(first.executed) == set(graph())
    assert len(first.outputs["chart"]["images"]) == 1
    assert len(first.outputs["frames"]["images"]) == 8  # two pictures, four frames each
    assert comfy.run(graph()).executed == []
    assert set(comfy.run(graph(steps=21)).executed) == {"schedule", "chart", "forward", "strip", "frames"}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"scheduler": "Eulr"}, "scheduler: 'Eulr' "),
        ({"timestep_spacing": "odd"}, "timestep_spacing: 'odd' "),
        ({"scheduler": "LCM", "steps": 60}, "diffusers says: "),
        ({"denoise": 0.0}, "sigmas_1: the schedule is empty, as it is at denoise 0"),
    ],
)
def test_bad_input_fails_with_its_name_and_the_next_prompt_runs(comfy, inputs: dict[str, Any], message: str):
    assert message in comfy.complaint(graph(**inputs))
    assert comfy.run(graph()).error is None


def test_an_unknown_choice_is_named_with_those_there_are(comfy):
    with pytest.raises(ValueError, match=r"scheduler: 'Eulr' is not known\. Choose one of: DDPM, DDIM"):
        comfy.call("SteerNoiseSchedule", **graph()["schedule"]["inputs"] | {"scheduler": "Eulr"})


@pytest.mark.parametrize("inputs", [{"steps": 0}, {"denoise": 1.5}, {"shift": 0.0}])
def test_widgets_out_of_range_are_refused_before_running(comfy, inputs: dict[str, Any]):
    valid, _, _, errors = comfy.validate(graph(**inputs))
    assert "schedule" in errors
    assert next(iter(inputs)) in str(errors["schedule"])
    assert not valid or "schedule" not in errors


class Sampling:
    """Stands for a MODEL that has nothing but the given model_sampling."""

    def __init__(self, model_sampling: Any) -> None:
        self.model_sampling = model_sampling

    def get_model_object(self, name: str) -> Any:
        return getattr(self, name)


@pytest.mark.parametrize("name", ["karras", "exponential"])
@pytest.mark.parametrize(("steps", "denoise"), [(20, 1.0), (20, 0.6), (7, 0.35), (1, 0.5), (4, 0.0)])
def test_denoise_and_model_mean_what_basic_scheduler_means(comfy, sd_model, name: str, steps: int, denoise: float):
    """ComfyUI's karras and exponential run over the whole range of the model, as diffusers' DPM++ 2M does."""
    options = {"scheduler": "DPM++ 2M", "sigma_spacing": name, "steps": steps, "denoise": denoise}
    ours = comfy.call("SteerNoiseSchedule", **SCHEDULE | options, model=sd_model)
    theirs = comfy.call("BasicScheduler", model=sd_model, scheduler=name, steps=steps, denoise=denoise)
    assert ours[0].dtype == torch.float32
    assert ours[0].device.type == "cpu"
    assert ours[0].tolist() == pytest.approx(theirs[0].tolist(), rel=1e-5)


def test_patches_of_the_model_count(comfy, sd_model):
    """Zero-terminal SNR by ComfyUI's own node: the schedule is the patched table, from ComfyUI's largest sigma on."""
    patch = comfy.nodes.NODE_CLASS_MAPPINGS["ModelSamplingDiscrete"]
    (patched,) = patch().patch(sd_model, "v_prediction", True)
    table = patched.get_model_object("model_sampling").sigmas
    options = SCHEDULE | {"scheduler": "DDIM", "timestep_spacing": "trailing", "steps": 10}
    for switch in (False, True):
        (sigmas,) = comfy.call("SteerNoiseSchedule", **options | {"zero_terminal_snr": switch}, model=patched)
        assert torch.allclose(sigmas[:-1], table[torch.arange(999, 0, -100)], rtol=1e-6)
    (without,) = comfy.call("SteerNoiseSchedule", **options | {"zero_terminal_snr": True})
    assert without[0].item() == pytest.approx(table[-1].item(), rel=1e-6)


def test_kinds_of_models(comfy):
    import comfy.model_sampling as sampling

    flow = {"scheduler": "Flow-match Euler", "steps": 6}

    class Flow(sampling.ModelSamplingDiscreteFlow, sampling.CONST):
        pass

    class Flux(sampling.ModelSamplingFlux, sampling.CONST):
        pass

    class Edm(sampling.ModelSamplingContinuousEDM, sampling.EDM):
        pass

    sd3, flux, edm = Flow(), Flux(), Edm()
    sd3.set_parameters(shift=2.5)
    flux.set_parameters(shift=1.15)
    for model, shift in ((sd3, 2.5), (flux, 3.158193)):  # exp(1.15)
        ours = comfy.call("SteerNoiseSchedule", **SCHEDULE | flow, model=Sampling(model))[0]
        wanted = comfy.call("SteerNoiseSchedule", **SCHEDULE | flow | {"shift": shift})[0]
        assert ours.tolist() == pytest.approx(wanted.tolist(), rel=1e-5)
        middle = model.sigma(model.timestep(torch.tensor(0.5)))
        assert middle == pytest.approx(shift * 0.5 / (1 + (shift - 1) * 0.5), rel=1e-5)
    ours = comfy.call("SteerNoiseSchedule", **SCHEDULE | {"scheduler": "EDM Euler"}, model=Sampling(edm))[0]
    assert ours[[0, -2]].tolist() == pytest.approx([120.0, 0.002], rel=1e-5)
    for model in (sd3, flux, edm):  # all of them can be drawn and can noise a picture
        options = {"scheduler": "EDM Euler"} if model is edm else flow
        (sigmas,) = comfy.call("SteerNoiseSchedule", **SCHEDULE | options, model=Sampling(model))
        inputs = {"image": torch.rand(1, 8, 8, 3), "sigmas": sigmas, "model": Sampling(model)}
        frames = comfy.call("SteerForwardDiffusion", **FORWARD, **inputs)[1]
        assert torch.equal(frames[0], inputs["image"][0])
    with pytest.raises(ValueError, match=r"model: .*'Euler' does not fit. Choose 'Flow-match Euler'"):
        comfy.call("SteerNoiseSchedule", **SCHEDULE, model=Sampling(flux))
    empty = torch.nn.Module()
    empty.sigma_min = empty.sigma_max = 1.0  # type: ignore
    with pytest.raises(ValueError, match=r"model: its noise \(Module\)"):
        comfy.call("SteerNoiseSchedule", **SCHEDULE, model=Sampling(empty))


def test_sampler_custom_advanced_takes_the_schedule(comfy, sd_model):
    (sigmas,) = comfy.call("SteerNoiseSchedule", **SCHEDULE | {"steps": 3, "denoise": 0.5}, model=sd_model)
    (guider,) = comfy.call("BasicGuider", model=sd_model, conditioning=[[torch.zeros(1, 4, 16), {}]])
    (sampler,) = comfy.call("KSamplerSelect", sampler_name="euler")
    (noise,) = comfy.call("RandomNoise", noise_seed=3)
    latent = {"samples": torch.ones(1, 4, 8, 8)}
    out, x0 = comfy.call(
        "SamplerCustomAdvanced", noise=noise, guider=guider, sampler=sampler, sigmas=sigmas, latent_image=latent
    )
    assert bool(torch.isfinite(out["samples"]).all())
    assert not torch.equal(out["samples"], latent["samples"])
    assert torch.allclose(out["samples"], x0["samples"], atol=1e-4)  # a schedule that ends at zero ends at x0


def test_frames_of_a_batch(comfy):
    image = torch.rand(3, 6, 5, 3)
    sigmas = torch.tensor([2.0, 1.0, 0.5, 0.0])
    strip, frames, labels = comfy.call("SteerForwardDiffusion", image=image, sigmas=sigmas, **FORWARD)
    assert frames.shape == (12, 6, 5, 3)
    assert len(labels) == 12
    assert labels[0] == labels[4] == "clean, sigma 0"
    assert torch.equal(frames[::4], image)  # bit for bit
    assert float(frames.min()) >= 0.0
    assert float(frames.max()) <= 1.0
    alone = comfy.call("SteerForwardDiffusion", image=image[2:], sigmas=sigmas, **FORWARD)[1]
    assert torch.equal(alone, frames[8:])  # a picture's frames do not depend on its batch
    assert strip.shape[0] == 1


def test_one_pixel_works(comfy):
    strip, frames, _ = comfy.call(
        "SteerForwardDiffusion", image=torch.rand(1, 1, 1, 3), sigmas=torch.tensor([1.0, 0.0]), **FORWARD
    )
    assert frames.shape == (2, 1, 1, 3)
    assert strip.shape[2] > 100  # wide enough for its captions


def test_latents_are_noised_as_core_noises_them(comfy, sd_model):
    """Against ComfyUI's AddNoise with the same seed; sigma 0 is the input bit for bit."""
    samples = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(2)) * 5.0
    latent = {"samples": samples, "noise_mask": torch.ones(1, 1, 8, 8), "batch_index": [0]}
    sigmas = torch.tensor([14.6, 3.0, 0.5, 0.0])
    frames, labels = comfy.call("SteerForwardDiffusionLatent", model=sd_model, latent=latent, sigmas=sigmas, **LATENT)
    assert set(frames) == {"samples"}
    assert torch.equal(frames["samples"][:1], samples)
    assert len(labels) == 4
    (noise,) = comfy.call("RandomNoise", noise_seed=5)
    for k, sigma in enumerate((0.5, 3.0, 14.6), start=1):
        level = torch.tensor([sigma])
        (core,) = comfy.call("AddNoise", model=sd_model, noise=noise, sigmas=level, latent_image={"samples": samples})
        assert torch.equal(frames["samples"][k : k + 1], core["samples"])
    scaled = comfy.call(
        "SteerForwardDiffusionLatent", model=sd_model, latent=latent, sigmas=sigmas, **LATENT | {"unit_range": True}
    )[0]["samples"]
    growth = (1.0 + torch.tensor([0.0, 0.5, 3.0, 14.6]) ** 2).sqrt().view(4, 1, 1, 1)
    assert torch.allclose(scaled * growth, frames["samples"], rtol=1e-5, atol=1e-5)


def test_flow_latents(comfy):
    import comfy.latent_formats as formats
    import comfy.model_sampling as sampling

    class Flow(sampling.ModelSamplingDiscreteFlow, sampling.CONST):
        pass

    model = Sampling(Flow())
    model.latent_format = formats.SD3()
    model.process_latent_in, model.process_latent_out = model.latent_format.process_in, model.latent_format.process_out
    samples = torch.randn(2, 16, 4, 4)
    sigmas = torch.tensor([1.0, 0.4, 0.0])
    for unit_range in (False, True):
        inputs = LATENT | {"frames": 3, "unit_range": unit_range}
        frames = comfy.call(
            "SteerForwardDiffusionLatent", model=model, latent={"samples": samples}, sigmas=sigmas, **inputs
        )[0]["samples"].view(2, 3, 16, 4, 4)
        assert torch.equal(frames[:, 0], samples)
        x0, x_t, noise = (model.process_latent_in(frames[:, k]) for k in range(3))
        assert torch.allclose(x_t, 0.6 * x0 + 0.4 * noise, atol=1e-4)
        assert torch.allclose(noise[0], noise[1], atol=1e-4)  # one noise


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (torch.zeros(0, 4, 8, 8), "latent: it is empty"),
        (torch.zeros(1, 16, 8, 8), "latent: it has 16 channels, and the connected model works with 4"),
        (torch.full((1, 4, 8, 8), torch.nan), "latent: it holds NaN"),
    ],
)
def test_bad_latents_are_named(comfy, sd_model, samples: torch.Tensor, message: str):
    with pytest.raises(ValueError, match=message):
        comfy.call(
            "SteerForwardDiffusionLatent",
            model=sd_model,
            latent={"samples": samples},
            sigmas=torch.tensor([1.0, 0.0]),
            **LATENT,
        )


def test_cancel_stops_the_frames(comfy):
    import comfy.model_management as management
    from steer.nodes.comfy_progress import track_progress

    frames = track_progress(range(5), 5)
    assert [next(frames), next(frames)] == [0, 1]
    management.interrupt_current_processing(True)
    with pytest.raises(management.InterruptProcessingException):
        next(frames)


@pytest.mark.slow
def test_logic_pulls_in_nothing_heavy():
    """Without ComfyUI: importing the logic of the family loads neither diffusers nor a plotting library."""
    code = (
        "import sys, importlib, importlib.util as u\n"
        f"s = u.spec_from_file_location('p', r'{ROOT / 'runner' / 'pack.py'}'); m = u.module_from_spec(s)\n"
        "s.loader.exec_module(m); m.load_pack()\n"
        "for n in ('schedule', 'process', 'plot', 'plot_axis', 'forward', 'filmstrip', 'reverse'):\n"
        "    importlib.import_module('steer.nodes.noise.' + n)\n"
        "print(sorted({'diffusers', 'cv2', 'matplotlib', 'transformers', 'scipy', 'comfy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
