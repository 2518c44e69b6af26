"""A 3x3 convolution in fewer multiplications, for CPUs, where torch multiplies every pixel with every weight.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, F(4x4, 3x3): a tile d of 6x6 pixels gives
4x4 results by 36 products for each pair of channels instead of 144, Y = A^T [(G w G^T) (B^T d B)] A, summed over the
incoming channels. Equal to the direct sum but for rounding: about 1e-5 of the largest value.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

TILE, STEP = 6, 4
_TILES = 64  # worked on at once, so that they stay in the processor's cache
_G = ((6, 0, 0), (-4, -4, -4), (-4, 4, -4), (1, 2, 4), (1, -2, 4), (0, 0, 24))  # / 24


def worthwhile(x: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether `conv3x3` is the faster way: float32 on a CPU, many channels in and out, no gradient, and one thread. (It
    is made of thousands of short operations; with more threads they spend as long waiting for each other as it saves.)
    """
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and min(weight.shape[:2]) >= 64
    return plain and torch.get_num_threads() == 1 and not x.requires_grad


def conv3x3(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """F.conv2d(x, weight, bias, padding=1) of x [B, C, H, W] and weight [O, C, 3, 3], as channels-last [B, O, H, W]."""
    batch, channels, height, width = x.shape
    out = weight.shape[0]
    down, across = -(-height // STEP), -(-width // STEP)
    rows = min(down, max(1, _TILES // across))
    pixels, weights = x.permute(0, 2, 3, 1), _weights(weight)
    result = x.new_empty(batch, down * STEP, across * STEP, out)
    # One strip of tiles at a time, always in the same memory. [row, column, strip, tile, channel]
    strip = x.new_zeros(rows * STEP + 2, across * STEP + 2, channels)
    half = x.new_empty(TILE, rows, across * STEP + 2, channels)
    tiles = x.new_empty(TILE, TILE, rows, across, channels)
    sums = x.new_empty(TILE, TILE, rows, across, out)
    halved = x.new_empty(STEP, TILE, rows, across, out)
    for picture in range(batch):
        for top in range(0, down, rows):
            top = min(top, down - rows)  # the last strip may share rows with the one before
            first, last = max(0, top * STEP - 1), min(height, (top + rows) * STEP + 1)
            if last - first < len(strip):
                strip.zero_()
            strip[first - top * STEP + 1 : last - top * STEP + 1, 1 : width + 1] = pixels[picture, first:last]
            _spread([strip[i : i + rows * STEP : STEP] for i in range(TILE)], half.unbind())
            _spread([half[:, :, i : i + across * STEP : STEP] for i in range(TILE)], tiles.unbind(1))
            torch.bmm(tiles.view(TILE**2, -1, channels), weights, out=sums.view(TILE**2, -1, out))
            _gather(sums.unbind(), halved.unbind())
            target = result[picture, top * STEP : (top + rows) * STEP]
            _gather(halved.unbind(1), target.view(rows, STEP, across, STEP, out).permute(3, 1, 0, 2, 4).unbind())
            target.add_(bias)
    return result[:, :height, :width].permute(0, 3, 1, 2)


def _weights(weight: torch.Tensor) -> torch.Tensor:
    """G w G^T of [O, C, 3, 3] as [36, C, O]."""
    g = torch.tensor(_G, dtype=weight.dtype) / 24
    return (torch.kron(g, g) @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(TILE**2, weight.shape[1], -1)


def _spread(d: Sequence[torch.Tensor], out: Sequence[torch.Tensor]) -> None:
    """B^T d along one axis: 6 values to 6."""
    torch.sub(d[4], d[2], alpha=5, out=out[0]).add_(d[0], alpha=4)
    even, odd = torch.sub(d[4], d[2], alpha=4), torch.sub(d[3], d[1], alpha=4)
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.sub(d[4], d[2], out=even)
    torch.sub(d[3], d[1], out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])
    torch.sub(d[5], d[3], alpha=5, out=out[5]).add_(d[1], alpha=4)


def _gather(m: Sequence[torch.Tensor], out: Sequence[torch.Tensor]) -> None:
    """A^T m along one axis: 6 values to 4."""
    near, near_odd, far, far_odd = m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]
    torch.add(m[0], near, out=out[0]).add_(far)
    torch.add(near_odd, far_odd, alpha=2, out=out[1])
    torch.add(near, far, alpha=4, out=out[2])
    torch.add(near_odd, far_odd, alpha=8, out=out[3]).add_(m[5])
