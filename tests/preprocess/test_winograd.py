"""The convolution in fewer multiplications is the plain one but for rounding."""

from __future__ import annotations

import pytest
import torch
from steer.preprocessors.lines.winograd import convolve_3x3, is_worthwhile, transform_weights
from torch.nn import functional as F


@pytest.mark.parametrize(
    ("batch", "inp", "out", "height", "width"),
    [(1, 64, 64, 32, 32), (2, 64, 128, 18, 31), (1, 128, 64, 1, 1), (1, 3, 5, 9, 600), (1, 8, 8, 267, 2)],
)
def test_it_is_the_plain_convolution(batch: int, inp: int, out: int, height: int, width: int):
    random = torch.Generator().manual_seed(height)
    weight, bias = torch.randn(out, inp, 3, 3, generator=random), torch.randn(out, generator=random)
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(batch, inp, height, width, generator=random).contiguous(memory_format=layout)
        expected = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
        found = convolve_3x3(x, transform_weights(weight), bias)
        assert found.shape == expected.shape
        assert (found - expected).abs().max() < 3e-5 * expected.abs().max()


def test_no_pixel_reaches_further_than_its_neighbours():
    x = torch.zeros(1, 1, 20, 20)
    x[0, 0, 9, 11] = 1.0
    found = convolve_3x3(x, transform_weights(torch.ones(1, 1, 3, 3)), torch.zeros(1))[0, 0]
    expected = torch.zeros(20, 20)
    expected[8:11, 10:13] = 1.0
    assert torch.allclose(found, expected, atol=1e-6)


def test_it_is_used_for_wide_floats_of_many_channels_on_a_few_threads_of_a_cpu_only(monkeypatch: pytest.MonkeyPatch):
    x, weight = torch.zeros(1, 64, 8, 64), torch.zeros(64, 64, 3, 3)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert not is_worthwhile(x, weight)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert is_worthwhile(x, weight)
    assert not is_worthwhile(x, weight[:16])
    assert not is_worthwhile(x[..., :32], weight)
    assert not is_worthwhile(x.half(), weight)
    assert not is_worthwhile(x.to("meta"), weight)
    assert not is_worthwhile(x.clone().requires_grad_(), weight)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert not is_worthwhile(x, weight)
