"""Whether the MODEL, CLIP and VAE of a run are those that the keys of its cells stand for.

A key holds the part of the graph that they come from, and the files named there (hashing.py). Two things can part them:
a list of models from one part of the graph, and a file that was replaced while ComfyUI keeps what it read before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from .inputs import SweepInputs

KEPT = 64  # models whose files are remembered
# of each execution (its dynprompt) the objects that every Sweep got
_objects: WeakKeyDictionary[Any, dict[str, tuple[int, ...]]] = WeakKeyDictionary()
_files: OrderedDict[tuple[Any, ...], dict[str, str]] = OrderedDict()


def check_one(dynprompt: Any, node_id: str, given: SweepInputs) -> None:
    """Raises ValueError where one execution gives a Sweep a second MODEL, CLIP, VAE, SAMPLER or ControlNet."""
    nets = tuple(id(control.net) for control in given.control or ())
    objects = (id(given.model), id(given.clip), id(given.vae), id(given.sampler), *nets)
    if _objects.setdefault(dynprompt, {}).setdefault(node_id, objects) != objects:
        raise ValueError(
            "model, clip, vae, sampler or control: a list of several comes in, and their pictures could not be told "
            "apart. Connect one; for several checkpoints or samplers use a Value Axis."
        )


def check_files(given: SweepInputs, files: Mapping[str, str]) -> None:
    """Raises ValueError where a file is another one than when a Sweep last saw this very model.

    files: name -> identity of the files that the model, CLIP and VAE come from.
    """
    key = tuple(_version(part) for part in (given.model, given.clip, given.vae))
    before = _files.setdefault(key, dict(files))
    _files.move_to_end(key)
    while len(_files) > KEPT:
        _files.popitem(last=False)
    changed = sorted(name for name in before.keys() & files.keys() if before[name] != files[name])
    if changed:
        raise ValueError(
            f"model: the file '{changed[0]}' was replaced, but ComfyUI still has in memory what it read before. Free "
            "the model and node cache (in the menu of ComfyUI), or restart it, then run again."
        )
    before.update(files)


def _version(part: Any) -> Any:
    """ComfyUI's id of a model with its patches: a new one for whatever is loaded or patched anew."""
    return getattr(getattr(part, "patcher", part), "patches_uuid", None)
