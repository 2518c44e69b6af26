"""Detector networks under ComfyUI's memory management, and the folders that their weights lie in."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import comfy.model_management
import comfy.utils
import folder_paths
from comfy.model_patcher import ModelPatcher
from torch import nn

from ...preprocessors.networks.download import download
from ...preprocessors.networks.registry import (
    REGISTRY,
    NetworkWeightsError,
    check_present,
    choose_download_folder,
    require,
)
from ..text.printable import get_log

log = get_log(__name__)
FOLDER_KEY = "annotators"  # models/annotators, or what extra_model_paths.yaml says under this key
AUX_PACK = "comfyui_controlnet_aux"
AUX_VARIABLE = "AUX_ANNOTATOR_CKPTS_PATH"
MAX_CACHED = 12


class DetectorCache:
    """The one state of this family: networks that stay loaded between runs, least recently used first."""

    def __init__(self, limit: int = MAX_CACHED) -> None:
        self.limit = limit
        self._patchers: OrderedDict[str, ModelPatcher] = OrderedDict()

    def get(self, name: str, build: Callable[[], nn.Module]) -> ModelPatcher:
        """The patcher called `name`, built at the first call."""
        if name not in self._patchers:
            model = build()
            self._patchers[name] = ModelPatcher(
                model,
                load_device=comfy.model_management.get_torch_device(),
                offload_device=comfy.model_management.unet_offload_device(),
            )
        self._patchers.move_to_end(name)
        while len(self._patchers) > self.limit:
            self._patchers.popitem(last=False)
        return self._patchers[name]

    def __contains__(self, name: str) -> bool:
        return name in self._patchers


CACHE = DetectorCache()


def load_networks(builders: dict[str, Callable[[], nn.Module]]) -> dict[str, nn.Module]:
    """The named networks, loaded once and brought to the device by ComfyUI.

    It may unload others for them, or, later, these.
    """
    patchers = {name: CACHE.get(name, build) for name, build in builders.items()}
    # Whole: ComfyUI's own layers can fetch what stayed on the CPU when memory is short, torch's cannot.
    comfy.model_management.load_models_gpu(list(patchers.values()), force_full_load=True)
    return {name: patcher.model for name, patcher in patchers.items()}


def list_weight_folders() -> list[Path]:
    """Where weights that Steer does not ship may lie; downloads go to the first.

    comfyui_controlnet_aux's folder is `ckpts` in its own, or what the environment variable AUX_ANNOTATOR_CKPTS_PATH
    says. The last is the cache of Hugging Face.
    """
    from huggingface_hub import constants

    named = folder_paths.folder_names_and_paths.get(FOLDER_KEY)
    folders = [Path(path) for path in (named[0] if named else [])] or [Path(folder_paths.models_dir) / FOLDER_KEY]
    if moved := os.environ.get(AUX_VARIABLE):
        folders.append(Path(moved))
    for custom_nodes in folder_paths.get_folder_paths("custom_nodes"):
        if os.path.isdir(custom_nodes):
            folders += [
                Path(entry.path) / "ckpts" for entry in os.scandir(custom_nodes) if entry.name.lower() == AUX_PACK
            ]
    return [*folders, Path(constants.HF_HUB_CACHE)]


def fetch_missing(names: Sequence[str]) -> None:
    """Download those of the named weights of which no undamaged file is on this machine, with progress.

    Cancel stops it and keeps the part that came. Networks that are loaded are not looked for.

    Raises:
        NetworkWeightsError: a download failed.
    """
    folders = list_weight_folders()
    for name in names:
        weight = REGISTRY[name]
        if weight.shipped or name in CACHE:
            continue
        try:
            require(weight, folders)
        except NetworkWeightsError as error:
            log.info("Steer: %s", error)
        else:
            continue
        folder = choose_download_folder(weight, folders)
        log.info("Steer: downloading %s (%.0f MB, %s) to %s", weight.file, weight.size / 1e6, weight.licence, folder)
        bar = comfy.utils.ProgressBar(weight.size)

        def advance(done: int, total: int, bar: comfy.utils.ProgressBar = bar) -> None:
            comfy.model_management.throw_exception_if_processing_interrupted()
            bar.update_absolute(done, total)

        download(weight, folder, advance)


def check_weights(names: Sequence[str]) -> None:
    """Check that all of the named weights are on this machine, before any is loaded.

    Raises:
        NetworkWeightsError: some are not; it names them all.
    """
    check_present((REGISTRY[name] for name in names if name not in CACHE), list_weight_folders())
