"""Control Meter on every family with a control: not one bit of the picture, linear in strength, 0 where it must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
import torch
from steer.nodes.control.meter.readings import Reading, collect_shares, find_step, percent, write_report
from steer.nodes.control.meter.residuals import MeteredResidual, ResidualPart
from zoo.bench import GUIDE, Bench, hint
from zoo.controls import KINDS, kinds_here
from zoo.controls import Kind as NetKind
from zoo.families import BY_NAME
from zoo.patches import PATCHES, patches_here

pytestmark = pytest.mark.slow
STEPS = 5


def inputs(bench: Bench, guided: tuple[Any, Any, Any], steps: int = STEPS) -> dict[str, Any]:
    """What SamplerCustomAdvanced takes."""
    model, positive, negative = guided
    call = bench.comfy.call
    (guider,) = call("CFGGuider", model=model, positive=positive, negative=negative, cfg=4.0)
    (sampler,) = call("KSamplerSelect", sampler_name="euler")
    (noise,) = call("RandomNoise", noise_seed=5)
    given = {"noise": noise, "guider": guider, "sampler": sampler, "latent_image": bench.family.latent()}
    return given | {"sigmas": bench.sigmas(steps)}


def read(bench: Bench, guided: tuple[Any, Any, Any], steps: int = STEPS) -> list[Reading]:
    from steer.nodes.control.meter.comfy_meter import sample_metered

    given = inputs(bench, guided, steps)
    with torch.inference_mode():
        *_, readings = sample_metered(
            *(given[name] for name in ("noise", "guider", "sampler", "sigmas", "latent_image"))
        )
    return readings.collect()


def strength_used(net: Any, strength: float) -> float:
    """What ComfyUI's own object makes of a strength: that of Fun of Qwen-Image takes the square root."""
    import comfy.controlnet

    if not isinstance(net, comfy.controlnet.ControlNet):
        return strength
    stock = net.copy()
    stock.strength = strength
    with patch.object(comfy.controlnet.ControlNet, "get_control", lambda self, *_: self.strength):
        return stock.get_control(None, None, None, 1, {})  # type: ignore


@pytest.fixture(params=[*KINDS, *PATCHES], ids=lambda kind: kind.name)
def one(request: pytest.FixtureRequest, comfy: Any, bench: Callable[..., Bench]) -> Bench:
    """A bench for each kind of control."""
    if request.param not in (*kinds_here(), *patches_here()):
        pytest.skip("not in this ComfyUI")
    return bench(request.param)


def test_no_bit_changes_and_it_is_linear_and_zero_outside_of_window_and_mask(one: Bench):
    left = torch.zeros(1, 64, 64)
    left[..., :32] = 1.0
    mask = left if one.kind.inpaint else None
    guided = one.guided(strength=0.8, start_percent=0.3, end_percent=0.7, mask=mask)
    given = inputs(one, guided)
    output, denoised, chart, report = one.comfy.call("SteerControlMeter", **given)
    stock = one.comfy.call("SamplerCustomAdvanced", **given)
    assert torch.equal(output["samples"], stock[0]["samples"])
    assert torch.equal(denoised["samples"], stock[1]["samples"])
    assert chart.ndim == 4
    assert report.startswith("1. ")

    edges = one.sigmas(STEPS).tolist()
    (shares,) = collect_shares(read(one, guided), ["1"], edges)
    sampling = one.model.get_model_object("model_sampling")
    high, low = (float(sampling.percent_to_sigma(share)) for share in (0.3, 0.7))
    assert [share > 0.0 for share in shares.steps] == [low <= edge <= high for edge in edges[:-1]]

    used = strength_used(one.net, 0.5) / strength_used(one.net, 1.0)
    half, whole = ({r.layer: r.added for r in read(one, one.guided(strength=s, mask=mask), 1)} for s in (0.5, 1.0))
    assert half.keys() == whole.keys()
    # What a patch adds later also depends on what it added first; Fun of Z-Image adds nothing to the refiner.
    first = next(layer for layer in whole if half[layer] or whole[layer])
    for layer in half if isinstance(one.kind, NetKind) else [first]:
        assert (half[layer] / whole[layer]) ** 0.5 == pytest.approx(used, rel=1e-5), layer

    if not one.kind.inpaint:
        masked = read(one, one.guided(mask=left), 1)
        assert sum(reading.outside for reading in masked) == 0.0
        assert sum(reading.added for reading in masked) > 0.0


