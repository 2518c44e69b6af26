"""What ComfyUI knows of the names and files behind a graph: those that texts name, and those that nodes read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import comfy.samplers
import folder_paths

from ...choices import CHECKPOINT, DIFFUSION_MODEL, LORA, SAMPLER, SCHEDULER, TEXT_ENCODER, VAE_FILE
from ...comfy_maker import find_model_files
from ...prompt_graph import is_link
from ...text.printable import get_log
from .cell_key import drop_session_state, read_noted_state

FOLDERS = {
    CHECKPOINT: "checkpoints",
    LORA: "loras",
    DIFFUSION_MODEL: "diffusion_models",
    TEXT_ENCODER: "text_encoders",
}

log = get_log(__name__)


def list_names(kind: str) -> list[str]:
    """The names that ComfyUI lists for an axis of names.

    Raises:
        ValueError: the kind has no names.
    """
    if kind == SAMPLER:
        return list(comfy.samplers.KSampler.SAMPLERS)
    if kind == SCHEDULER:
        return list(comfy.samplers.KSampler.SCHEDULERS)
    if kind == VAE_FILE:  # some of its names are several files, or none
        loader = find_node_class("VAELoader")
        return list(loader.vae_list(loader)) if hasattr(loader, "vae_list") else folder_paths.get_filename_list("vae")
    if kind not in FOLDERS:
        raise ValueError(f"kind: '{kind}' has no names.")
    return folder_paths.get_filename_list(FOLDERS[kind])


def find_node_class(name: str) -> Any:
    """A node's class by its id; None where this ComfyUI has none."""
    import nodes  # ComfyUI's, which is there when a graph runs

    return getattr(nodes, "NODE_CLASS_MAPPINGS").get(name)  # noqa: B009  # the checker takes `nodes` for this pack's


def identify_file(name: str) -> str | None:
    """Size in bytes and time of change of the model files of this name; None where there is none."""
    states = [path.stat() for path in find_model_files(name)]
    return " ".join(f"{state.st_size} {state.st_mtime_ns}" for state in states) or None


def measure_file(name: str) -> str | None:
    """Their sizes in bytes alone, which are the same on every machine; None where there is none."""
    return " ".join(str(path.stat().st_size) for path in find_model_files(name)) or None


def read_node_state(node: Mapping[str, Any]) -> Any:
    """What a node of the graph says of the files that it reads (IS_CHANGED, fingerprint_inputs); None for nothing.

    ComfyUI's cache notes it on the node. Without a cache (--cache-none) the node is asked here.
    """
    kind = find_node_class(node["class_type"])
    ask = getattr(kind, "IS_CHANGED", None) or getattr(kind, "fingerprint_inputs", None)
    if "is_changed" in node or ask is None:
        return read_noted_state(node)
    inputs = {name: None if is_link(value) else value for name, value in node["inputs"].items()}
    try:
        return drop_session_state([ask(**inputs)])
    except NotImplementedError:  # V3's own, where a node has none
        return None
    except Exception as error:  # noqa: BLE001  # any node's own: ComfyUI takes it for changed then, too
        log.warning("Sweep: %s does not say whether its files changed: %s", node["class_type"], error)
        return float("nan")
