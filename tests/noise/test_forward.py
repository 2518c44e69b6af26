"""The forward process against its closed form."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from steer.nodes.noise.filmstrip import filmstrip
from steer.nodes.noise.forward import (
    FRAME_SPACINGS,
    caption_parts,
    check_image,
    frame_sigmas,
    noise_pictures,
    picture_noise,
)
from steer.nodes.noise.process import MODEL_TYPES, check_sigmas, standard_process

SIGMAS = torch.tensor([14.6, 7.0, 3.1, 1.4, 0.6, 0.2, 0.03, 0.0], dtype=torch.float64)
FLOW_SIGMAS = torch.linspace(1.0, 0.0, 9, dtype=torch.float64)


def shares(sigma: float, model_type: str) -> tuple[float, float]:
    """The closed form: how much picture and how much noise x_t holds."""
    if model_type == "flow":
        return 1.0 - sigma, sigma
    alpha_bar = 1.0 / (1.0 + sigma**2)
    return math.sqrt(alpha_bar), math.sqrt(1.0 - alpha_bar)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.5, 0.9, 1.0])
def test_mean_and_deviation_follow_the_closed_form(model_type: str, sigma: float):
    """Within four standard errors, on a picture that is dark on the left and bright on the right."""
    width = 1000
    image = torch.cat([torch.full((1, width, width, 3), 0.2), torch.full((1, width, width, 3), 0.9)], dim=2)
    frame = noise_pictures(image, sigma, picture_noise(image, 7), standard_process(model_type)) * 2.0 - 1.0
    signal, noise = shares(sigma, model_type)
    for half, level in ((frame[:, :, :width], 0.2), (frame[:, :, width:], 0.9)):
        count = half.numel()
        assert abs(half.double().mean().item() - signal * (2.0 * level - 1.0)) < 4.0 * noise / math.sqrt(count)
        assert abs(half.double().std().item() - noise) < 4.0 * noise / math.sqrt(2.0 * count)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_one_noise_along_the_strip(model_type: str):
    image = torch.rand(3, 16, 20, 4, generator=torch.Generator().manual_seed(1))
    eps = picture_noise(image, 3)
    process = standard_process(model_type)
    for sigma in (0.05, 0.3, 0.8):
        signal, noise = shares(sigma, model_type)
        frame = noise_pictures(image, sigma, eps, process)
        found = (2.0 * frame[..., :3] - 1.0 - signal * (2.0 * image[..., :3] - 1.0)) / noise
        assert torch.allclose(found, eps.expand_as(found), atol=1e-4)  # the same for every picture and every level
        assert torch.equal(frame[..., 3], image[..., 3])  # alpha is not noised
    assert torch.equal(picture_noise(image[:1], 3), eps)
    assert not torch.equal(picture_noise(image, 4), eps)


def test_sigma_zero_is_the_input_bit_for_bit():
    image = torch.rand(2, 8, 8, 3) * 1.5 - 0.2  # also outside 0..1
    assert torch.equal(noise_pictures(image, 0.0, picture_noise(image, 0), standard_process("eps or v")), image)


@given(
    st.lists(st.floats(1e-3, 100.0), min_size=1, max_size=30, unique=True),
    st.booleans(),
    st.integers(2, 20),
    st.sampled_from(FRAME_SPACINGS),
    st.sampled_from(MODEL_TYPES),
)
def test_frames_run_from_the_cleanest_to_the_noisiest(values, zero, frames, spacing, model_type):
    top = max(values) if model_type == "flow" else 1.0
    sigmas = torch.tensor([value / top for value in sorted(values, reverse=True)] + [0.0] * zero, dtype=torch.float64)
    chosen = frame_sigmas(sigmas, frames, spacing, standard_process(model_type))
    assert 1 <= len(chosen) <= frames
    assert bool((chosen.diff() > 0).all())
    assert chosen[0] == sigmas.min()
    assert chosen[-1] == sigmas.max()
    if spacing == "step":
        assert set(chosen.tolist()) <= set(sigmas.tolist())
        assert len(chosen) == min(frames, len(sigmas.unique()))


def test_frames_are_even_in_the_chosen_measure():
    process = standard_process("eps or v")
    by_sigma = frame_sigmas(SIGMAS, 6, "sigma", process)
    assert torch.allclose(by_sigma.diff(), torch.full((5,), 14.6 / 5, dtype=torch.float64))
    by_snr = frame_sigmas(SIGMAS, 6, "log-SNR", process)
    assert by_snr[[0, 1, -1]].tolist() == [0.0, 0.03, 14.6]
    assert torch.allclose(by_snr[1:].log().diff(), torch.full((4,), math.log(14.6 / 0.03) / 4, dtype=torch.float64))
    flow = frame_sigmas(FLOW_SIGMAS, 5, "log-SNR", standard_process("flow"))
    assert flow[[0, -1]].tolist() == [0.0, 1.0]
    assert torch.allclose(torch.logit(flow[1:-1]).diff().diff(), torch.zeros(1, dtype=torch.float64), atol=1e-9)


def test_captions():
    process = standard_process("eps or v")
    # 1.612887 is Stable Diffusion's sigma at timestep 499, as diffusers has it.
    assert caption_parts(1.612887, process) == ["t 499", "sigma 1.61", "SNR 0.38"]
    assert caption_parts(0.0, process) == ["clean", "sigma 0"]
    assert caption_parts(4518.76, process) == ["t 999", "sigma 4519", "SNR 4.9e-08"]
    assert caption_parts(0.25, standard_process("flow")) == ["t 250", "sigma 0.25", "SNR 9"]
    assert caption_parts(1.0, standard_process("flow")) == ["t 1000", "sigma 1", "SNR 0"]


@pytest.mark.parametrize("captions", [True, False])
@pytest.mark.parametrize(("size", "channels"), [(1, 3), (7, 1), (64, 4), (300, 3)])
def test_filmstrip_holds_every_frame_whole(size: int, channels: int, captions: bool):
    """Two strips of five frames in rows of three; bright pictures, so that dark pixels are letters."""
    rows = list(0.6 + 0.4 * torch.rand(2, 5, size, size, channels, generator=torch.Generator().manual_seed(0)))
    parts = [caption_parts(float(sigma), standard_process("eps or v")) for sigma in SIGMAS[:5]]
    strip = filmstrip(rows, parts if captions else None, columns=3)
    assert strip.shape[0] == 1
    assert strip.shape[3] == 3
    sheet = (strip[0] * 255.0).round().to(torch.uint8)
    places = []
    for row in rows:
        colours = row.expand(5, size, size, 3) if channels == 1 else row[..., :3]
        for frame in (colours * 255.0).round().to(torch.uint8):
            corners = (sheet == frame[0, 0]).all(-1).nonzero().tolist()
            windows = ((p, sheet[p[0] : p[0] + size, p[1] : p[1] + size]) for p in corners)
            places.append(next(place for place, window in windows if torch.equal(window, frame)))
    assert places == sorted(places)
    assert [len({tuple(p)[axis] for p in places}) for axis in (0, 1)] == [4, 3]  # lines, columns
    for top, left in places:
        below = sheet[top + size : top + size + 40, left : left + max(size, 30)]
        assert bool((below < 120).all(-1).any()) == captions


def test_a_long_strip_wraps_by_itself():
    rows = [torch.rand(40, 4, 512, 3)]
    assert filmstrip(rows, None).shape[2] <= 8192
    assert filmstrip(rows, None, columns=40).shape[2] > 8192


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(0, 8, 8, 3), "image: it is empty"),
        (torch.zeros(8, 8, 3), "image: it is empty"),
        (torch.stack([torch.zeros(4, 4, 3), torch.full((4, 4, 3), math.nan)]), "image: picture 2 of 2 holds NaN"),
        (torch.full((1, 4, 4, 3), math.inf), "image: picture 1 of 1 holds NaN or infinite"),
    ],
)
def test_bad_images_are_named(image: torch.Tensor, message: str):
    with pytest.raises(ValueError, match=message):
        check_image(image)


@pytest.mark.parametrize(
    ("values", "model_type", "message"),
    [
        ([], "eps or v", "sigmas_3: the schedule is empty.*denoise 0"),
        ([1.0, math.nan], "eps or v", "sigmas_3: .*NaN"),
        ([math.inf, 0.0], "eps or v", "sigmas_3: .*infinite"),
        ([1.0, -1.0], "eps or v", "sigmas_3: .*negative"),
        ([14.6, 0.0], "flow", "sigmas_3: the largest sigma is 14.6"),
    ],
)
def test_bad_sigmas_are_named(values: list[float], model_type: str, message: str):
    with pytest.raises(ValueError, match=message):
        check_sigmas(torch.tensor(values), "sigmas_3", standard_process(model_type))


def test_bad_frame_choices_are_named():
    process = standard_process("eps or v")
    with pytest.raises(ValueError, match="frames: 1 is too few"):
        frame_sigmas(SIGMAS, 1, "step", process)
    with pytest.raises(ValueError, match="spacing: 'snr' is not known"):
        frame_sigmas(SIGMAS, 3, "snr", process)
    with pytest.raises(ValueError, match="model_type: 'v' is not known"):
        standard_process("v")