def test_two_controls_of_a_chain_are_kept_apart(comfy: Any, bench: Callable[..., Bench]):
    """One with a mask and of mode "control", which the negative side does not have: two shapes of chains."""
    first = bench(next(kind for kind in KINDS if kind.name == "ControlNet of SDXL"))
    model, positive, negative = first.guided(strength=0.5)
    second = {"image": hint(4), "strength": 0.7, "mode": "control", "mask": torch.eye(64)[None]}
    positive, negative, *_ = comfy.call(
        "SteerControlNetGuide",
        **(GUIDE | {"positive": positive, "negative": negative, "control_net": first.kind.build(2)} | second),
        latent=first.family.latent(),
    )
    given = inputs(first, (model, positive, negative), 2)
    output, _, _, report = comfy.call("SteerControlMeter", **given)
    assert torch.equal(output["samples"], comfy.call("SamplerCustomAdvanced", **given)[0]["samples"])
    assert report.startswith("1. ControlNet, strength 0.5, 0 % to 100 %\n")
    assert "\n2. ControlNet, strength 0.7, 0 % to 100 %, mode control, with a mask\n" in report
    assert "Outside of its mask it adds 0 %." in report
    assert "3. " not in report


def test_a_guider_without_a_control_says_what_to_connect(comfy: Any, bench: Callable[..., Bench]):
    plain = bench(KINDS[1])
    with pytest.raises(ValueError, match=r"guider: neither its prompts nor its model have a control\. Connect"):
        comfy.call("SteerControlMeter", **inputs(plain, plain.plain))
    assert plain.family is BY_NAME["SD 1.5"]


def test_a_sum_is_that_of_plain_tensors_and_is_noted_once_also_after_other_operations():
    generator = torch.Generator().manual_seed(1)
    hidden, first, second = (torch.randn(2, 6, 4, generator=generator) for _ in range(3))
    noted: list[list[float]] = []

    def note(parts: Any, met: torch.Tensor) -> None:
        noted.append([float(part.tensor.sum()) for part in parts] + [float(met.sum())])

    residual = first + second
    metered = MeteredResidual.around(residual, [ResidualPart(0, first), ResidualPart(1, second)], note)
    for add in (lambda h, r: h + r, lambda h, r: r + h, lambda h, r: torch.add(h, r), lambda h, r: h.clone().add_(r)):
        found = add(hidden, metered)
        assert torch.equal(found, hidden + residual)
        assert type(found) is torch.Tensor
    inplace = hidden.clone()
    inplace[:, :6] += metered.to(torch.float32)
    assert torch.equal(inplace, hidden + residual)
    expected = [float(first.sum()), float(second.sum()), float(hidden.sum())]
    assert noted == [expected] * 5
    found = hidden + metered.double()
    assert found.dtype == torch.float64
    assert len(noted) == 6


def test_a_call_belongs_to_the_step_whose_noise_it_begins_with():
    edges = [8.0, 4.0, 2.0, 0.0]
    assert [find_step(sigma, edges) for sigma in (9.0, 8.0, 7.9, 4.0000001, 4.0, 3.0, 2.0, 1.0, 0.0)] == [
        0, 0, 0, 1, 1, 1, 2, 2, 2,
    ]  # fmt: skip


def test_the_words():
    readings = [Reading(0, 8.0, "output 1", 1.0, 100.0), Reading(0, 4.0, "output 2", 4.0, 100.0)]
    one, none = collect_shares(readings, ["1. ControlNet", "2. T2I adapter"], [8.0, 4.0, 2.0, 0.0])
    assert one.steps == (0.1, 0.2, 0.0)
    assert one.cells == ((0.1, 0.0), (0.0, 0.2), (0.0, 0.0))
    text = write_report([one, none])
    assert "most in step 2 at output 2: 20.0 % of the model's own values." in text
    assert "It adds something in 2 of 3 steps, from step 1 to 2." in text
    assert "By step: 1: 10.0 %, 2: 20.0 %, 3: 0 %." in text
    assert text.endswith("2. T2I adapter\nIt adds nothing in any of 3 steps.")
    assert percent(1e-9) == "under 0.1 %"
