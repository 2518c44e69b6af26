"""The file of a MODEL_PATCH, looked at before ComfyUI's loader reads it: that one fails on a LoRA without naming it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import folder_paths

from ...prompt_graph import nodes_of
from ..families import name_upstream
from .comfy_patch_guide import MODEL, PATCH

FOLDER = "model_patches"
MOST_BYTES = 64 << 20  # of a header; that of a large model has less than one
# Parts of the names of weights that only LoRAs and their kin have.
_LORA = ("lora_up.", "lora_down.", "lora_A.", "lora_B.", "lora.up.", "lora.down.", ".hada_w", ".lokr_w")


def check_is_no_lora(hidden: Any) -> None:
    """Check that the file behind `model_patch` is no LoRA. A file that cannot be looked at passes.

    hidden: the node's hidden inputs unique_id and dynprompt.

    Raises:
        ValueError: it is one.
    """
    node_id, get_node = str(hidden.unique_id or ""), nodes_of(hidden.dynprompt)
    name = name_upstream(get_node, node_id, "model_patch", PATCH)
    path = folder_paths.get_full_path(FOLDER, name) if name else None
    if path is None or not any(part in weight for weight in _read_names(Path(path)) for part in _LORA):
        return
    model_name = name_upstream(get_node, node_id, "model", MODEL)
    of_model = f" for '{model_name}'" if model_name else ""
    raise ValueError(
        f"model_patch: '{name}' is a LoRA, no model patch{of_model}. Put it into the folder loras, and use "
        "LoraLoaderModelOnly."
    )


def _read_names(path: Path) -> list[str]:
    """The names of the weights in a safetensors file; none where it is none."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            found = json.loads(file.read(size)) if 0 < size <= MOST_BYTES else {}
    except (OSError, ValueError):
        return []
    return list(found) if isinstance(found, dict) else []
