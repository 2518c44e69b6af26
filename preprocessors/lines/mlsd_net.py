"""The M-LSD-large network (Gu et al., "Towards Light-weight and Real-time Line Segment Detection", 2022).

A MobileNetV2 down to stride 16 and four merging steps up to stride 2. BatchNorm is folded into the convolutions.
Parameter names follow controlnet_aux's MobileV2_MLSD_Large, so that `fold_norm` reads its checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn import functional as F

from .bands import run_in_bands
from .winograd import convolve_3x3, is_worthwhile, transform_weights

OUTPUTS = 16
USED_OUTPUTS = 5  # of the last 9: centre logit, then the displacements to the two end points (x0, y0, x1, y1)
FIRST_USED = 7
_BATCH_NORM_EPSILON = 1e-5
_FAR = 5  # dilation of the head's first layer


class _Conv(nn.Conv2d):
    """A convolution with folded BatchNorm, then ReLU ("relu"), ReLU6 ("relu6") or nothing ("").

    With stride 2 one row and column of zeros is added below and to the right, as TensorFlow Lite does.
    """

    def __init__(
        self, inp: int, out: int, kernel: int, act: str, stride: int = 1, groups: int = 1, dilation: int = 1
    ) -> None:
        padding = 1 if stride == 2 else dilation * (kernel - 1) // 2
        super().__init__(inp, out, kernel, stride, padding, dilation, groups)
        self.act = act

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self._activate(self._convolve(input))

    def for_bands(self, x: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
        """This layer for the bands of a map such as x: what its weights need is done once, not for each band."""
        if not self._goes_winograds_way(x):
            return self
        weights = transform_weights(self.weight)
        return lambda band: self._activate(convolve_3x3(band, weights, self.bias))

    def _activate(self, x: torch.Tensor) -> torch.Tensor:
        if self.act == "relu":
            return x.relu_()
        return x.clamp_(0, 6) if self.act == "relu6" else x

    def _convolve(self, x: torch.Tensor) -> torch.Tensor:
        if self.kernel_size == (1, 1):
            return convolve_pointwise(self, x)
        if self._goes_winograds_way(x):
            return convolve_3x3(x, transform_weights(self.weight), self.bias)
        if self.stride == (2, 2):  # a first row and column of zero weights: as if the map were padded, without a copy
            return self._conv_forward(x, F.pad(self.weight, (1, 0, 1, 0)), self.bias)
        return super().forward(x)

    def _goes_winograds_way(self, x: torch.Tensor) -> bool:
        plain = self.kernel_size == (3, 3) and self.stride == self.dilation == (1, 1) and self.groups == 1
        return plain and is_worthwhile(x, self.weight)


def convolve_pointwise(conv: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    """A 1x1 convolution as a matrix product over the channels, which for channels-last maps is the faster way."""
    return F.linear(x.permute(0, 2, 3, 1), conv.weight.flatten(1), conv.bias).permute(0, 3, 1, 2)


def _sum(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """a + b; in the memory of `a` where no gradient will ask for it."""
    return a + b if a.requires_grad else a.add_(b)


class _InvertedResidual(nn.Module):
    def __init__(self, inp: int, out: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = inp * expand
        widen = [_Conv(inp, hidden, 1, "relu6")] if expand != 1 else []
        self.conv = nn.Sequential(
            *widen, _Conv(hidden, hidden, 3, "relu6", stride, groups=hidden), _Conv(hidden, out, 1, "")
        )
        self.residual = stride == 1 and inp == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _sum(self.conv(x), x) if self.residual else self.conv(x)


class _Backbone(nn.Module):
    SETTINGS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))  # expand, out, count, stride
    TAPS = (1, 3, 6, 10, 13)

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [_Conv(4, 32, 3, "relu6", 2)]
        width = 32
        for expand, out, count, stride in self.SETTINGS:
            for index in range(count):
                layers.append(_InvertedResidual(width, out, stride if index == 0 else 1, expand))
                width = out
        self.features = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        taps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self.TAPS:
                taps.append(x)
        return taps


class _Merge(nn.Module):
    """Brings a fine map and the coarser one, doubled in size, to 64 channels each.

    The two published sets of weights differ in the order.
    enlarge_first: enlarge (half-pixel centres), then convolve: the TensorFlow original, hence the ONNX weights.
    Otherwise convolve, then enlarge (aligned corners): lhwcv/mlsd_pytorch, hence controlnet_aux's weights.
    """

    def __init__(self, fine: int, coarse: int, enlarge: bool, enlarge_first: bool) -> None:
        super().__init__()
        self.conv1 = _Conv(coarse, 64, 1, "")
        self.conv2 = _Conv(fine, 64, 1, "")
        self.enlarge = enlarge
        self.enlarge_first = enlarge_first

    def convolve_coarse(self, coarse: torch.Tensor) -> torch.Tensor:
        """The coarse map as `band` takes it. A 1x1 convolution and linear interpolation commute, so the convolution is
        always done on the small map.
        """
        coarse = self.conv1(coarse)
        if not self.enlarge or self.enlarge_first:
            return coarse
        return F.interpolate(coarse.relu_(), scale_factor=2.0, mode="bilinear", align_corners=True)

    def band(self, fine: torch.Tensor, coarse: torch.Tensor, first: int, last: int) -> torch.Tensor:
        """Rows `first` to `last` of both maps, [B, 128, rows, W]."""
        if self.enlarge and self.enlarge_first:
            above, below = max(0, first // 2 - 1), (last + 1) // 2 + 1  # with a row more on each side to interpolate
            part = F.interpolate(coarse[:, :, above:below], scale_factor=2.0, mode="bilinear", align_corners=False)
            doubled = part[:, :, first - 2 * above : last - 2 * above]
        else:
            doubled = coarse[:, :, first:last]
        return torch.cat((self.conv2(fine[:, :, first:last]), doubled), dim=1).relu_()


class _Refine(nn.Module):
    """Two 3x3 convolutions over both maps of a merging step."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Conv(128, 128, 3, "relu")
        self.conv2 = _Conv(128, 64, 3, "relu")

    def forward(self, merge: _Merge, fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
        coarse = merge.convolve_coarse(coarse)
        refined = fine.new_empty(len(fine), *fine.shape[2:], self.conv2.out_channels).permute(0, 3, 1, 2)
        conv1, conv2 = self.conv1.for_bands(fine), self.conv2.for_bands(fine)

        def refine(top: int, bottom: int, first: int, last: int) -> None:
            x = merge.band(fine, coarse, first, last)
            x = conv2(_sum(conv1(x), x))
            refined[:, :, top:bottom] = x[:, :, top - first : bottom - first]

        run_in_bands(fine, 2, refine)
        return refined


class _Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Conv(64, 64, 3, "relu", dilation=_FAR)
        self.conv2 = _Conv(64, 64, 3, "relu")
        self.conv3 = _Conv(64, OUTPUTS, 1, "")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result = x.new_empty(len(x), USED_OUTPUTS, *x.shape[2:])
        conv2 = self.conv2.for_bands(x)

        def predict(top: int, bottom: int, first: int, last: int) -> None:
            band = self.conv3(conv2(self._look_far(x, first, last)))
            result[:, :, top:bottom] = band[:, FIRST_USED : FIRST_USED + USED_OUTPUTS, top - first : bottom - first]

        run_in_bands(x, 1, predict)
        return result

    def _look_far(self, x: torch.Tensor, first: int, last: int) -> torch.Tensor:
        """Rows `first` to `last` of conv1's map: no row more is computed, though it looks at _FAR more on each side."""
        above, below = max(0, _FAR - first), max(0, last + _FAR - x.shape[2])  # rows outside of the map, which are zero
        part = x[:, :, max(0, first - _FAR) : last + _FAR]
        part = F.pad(part, (0, 0, above, below)) if above or below else part
        return F.conv2d(part, self.conv1.weight, self.conv1.bias, padding=(0, _FAR), dilation=_FAR).relu_()


class MLSDNet(nn.Module):
    """[B, 4, H, W] (RGB and a plane of ones, all x / 127.5 - 1) -> [B, 5, H/2, W/2]; H and W multiples of 16.

    Faster by about half on a CPU when the net and its input are in the channels-last memory format.
    """

    def __init__(self, enlarge_first: bool = True) -> None:
        super().__init__()
        self.backbone = _Backbone()
        for number, fine, coarse in ((15, 64, 96), (17, 32, 64), (19, 24, 64), (21, 16, 64)):
            self.add_module(f"block{number}", _Merge(fine, coarse, number > 15, enlarge_first))
            self.add_module(f"block{number + 1}", _Refine())
        self.block23 = _Head()

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """The 64 channels that its head reads, [B, 64, H/2, W/2]."""
        c1, c2, c3, c4, x = self.backbone(x)
        for number, fine in ((15, c4), (17, c3), (19, c2), (21, c1)):
            x = self.get_submodule(f"block{number + 1}")(self.get_submodule(f"block{number}"), fine, x)
        return x

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block23(self.features(x))


def fold_norm(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state dict with BatchNorm -> the same network without: w * g / sqrt(var + eps), b = beta + (b - mean) * that.

    In the source a convolution at `<path>.<i>` is followed by its BatchNorm at `<path>.<i + 1>`.
    """
    out: dict[str, torch.Tensor] = {}
    for key, weight in state.items():
        if not key.endswith(".weight") or weight.ndim != 4:
            continue
        path = key.removesuffix(".weight")
        stem, _, last = path.rpartition(".")
        norm = f"{stem}.{int(last) + 1}" if last.isdigit() else ""
        bias = state.get(f"{path}.bias", torch.zeros(weight.shape[0]))
        if f"{norm}.running_var" in state:
            scale = (
                state[f"{norm}.weight"].double() / (state[f"{norm}.running_var"].double() + _BATCH_NORM_EPSILON).sqrt()
            )
            bias = state[f"{norm}.bias"] + (bias - state[f"{norm}.running_mean"]) * scale
            weight = weight * scale[:, None, None, None]
        out[f"{name_of_layer(path)}.weight"] = weight.float()
        out[f"{name_of_layer(path)}.bias"] = bias.float()
    return out


def name_of_layer(path: str) -> str:
    """The name in this module of the convolution that controlnet_aux calls `path` (it wraps some in a Sequential)."""
    parts = path.split(".")
    if parts[0] == "backbone":
        number = int(parts[2])
        if number == 0:
            return "backbone.features.0"
        index = int(parts[4])  # conv.<index>[.0]
        return f"backbone.features.{number}.conv.{index}"
    return ".".join(parts[:2])
