"""Turns the original network files into the step list of `graph.py` and its tensors. Needed for building only.

Reads TensorFlow Lite (package `tflite`), TensorFlow.js graph models (JSON and a binary) and the M-LSD ONNX file
(package `onnx`). Steps and tensors are laid out for [B, C, H, W]; weights keep the precision of their source.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
Tensors: TypeAlias = dict[str, Array]
Graph: TypeAlias = dict[str, Any]

# The 58 convolutions of the M-LSD ONNX graph, in its order: the layers of mlsd_net.MLSDNet.
MLSD_LAYERS: tuple[str, ...] = (
    "backbone.features.0",
    *(f"backbone.features.1.conv.{part}" for part in (0, 1)),
    *(f"backbone.features.{block}.conv.{part}" for block in (2, 3) for part in (0, 1, 2)),
    "block19.conv2",
    *(f"backbone.features.{block}.conv.{part}" for block in range(4, 14) for part in (0, 1, 2)),
    "block15.conv1",
    "block15.conv2",
    "block16.conv1",
    "block16.conv2",
    "block17.conv1",
    "block17.conv2",
    "block18.conv1",
    "block18.conv2",
    "block19.conv1",
    "block20.conv1",
    "block20.conv2",
    "block21.conv1",
    "block21.conv2",
    "block22.conv1",
    "block22.conv2",
    "block23.conv1",
    "block23.conv2",
    "block23.conv3",
)


class _Writer:
    """Collects steps and tensors; `shapes` are those of the original, [B, H, W, C]."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Any]] = []
        self.tensors: Tensors = {}

    def tensor(self, value: Array) -> str:
        """Keep a constant; its name."""
        name = f"w{len(self.tensors):03d}"
        self.tensors[name] = np.ascontiguousarray(value)
        return name

    def step(self, op: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        """Add a step of `graph.STEPS`."""
        self.steps.append({"op": op, "inputs": list(inputs), "output": output, **attributes})

    def graph(self, input_name: str, outputs: Sequence[str]) -> tuple[Graph, Tensors]:
        """The steps that `outputs` depend on, and their tensors."""
        needed, steps = set(outputs), []
        for step in reversed(self.steps):
            if step["output"] in needed:
                steps.append(step)
                needed.update(step["inputs"])
        missing = needed - {step["output"] for step in steps} - self.tensors.keys() - {input_name}
        if missing:
            raise ValueError(f"the network gives no {sorted(missing)}")
        graph = {"input": input_name, "outputs": list(outputs), "steps": steps[::-1]}
        return graph, {name: value for name, value in self.tensors.items() if name in needed}


def pad_same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's SAME padding before and after one axis of `size` values."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _pad(size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], same: bool) -> list[int]:
    """[left, right, top, bottom]."""
    if not same:
        return [0, 0, 0, 0]
    return [*pad_same(size[1], kernel[1], stride[1]), *pad_same(size[0], kernel[0], stride[0])]


def convert_tflite(data: bytes, outputs: Sequence[str]) -> tuple[Graph, Tensors]:
    """A TensorFlow Lite network -> (graph, tensors).

    Raises:
        NotImplementedError: it has an unknown operator.
    """
    import tflite  # type: ignore  # for building only

    model: Any = tflite.Model.GetRootAsModel(data, 0)  # generated code: its types say None where none can be
    net: Any = model.Subgraphs(0)
    names = [net.Tensors(i).Name().decode() for i in range(net.TensorsLength())]
    shapes = [
        tuple(int(n) for n in net.Tensors(i).ShapeAsNumpy()) if net.Tensors(i).ShapeLength() else ()
        for i in range(net.TensorsLength())
    ]
    types = {0: np.float32, 1: np.float16, 2: np.int32}
    constants: dict[int, Array] = {}
    for i in range(net.TensorsLength()):
        buffer = model.Buffers(net.Tensors(i).Buffer())
        if buffer.DataLength():
            raw = buffer.DataAsNumpy().tobytes()
            constants[i] = np.frombuffer(raw, types[net.Tensors(i).Type()]).reshape(shapes[i])
    operators = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    writer = _Writer()
    for number in range(net.OperatorsLength()):
        operator = net.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = operators[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = [int(i) for i in operator.InputsAsNumpy() if i >= 0]
        output = int(operator.Outputs(0))
        if kind == "DEQUANTIZE" and inputs[0] in constants:
            constants[output] = constants[inputs[0]]
            continue
        _TfliteStep(tflite, writer, operator, names, shapes, constants).write(kind, inputs, output)
    return writer.graph(names[int(net.Inputs(0))], outputs)


class _TfliteStep:
    """One TensorFlow Lite operator."""

    def __init__(
        self,
        tflite: Any,
        writer: _Writer,
        operator: Any,
        names: list[str],
        shapes: list[tuple[int, ...]],
        constants: dict[int, Array],
    ) -> None:
        self.tflite, self.writer, self.operator = tflite, writer, operator
        self.names, self.shapes, self.constants = names, shapes, constants

    def options(self, name: str) -> Any:
        table = self.operator.BuiltinOptions()
        found = getattr(self.tflite, name)()
        found.Init(table.Bytes, table.Pos)
        return found

    def write(self, kind: str, inputs: list[int], output: int) -> None:
        method: Callable[[list[int], str, int], None] | None = getattr(self, f"_{kind.lower()}", None)
        if method is None:
            raise NotImplementedError(f"TensorFlow Lite operator {kind}")
        method(inputs, self.names[output], output)

    def act(self, code: int) -> str:
        return {0: "", 1: "relu", 3: "relu6"}[code]

    def conv(self, inputs: list[int], name: str, options: Any, weight: Array, groups: int) -> None:
        kernel, stride = weight.shape[2:], (options.StrideH(), options.StrideW())
        assert (options.DilationHFactor(), options.DilationWFactor()) == (1, 1)
        pad = _pad(self.shapes[inputs[0]][1:3], (kernel[0], kernel[1]), stride, options.Padding() == 0)
        tensors = [self.writer.tensor(weight), *(self.writer.tensor(self.constants[i]) for i in inputs[2:])]
        self.writer.step(
            "conv",
            [self.names[inputs[0]], *tensors],
            name,
            stride=list(stride),
            pad=pad,
            groups=groups,
            act=self.act(options.FusedActivationFunction()),
        )

    def _conv_2d(self, inputs: list[int], name: str, output: int) -> None:
        weight = self.constants[inputs[1]].transpose(0, 3, 1, 2)
        groups = self.shapes[inputs[0]][3] // weight.shape[1]
        self.conv(inputs, name, self.options("Conv2DOptions"), weight, groups)

    def _depthwise_conv_2d(self, inputs: list[int], name: str, output: int) -> None:
        weight = self.constants[inputs[1]].transpose(3, 0, 1, 2)
        self.conv(inputs, name, self.options("DepthwiseConv2DOptions"), weight, self.shapes[inputs[0]][3])

    def _add(self, inputs: list[int], name: str, output: int) -> None:
        assert not self.constants.keys() & set(inputs)
        act = self.act(self.options("AddOptions").FusedActivationFunction())
        self.writer.step("add", [self.names[i] for i in inputs], name, act=act)

    def _pad(self, inputs: list[int], name: str, output: int) -> None:
        batch, height, width, channels = self.constants[inputs[1]].tolist()
        assert batch == [0, 0]
        self.writer.step("pad", [self.names[inputs[0]]], name, pad=[*width, *height, *channels])

    def _max_pool_2d(self, inputs: list[int], name: str, output: int) -> None:
        options = self.options("Pool2DOptions")
        kernel = options.FilterHeight(), options.FilterWidth()
        stride = options.StrideH(), options.StrideW()
        pad = _pad(self.shapes[inputs[0]][1:3], kernel, stride, options.Padding() == 0)
        self.writer.step("max_pool", [self.names[inputs[0]]], name, kernel=list(kernel), stride=list(stride), pad=pad)

    def _resize_bilinear(self, inputs: list[int], name: str, output: int) -> None:
        options = self.options("ResizeBilinearOptions")
        assert options.HalfPixelCenters()
        assert not options.AlignCorners()
        scale = self.shapes[output][1] / self.shapes[inputs[0]][1]
        self.writer.step("resize", [self.names[inputs[0]]], name, scale=scale, align_corners=False)

    def _relu(self, inputs: list[int], name: str, output: int) -> None:
        self.writer.step("relu", [self.names[inputs[0]]], name)

    def _logistic(self, inputs: list[int], name: str, output: int) -> None:
        self.writer.step("sigmoid", [self.names[inputs[0]]], name)

    def _prelu(self, inputs: list[int], name: str, output: int) -> None:
        slope = self.writer.tensor(self.constants[inputs[1]].reshape(-1))
        self.writer.step("prelu", [self.names[inputs[0]], slope], name)

    def _depth_to_space(self, inputs: list[int], name: str, output: int) -> None:
        block = self.options("DepthToSpaceOptions").BlockSize()
        self.writer.step("depth_to_space", [self.names[inputs[0]]], name, block=block)

    def _concatenation(self, inputs: list[int], name: str, output: int) -> None:
        axis = self.options("ConcatenationOptions").Axis()
        dim = {1: 2, 2: 3, 3: 1}[axis] if len(self.shapes[output]) == 4 else axis
        self.writer.step("concat", [self.names[i] for i in inputs], name, dim=dim)

    def _reshape(self, inputs: list[int], name: str, output: int) -> None:
        self.writer.step("rows", [self.names[inputs[0]]], name, width=self.shapes[output][-1])

    def _mean(self, inputs: list[int], name: str, output: int) -> None:
        assert sorted(self.constants[inputs[1]].reshape(-1).tolist()) == [1, 2]
        self.writer.step("mean", [self.names[inputs[0]]], name)

    def _fully_connected(self, inputs: list[int], name: str, output: int) -> None:
        tensors = [self.writer.tensor(self.constants[i]) for i in inputs[1:]]
        act = self.act(self.options("FullyConnectedOptions").FusedActivationFunction())
        self.writer.step("linear", [self.names[inputs[0]], *tensors], name, act=act)


def convert_tfjs(
    model: bytes, weights: bytes, input_name: str, outputs: Sequence[str], size: int
) -> tuple[Graph, Tensors]:
    """The convolution part of a TensorFlow.js graph model -> (graph, tensors).

    `input_name` is the node whose value the graph starts from, `size` the side of the square input that the paddings
    are worked out for; they hold for every multiple of the network's stride.
    """
    description = json.loads(model)
    constants, offset = {}, 0
    types = {"float32": np.float32, "float16": np.float16, "int32": np.int32, "bool": np.bool_}
    for entry in (weight for group in description["weightsManifest"] for weight in group["weights"]):
        kind = types[entry.get("quantization", entry)["dtype"]]
        count = int(np.prod(entry["shape"], dtype=np.int64))
        constants[entry["name"]] = np.frombuffer(weights, kind, count, offset).reshape(entry["shape"])
        offset += constants[entry["name"]].nbytes
    assert offset == len(weights)
    nodes = {node["name"]: node for node in description["modelTopology"]["node"]}
    writer, sides = _Writer(), {input_name: size}

    def visit(name: str) -> None:
        if name in sides:
            return
        node = nodes[name]
        inputs = [i for i in node["input"] if i not in constants]
        if node["op"] == "ResizeBilinear":
            inputs = inputs[:1]  # the other is the doubled size
        for i in inputs:
            visit(i)
        sides[name] = _tfjs_step(writer, node, inputs, constants, sides[inputs[0]])

    for output in outputs:
        visit(output)
    return writer.graph(input_name, outputs)


def _tfjs_step(writer: _Writer, node: Mapping[str, Any], inputs: list[str], constants: Tensors, side: int) -> int:
    """Writes one node; returns the side of its square output."""
    kind, name, attributes = node["op"], node["name"], node["attr"]
    if kind in ("_FusedConv2D", "FusedDepthwiseConv2dNative", "DepthwiseConv2dNative"):
        weight, *bias = (constants[i] for i in node["input"] if i in constants)
        depthwise = "Depthwise" in kind
        channels = weight.shape[2]
        weight = (
            weight.transpose(2, 3, 0, 1).reshape(-1, 1, *weight.shape[:2])
            if depthwise
            else weight.transpose(3, 2, 0, 1)
        )
        stride = int(attributes["strides"]["list"]["i"][1])
        same = base64.b64decode(attributes["padding"]["s"]) == b"SAME"
        fused = [base64.b64decode(s).decode() for s in attributes.get("fused_ops", {}).get("list", {}).get("s", [])]
        assert set(fused) <= {"BiasAdd", "Relu", "Relu6"}
        pad = _pad((side, side), weight.shape[2:], (stride, stride), same)
        tensors = [writer.tensor(weight), *(writer.tensor(b.reshape(-1)) for b in bias)]
        act = "relu6" if "Relu6" in fused else "relu" if "Relu" in fused else ""
        writer.step(
            "conv",
            [*inputs, *tensors],
            name,
            stride=[stride, stride],
            pad=pad,
            groups=channels if depthwise else 1,
            act=act,
        )
        return -(-side // stride) if same else (side - weight.shape[2]) // stride + 1
    if kind == "AddV2":
        writer.step("add", inputs, name, act="")
        return side
    if kind == "ResizeBilinear":
        assert attributes["half_pixel_centers"]["b"]
        assert not attributes.get("align_corners", {}).get("b", False)
        writer.step("resize", inputs, name, scale=2.0, align_corners=False)
        return side * 2
    raise NotImplementedError(f"TensorFlow.js operator {kind}")


def convert_mlsd(data: bytes) -> Tensors:
    """Weights and biases of mlsd_net.MLSDNet from mlsd_512x512_large.onnx (BatchNorm is folded there already)."""
    import onnx  # type: ignore  # for building only
    from onnx import numpy_helper  # type: ignore  # for building only

    graph = onnx.load_from_string(data).graph
    constants = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    if len(convolutions) != len(MLSD_LAYERS):
        raise ValueError(f"expected {len(MLSD_LAYERS)} convolutions, the file has {len(convolutions)}")
    tensors: Tensors = {}
    for layer, node in zip(MLSD_LAYERS, convolutions, strict=True):
        tensors[f"{layer}.weight"], tensors[f"{layer}.bias"] = (constants[name] for name in node.input[1:3])
    return tensors
