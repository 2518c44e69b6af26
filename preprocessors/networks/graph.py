"""Runs a converted convolution network: a list of steps over named tensors, as `weights build` writes it.

The steps lie as JSON beside the weights. Every network here is of a fixed, small vocabulary (`STEPS`), so a list and
a table are shorter and easier to check against the original file than six hand-written modules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.nn import functional as F

from .registry import REGISTRY, read_weights

Step: TypeAlias = Mapping[str, Any]
Values: TypeAlias = list[torch.Tensor]


class ConvGraph(nn.Module):
    """A network from `graph` ({"input", "outputs", "steps"}) and its tensors. All maps are [B, C, H, W].

    forward: the input [B, C, H, W] -> the outputs in the order of graph["outputs"]. Weights are held as float32.

    Raises:
        ValueError: the graph has an unknown step.
    """

    def __init__(self, graph: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.graph = graph
        self.last_use = {name: number for number, step in enumerate(graph["steps"]) for name in step["inputs"]}
        unknown = sorted({step["op"] for step in graph["steps"]} - STEPS.keys())
        if unknown:
            raise ValueError(f"graph: it has steps that this version of Steer does not know: {unknown}. Update Steer.")
        self.weights = nn.ParameterDict(
            {name: nn.Parameter(value.float(), requires_grad=False) for name, value in tensors.items()}
        )

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        values: dict[str, torch.Tensor] = {self.graph["input"]: x}
        outputs = self.graph["outputs"]
        for number, step in enumerate(self.graph["steps"]):
            inputs = [values[name] if name in values else self.weights[name] for name in step["inputs"]]
            values[step["output"]] = STEPS[step["op"]](inputs, step)
            for name in step["inputs"]:  # maps take much more memory than weights: none is kept longer than it is read
                if self.last_use[name] == number and name not in outputs:
                    values.pop(name, None)
        return [values[name] for name in outputs]


def _activate(x: torch.Tensor, step: Step) -> torch.Tensor:
    act = step.get("act", "")
    if act == "relu":
        return x.relu_()
    return x.clamp_(0, 6) if act == "relu6" else x


def _conv(inputs: Values, step: Step) -> torch.Tensor:
    x, weight, *bias = inputs
    left, right, top, bottom = step["pad"]
    if (left, top) == (right, bottom):
        padding = (top, left)
    else:
        x, padding = F.pad(x, (left, right, top, bottom)), 0
    y = F.conv2d(x, weight, bias[0] if bias else None, step["stride"], padding, 1, step["groups"])
    return _activate(y, step)


def _max_pool(inputs: Values, step: Step) -> torch.Tensor:
    x = F.pad(inputs[0], step["pad"], value=float("-inf")) if any(step["pad"]) else inputs[0]
    return F.max_pool2d(x, step["kernel"], step["stride"])


def _resize(inputs: Values, step: Step) -> torch.Tensor:
    return F.interpolate(inputs[0], scale_factor=step["scale"], mode="bilinear", align_corners=step["align_corners"])


def _depth_to_space(inputs: Values, step: Step) -> torch.Tensor:
    """TensorFlow's order of channels (block row, block column, channel), unlike F.pixel_shuffle's."""
    block = step["block"]
    batch, channels, height, width = inputs[0].shape
    out = channels // block**2
    y = inputs[0].reshape(batch, block, block, out, height, width).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(batch, out, height * block, width * block)


def _rows(inputs: Values, step: Step) -> torch.Tensor:
    """[B, C, H, W] -> [B, N, `width`], read in TensorFlow's order (height, width, channels)."""
    x = inputs[0]
    x = x.permute(0, 2, 3, 1) if x.ndim == 4 else x
    return x.reshape(len(x), -1, step["width"])


def _linear(inputs: Values, step: Step) -> torch.Tensor:
    x, weight, *bias = inputs
    x = x.permute(0, 2, 3, 1) if x.ndim == 4 else x
    return _activate(F.linear(x.flatten(1), weight, bias[0] if bias else None), step)


STEPS: dict[str, Callable[[Values, Step], torch.Tensor]] = {
    "conv": _conv,
    "add": lambda inputs, step: _activate(inputs[0] + inputs[1], step),
    "pad": lambda inputs, step: F.pad(inputs[0], step["pad"]),
    "max_pool": _max_pool,
    "resize": _resize,
    "relu": lambda inputs, step: inputs[0].relu(),
    "prelu": lambda inputs, step: F.prelu(inputs[0], inputs[1]),
    "sigmoid": lambda inputs, step: inputs[0].sigmoid(),
    "depth_to_space": _depth_to_space,
    "concat": lambda inputs, step: torch.cat(inputs, step["dim"]),
    "rows": _rows,
    "mean": lambda inputs, step: inputs[0].mean((2, 3), keepdim=True),
    "linear": _linear,
}


def infer(net: Callable[[torch.Tensor], Any], x: torch.Tensor) -> Any:
    """Run `net` on `x`, which is taken to the device of its weights. The output stays there."""
    device = next(net.parameters()).device if isinstance(net, nn.Module) else x.device
    with torch.inference_mode():
        return net(x.to(device))


def load_graph(name: str) -> ConvGraph:
    """The shipped network called `name` in registry.REGISTRY.

    Raises:
        NetworkWeightsError: its file is missing or altered.
    """
    tensors, metadata = read_weights(REGISTRY[name])
    return ConvGraph(metadata["graph"], tensors).eval()
