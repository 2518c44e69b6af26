"""ONNX files that stand in for DWPose's, which no package registry has."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from steer.preprocessors.networks.registry import WeightFile


def onnx_file(path: Path, side: tuple[int, int], **answers: np.ndarray) -> WeightFile:
    """An ONNX file that answers the same arrays to every picture, registered as what it is."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        helper.make_node("Conv", ["mean", "zeros"], ["zero"]),
        helper.make_node("Reshape", ["zero", "shape"], ["nothing"]),
    ]
    constants = {"zeros": np.zeros((1, 3, 1, 1), np.float32), "shape": np.array([1, 1, 1], np.int64)}
    outputs = []
    for name, answer in answers.items():
        nodes.append(helper.make_node("Add", ["nothing", f"{name}_value"], [name]))
        constants[f"{name}_value"] = answer.astype(np.float32)
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, answer.shape))
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, *side])
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "answers", [picture], outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    content = model.SerializeToString()
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    return WeightFile(path.stem, path.name, digest, len(content), "Apache-2.0", "this test", "some/where")
