"""Whether the MODEL, CLIP and VAE of a run are those that the keys of its cells stand for.

A key holds the part of the graph that they come from, and the files named there (cell_key.py). It can be wrong in two
cases: one part of the graph gives a list of models, or a file was replaced while ComfyUI keeps what it read before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from .inputs import SweepInputs

MAX_MODELS = 64  # whose files are remembered
# By execution (its dynprompt) and Sweep: the objects that came in.
_objects: WeakKeyDictionary[Any, dict[str, tuple[int, ...]]] = WeakKeyDictionary()
_files: OrderedDict[tuple[Any, ...], dict[str, str]] = OrderedDict()


def check_single_models(dynprompt: Any, node_id: str, inputs: SweepInputs) -> None:
    """Check that one execution gives a Sweep one MODEL, CLIP, VAE, SAMPLER and set of ControlNets.

    Raises:
        ValueError: it gives a second one.
    """
    nets = tuple(id(control.net) for control in inputs.control or ())
    objects = (id(inputs.model), id(inputs.clip), id(inputs.vae), id(inputs.sampler), *nets)
    if _objects.setdefault(dynprompt, {}).setdefault(node_id, objects) != objects:
        raise ValueError(
            "model, clip, vae, sampler or control: a list of several comes in, and a Sweep takes one. Connect one. For "
            "several checkpoints or samplers use a Value Axis."
        )


def check_files(inputs: SweepInputs, files: Mapping[str, str]) -> None:
    """Check that the files of the models are those that ComfyUI has read.

    files: name -> identity of the files that the MODEL, CLIP and VAE come from.

    Raises:
        ValueError: a file is another one than when a Sweep last saw this very model.
    """
    key = tuple(_version(part) for part in (inputs.model, inputs.clip, inputs.vae))
    before = _files.setdefault(key, dict(files))
    _files.move_to_end(key)
    while len(_files) > MAX_MODELS:
        _files.popitem(last=False)
    changed = sorted(name for name in before.keys() & files.keys() if before[name] != files[name])
    if changed:
        raise ValueError(
            f"model: the file '{changed[0]}' was replaced, but ComfyUI still has in memory what it read before. Free "
            "the model and node cache (in the menu of ComfyUI), or restart it, then run again."
        )
    before.update(files)


def _version(part: Any) -> Any:
    """ComfyUI's id of a model with its patches. A model that is loaded or patched again has a new one."""
    return getattr(getattr(part, "patcher", part), "patches_uuid", None)
