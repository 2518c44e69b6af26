"""A 3x3 convolution in fewer multiplications, for CPUs, where torch multiplies every pixel with every weight.

Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, F(4x4, 3x3): a tile d of 6x6 pixels gives
4x4 results by 36 products for each pair of channels instead of 144, Y = A^T [(G w G^T) (B^T d B)] A, summed over the
incoming channels. B and A are applied as matrix products too: torch is made for these, and it takes few calls.
Equal to the direct sum but for rounding: about 1e-5 of the largest value.
"""

from __future__ import annotations

import torch

TILE, STEP = 6, 4
_TILES = 64  # worked on at once by each thread: few enough for the processor's cache, enough to be worth the calls
_MAX_THREADS = 4  # measured with one and two; the more there are, the longer they wait for each other
_G = ((6, 0, 0), (-4, -4, -4), (-4, 4, -4), (1, 2, 4), (1, -2, 4), (0, 0, 24))  # / 24
_B = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
_A = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))


def is_worthwhile(x: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether `convolve_3x3` is the faster way: float32 on a CPU, many channels in and out, wide, and no gradient.

    With AVX-512 torch's own way is as fast or faster (0.9 to 1.1 times, measured with M-LSD).
    """
    large = min(weight.shape[:2]) >= 64 and x.shape[3] >= 64
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and not x.requires_grad
    narrow = torch.backends.cpu.get_cpu_capability() != "AVX512"
    return narrow and large and plain and torch.get_num_threads() <= _MAX_THREADS


def transform_weights(weight: torch.Tensor) -> torch.Tensor:
    """Weights [O, C, 3, 3] as `convolve_3x3` takes them, [36, C, O]."""
    out, channels = weight.shape[:2]
    g = torch.tensor(_G, dtype=weight.dtype)
    products = torch.kron(g, g) / 24**2 @ weight.permute(3, 2, 1, 0).reshape(9, -1)
    return products.view(TILE**2, channels, out)


def convolve_3x3(x: torch.Tensor, weights: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """F.conv2d(x, weight, bias, padding=1) of x [B, C, H, W], as channels-last [B, O, H, W].

    weights: what `transform_weights` makes of the weight.
    """
    batch, channels, height, width = x.shape
    out = weights.shape[2]
    down, across = -(-height // STEP), -(-width // STEP)
    rows = min(down, max(1, torch.get_num_threads() * _TILES // across))
    b, a = (torch.tensor(matrix, dtype=x.dtype) for matrix in (_B, _A))
    offset: torch.Tensor | float = 0.0 if bias is None else bias
    pixels = x.permute(0, 2, 3, 1)
    result = x.new_empty(batch, down * STEP, across * STEP, out)

    # One strip of tiles at a time, always in the same memory. Axes: n = (row, tile); i, j = a tile's rows and columns.
    half = x.new_zeros(rows, across * STEP + 2, TILE, channels)  # [row, column, i, C]; what is never written is padding
    windows = half.view(rows, -1, TILE * channels).unfold(1, TILE, STEP).transpose(2, 3)  # [row, tile, j, (i, C)]
    tiles = x.new_empty(rows, across, TILE, TILE * channels)  # [n, j, (i, C)]
    factors = tiles.view(-1, TILE**2, channels).transpose(0, 1)
    sums = x.new_empty(TILE**2, rows * across, out)  # [(j, i), n, O]
    done = x.new_empty(STEP, STEP, rows, across, out)  # [j, i, row, tile, O]
    both_a = torch.kron(a, a)
    for picture in range(batch):
        for top in range(0, down, rows):
            top = min(top, down - rows)  # the last strip may share rows with the one before
            for row in range(rows):
                above = (top + row) * STEP - 1
                first, last = max(0, -above), min(TILE, height - above)  # without the rows outside, which are zero
                columns = pixels[picture, above + first : above + last].transpose(0, 1)
                torch.bmm(b[:, first:last].expand(width, -1, -1), columns, out=half[row, 1 : width + 1])
                torch.bmm(b.expand(across, -1, -1), windows[row], out=tiles[row])
            torch.bmm(factors, weights, out=sums)
            torch.mm(both_a, sums.view(TILE**2, -1), out=done.view(STEP**2, -1))
            target = result[picture, top * STEP : (top + rows) * STEP].view(rows, STEP, across, STEP, out)
            torch.add(done, offset, out=target.permute(3, 1, 0, 2, 4))
    return result[:, :height, :width].permute(0, 3, 1, 2)
