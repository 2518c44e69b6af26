"""A MODEL, CLIP or VAE from a file of an axis: ComfyUI's own loader, and the nodes between it and the Sweep."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import comfy.sd
import folder_paths

from ...axis import EncoderFiles
from ..plan.comfy_model_files import find_node_class
from ..plan.sources import LoaderChain, type_of

# Load CLIP for one file, two, three and four.
ENCODERS = ("CLIPLoader", "DualCLIPLoader", "TripleCLIPLoader", "QuadrupleCLIPLoader")


def load_checkpoint(name: str) -> tuple[Any, Any, Any]:
    """As ComfyUI's Load Checkpoint. Raises FileNotFoundError where the file is gone."""
    path = folder_paths.get_full_path_or_raise("checkpoints", name)
    embeddings = folder_paths.get_folder_paths("embeddings")
    found = comfy.sd.load_checkpoint_guess_config(
        path, output_vae=True, output_clip=True, embedding_directory=embeddings
    )
    return found[0], found[1], found[2]


def load_diffusion_model(name: str, source: LoaderChain) -> Any:
    """MODEL of a file, as the node Load Diffusion Model gives it."""
    dtype = source.kept.get("weight_dtype", "default")
    return _follow(call_node("UNETLoader", unet_name=name, weight_dtype=dtype)[0], source)


def load_text_encoder(value: str | EncoderFiles, source: LoaderChain) -> Any:
    """CLIP of a file or several, as the node Load CLIP, or that for two, three or four files, gives it."""
    names = value.names if isinstance(value, EncoderFiles) else (value,)
    files = {f"clip_name{number}": name for number, name in enumerate(names, 1)} if len(names) > 1 else {}
    given = files or {"clip_name": names[0]}
    more = {"type": type_of(value, source), "device": source.kept.get("device", "default")}
    return _follow(call_node(ENCODERS[len(names) - 1], **given, **more)[0], source)


def load_vae(name: str, source: LoaderChain) -> Any:
    """VAE of a file, as the node Load VAE gives it."""
    return _follow(call_node("VAELoader", vae_name=name)[0], source)


def _follow(part: Any, source: LoaderChain) -> Any:
    for step in source.between:
        part = call_node(step.kind, **{source.socket: part}, **step.inputs)[step.output]
    return part


def call_node(kind: str, **inputs: Any) -> tuple[Any, ...]:
    """The outputs of a node of ComfyUI for ready values. An input that it does not have is left out.

    Raises:
        ValueError: this ComfyUI has no such node, or it cannot be called alone.
    """
    node = find_node_class(kind)
    if node is None:
        raise ValueError(f"this ComfyUI has no node {kind}.")
    function = _function_of(node)
    if inspect.iscoroutinefunction(function):
        raise ValueError(f"{kind} runs beside others, so Sweep cannot call it. Use a Sweep Value and Sweep Graph.")
    result = function(**_known_inputs(node, inputs))
    outputs = getattr(result, "result", result)
    return tuple(outputs.get("result", ())) if isinstance(outputs, Mapping) else tuple(outputs or ())


def _function_of(node: Any) -> Callable[..., Any]:
    if hasattr(node, "PREPARE_CLASS_CLONE"):  # V3
        clone = node.PREPARE_CLASS_CLONE({"hidden": {}, "hidden_inputs": {}})  # older and newer names for them
        return getattr(clone, node.FUNCTION)
    return getattr(node(), node.FUNCTION)


def _known_inputs(node: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    declared = node.INPUT_TYPES()
    known = {name for group in ("required", "optional") for name in declared.get(group, {})}
    return {name: value for name, value in inputs.items() if name in known}
