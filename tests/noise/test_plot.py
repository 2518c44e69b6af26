"""The chart: right values in the right places."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from steer.nodes.noise.plot import AXES, DARK, LIGHT, Schedule, _Chart, axis_values, draw_schedules
from steer.nodes.noise.plot_axis import format_tick, make_axis, nice_step
from steer.nodes.noise.process import MODEL_TYPES, standard_process

SIGMAS = torch.tensor([14.6, 5.0, 1.0, 0.2, 0.0], dtype=torch.float64)


def values(axis: str, sigmas: torch.Tensor = SIGMAS, model_type: str = "eps or v") -> list[float]:
    return [value for _, value in axis_values(sigmas, axis, standard_process(model_type))]


def test_values_follow_their_formulas():
    sigmas = SIGMAS.tolist()
    assert values("sigma (log)") == sigmas
    assert values("log-SNR") == pytest.approx([-2.0 * math.log(s) for s in sigmas[:-1]] + [math.inf])
    assert values("alpha_bar") == pytest.approx([1.0 / (1.0 + s * s) for s in sigmas])
    assert values("step size") == pytest.approx([9.6, 4.0, 0.8, 0.2])
    flow = torch.tensor([1.0, 0.75, 0.2, 0.0], dtype=torch.float64)
    assert values("log-SNR", flow, "flow") == pytest.approx(
        [-math.inf, 2 * math.log(1 / 3), 2 * math.log(4.0), math.inf]
    )
    assert values("alpha_bar", flow, "flow") == pytest.approx([0.0, 0.1, 16 / 17, 1.0])
    assert values("timestep", flow, "flow") == pytest.approx([1000.0, 750.0, 200.0, 0.0])


def test_timesteps_are_the_models_own(sd_model):
    """Every sigma of Stable Diffusion's table is at its own index; a clean picture has none."""
    from steer.nodes.noise.comfy_process import noise_process

    table = sd_model.get_model_object("model_sampling").sigmas.double()
    for process in (standard_process("eps or v"), noise_process(sd_model)):
        found = [value for _, value in axis_values(table, "timestep", process)]
        assert found == pytest.approx(list(range(1000)), abs=0.02)
    assert values("timestep")[-1] == -math.inf


@given(
    st.lists(st.floats(-16384.0, 16384.0, width=32) | st.sampled_from([0.0, math.inf, -math.inf]), min_size=1),
    st.booleans(),
)
def test_every_value_has_a_place_on_the_axis(numbers: list[float], logarithmic: bool):
    axis = make_axis(numbers, logarithmic, "below", "above")
    finite = [n for n in numbers if math.isfinite(n) and (n > 0.0 or not logarithmic)]
    for number in (*finite, *axis.ticks, *axis.minor):
        assert -1e-9 <= axis.fraction(number) <= 1.0 + 1e-9
    assert len(axis.ticks) >= 2
    assert len(axis.ticks) <= 12
    assert len({format_tick(tick) for tick in axis.ticks}) == len(axis.ticks)
    assert (axis.above == "above") == (math.inf in numbers)
    assert (axis.below == "below") == any(n == -math.inf or (logarithmic and n <= 0.0) for n in numbers)


def test_labels_are_plain_numbers():
    assert [format_tick(v) for v in (0.0, 0.03, 10.0, 3e-4, 1000.0, 1e-7, 2e6, -5.0)] == [
        "0",
        "0.03",
        "10",
        "0.0003",
        "1000",
        "1e-7",
        "2e6",
        "-5",
    ]
    assert [nice_step(span, 10) for span in (20, 50, 999, 7)] == [2.0, 5.0, 100.0, 1.0]


def near(picture: torch.Tensor, colour: str, x: float, y: float) -> bool:
    """Whether the pixel at x, y has the colour."""
    wanted = torch.tensor([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    return bool((picture[0, round(y), round(x)] - wanted).abs().max() < 0.05)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_markers_lie_where_the_values_are(axis: str, model_type: str, dark: bool, monkeypatch):
    """Six schedules that never meet: each marker has its series' colour at the place the layout computes."""
    charts: list[_Chart] = []
    finish = _Chart.finish
    monkeypatch.setattr(_Chart, "finish", lambda self, *texts: (charts.append(self), finish(self, *texts))[1])
    process = standard_process(model_type)
    base, factor = ([0.9, 0.6, 0.3, 0.0], 0.75) if model_type == "flow" else ([9.0, 4.0, 1.5, 0.0], 0.65)
    schedules = [Schedule(f"schedule {k}", torch.tensor(base).double() * factor**k) for k in range(6)]
    picture = draw_schedules(schedules, axis, process, "Test", 768, 512, dark)
    assert picture.shape == (1, 512, 768, 3)
    assert float(picture.min()) >= 0.0
    assert float(picture.max()) <= 1.0
    chart, theme = charts[0], DARK if dark else LIGHT
    for k, schedule in enumerate(schedules):
        step, value = axis_values(schedule.sigmas, axis, process)[1]
        assert near(picture, theme.series[k], chart.x(step), chart.y(value)), (axis, k)
    assert near(picture, theme.series[5], chart.x(3), chart.y(0.0)) or axis != "sigma (log)"  # zero, below the scale
    if axis == "sigma (log)":
        assert chart.floor < chart.y(0.0) < chart.bottom


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(1, 1000), min_size=1, max_size=6),
    st.sampled_from(AXES),
    st.integers(320, 700),
    st.integers(320, 700),
    st.text(max_size=300),
)
def test_any_schedule_at_any_size_can_be_drawn(lengths: list[int], axis: str, width: int, height: int, name: str):
    schedules = [Schedule(name, torch.linspace(1.0, 0.0, n).double()) for n in lengths]
    picture = draw_schedules(schedules, axis, standard_process("eps or v"), name, width, height)
    assert picture.shape == (1, height, width, 3)
    assert bool(torch.isfinite(picture).all())


def test_bad_settings_are_named():
    process = standard_process("eps or v")
    with pytest.raises(ValueError, match="axis: 'sigma' is not known"):
        draw_schedules([Schedule("a", SIGMAS)], "sigma", process, "", 768, 512)
    with pytest.raises(ValueError, match="width, height: 768 x 100 is not possible"):
        draw_schedules([Schedule("a", SIGMAS)], AXES[0], process, "", 768, 100)
