"""The family's dealings with ComfyUI: weight folders, detector networks under its memory management, progress and
Cancel."""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.utils
import folder_paths
import torch
from comfy.model_patcher import ModelPatcher
from comfy_execution.utils import get_executing_context
from torch import nn

from ...preprocessors import fitting
from ...preprocessors.download import download
from ...preprocessors.lines import traced
from ...preprocessors.pictures import Placement, check_pictures, fitted, is_line_hint, rgb_bytes
from ...preprocessors.weights import REGISTRY, WeightsError, download_folder, look_for, require

log = logging.getLogger(__name__)
FOLDER_KEY = "annotators"  # models/annotators, or what extra_model_paths.yaml says under this key
AUX_PACK = "comfyui_controlnet_aux"
AUX_VARIABLE = "AUX_ANNOTATOR_CKPTS_PATH"
MAX_CACHED = 12
NO_EDGES = "no edges: lower both thresholds, or turn on auto"


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


def networks(builders: dict[str, Callable[[], nn.Module]]) -> dict[str, nn.Module]:
    """The named networks, loaded once and brought to the device by ComfyUI, which may unload others or, later,
    these."""
    patchers = {name: CACHE.get(name, build) for name, build in builders.items()}
    # Whole: ComfyUI's own layers can fetch what stayed on the CPU when memory is short, torch's cannot.
    comfy.model_management.load_models_gpu(list(patchers.values()), force_full_load=True)
    return {name: patcher.model for name, patcher in patchers.items()}


def weight_folders() -> list[Path]:
    """Where weights that Steer does not ship may lie; downloads go to the first. comfyui_controlnet_aux's folder is
    `ckpts` in its own, or what the environment variable AUX_ANNOTATOR_CKPTS_PATH says."""
    named = folder_paths.folder_names_and_paths.get(FOLDER_KEY)
    folders = [Path(path) for path in (named[0] if named else [])] or [Path(folder_paths.models_dir) / FOLDER_KEY]
    if moved := os.environ.get(AUX_VARIABLE):
        folders.append(Path(moved))
    for custom_nodes in folder_paths.get_folder_paths("custom_nodes"):
        if os.path.isdir(custom_nodes):
            folders += [
                Path(entry.path) / "ckpts" for entry in os.scandir(custom_nodes) if entry.name.lower() == AUX_PACK
            ]
    cache = os.environ.get("HF_HUB_CACHE") or os.path.join(
        os.environ.get("HF_HOME") or os.path.join(os.path.expanduser("~"), ".cache", "huggingface"), "hub"
    )
    return [*folders, Path(cache)]


def fetch_missing(names: Sequence[str]) -> None:
    """Download those of the named weights of which no undamaged file is on this machine, with progress; Cancel stops
    (and keeps the part). What is loaded is not looked for."""
    folders = weight_folders()
    for name in names:
        weight = REGISTRY[name]
        if weight.shipped or name in CACHE:
            continue
        try:
            require(weight, folders)
        except WeightsError as error:
            log.info("Steer: %s", error)
        else:
            continue
        folder = download_folder(weight, folders)
        log.info("Steer: downloading %s (%.0f MB, %s) to %s", weight.file, weight.size / 1e6, weight.licence, folder)
        bar = comfy.utils.ProgressBar(weight.size)

        def advance(done: int, total: int, bar: comfy.utils.ProgressBar = bar) -> None:
            comfy.model_management.throw_exception_if_processing_interrupted()
            bar.update_absolute(done, total)

        download(weight, folder, advance)


def check_weights(names: Sequence[str]) -> None:
    """WeightsError at once about all of the named weights that are not on this machine, before any is loaded."""
    look_for((REGISTRY[name] for name in names if name not in CACHE), weight_folders())


def check(images: torch.Tensor) -> None:
    """ValueError unless this is an IMAGE that can be worked on."""
    check_pictures(images)


def pictures(images: torch.Tensor) -> Iterator[Any]:
    """Each picture of an IMAGE as uint8 [H, W, 3] RGB; progress and Cancel between them. ValueError on bad input."""
    check_pictures(images)
    yield from with_progress((rgb_bytes(images, index) for index in range(len(images))), len(images))


def with_progress(items: Iterable[Any], count: int) -> Iterator[Any]:
    """The items, with progress after each and Cancel before each."""
    progress = comfy.utils.ProgressBar(count)
    iterator = iter(items)
    for _ in range(count):
        comfy.model_management.throw_exception_if_processing_interrupted()
        yield next(iterator)
        progress.update(1)


def size(images: torch.Tensor) -> tuple[int, int]:
    """(height, width) of an IMAGE."""
    return int(images.shape[1]), int(images.shape[2])


def as_image(hints: Sequence[Any]) -> torch.Tensor:
    """uint8 [H, W, 3] pictures of one size -> IMAGE float32 [B, H, W, 3] in 0..1."""
    out = torch.empty((len(hints), *hints[0].shape), dtype=torch.float32)
    for index, hint in enumerate(hints):
        out[index] = torch.from_numpy(hint)
    return out.div_(255.0).to(comfy.model_management.intermediate_device())


def picture_size(latent: dict[str, Any] | None) -> tuple[int, int] | None:
    """(height, width) in pixels of what a LATENT decodes to, or None when none is connected."""
    return None if latent is None else fitting.picture_size(latent)


def tell(text: str) -> None:
    """Show a line on the node that is running (it is gone after a reload; outputs say the same)."""
    from server import PromptServer  # loading it is not this pack's to do

    context = get_executing_context()
    server = getattr(PromptServer, "instance", None)
    if context is not None and server is not None:
        server.send_progress_text(text, context.node_id)


def passed_on(what: str, picture: Any, placement: Placement, how: str) -> str:
    """The note on a picture, uint8 [H, W, 3], that is such a hint already; `how`: what was done if its size changed."""
    if placement.keeps(picture):
        return f"passed on as it is: this is {what} already"
    (height, width), size = picture.shape[:2], f"{placement.width}x{placement.height}"
    return f"brought from {width}x{height} to {size}, {how}: this is {what} already"


def is_mlsd_hint(picture: Any) -> bool:
    """Whether uint8 [H, W, 3] is straight lines on black, as M-LSD draws them."""
    from ..control.hints import LINES, recognise

    return is_line_hint(picture) and recognise(picture).what == LINES


def is_canny_hint(picture: Any) -> bool:
    """Whether uint8 [H, W, 3] is edges on black, as Canny draws them."""
    from ..control.hints import EDGES, recognise

    return is_line_hint(picture) and recognise(picture).what == EDGES


def pass_on_edges(images: torch.Tensor, hint: torch.Tensor, fit: str) -> dict[int, str]:
    """Puts into `hint` [B, H, W, 3] those of `images` that are Canny hints already, brought to its size by `fit`.
    Returns a note on each, by its number from 0."""
    notes = {}
    for index, pixels in enumerate(images[:, ::7, ::7]):
        if not bool(((pixels == 0) | (pixels == 1)).all()):  # nearly every picture ends here, which takes no time
            continue
        picture = rgb_bytes(images, index)
        if is_canny_hint(picture):
            placement = fitted(size(images), size(hint), fit)
            notes[index] = passed_on("a Canny hint", picture, placement, "its lines drawn anew")
            hint[index] = torch.from_numpy(traced(picture, placement)).to(hint) / 255
    return notes


def edges_told(images: torch.Tensor, hint: torch.Tensor, passed: Mapping[int, str]) -> str:
    """A report on Canny's hints [B, H, W, 3]: how much of each is edges, or the note on one that was passed on; a
    warning, also in the log, where a picture of `images` has none or is a hint itself."""
    from ..control.hints import already, recognise, sampled

    looked_at = set(sampled(len(images)))
    lines = []
    for index, edges in enumerate(hint[..., 0]):
        if index in passed:
            lines.append(passed[index])
            continue
        share = float(edges.mean())
        line = f"{share:.1%} of the picture is edges" if share else NO_EDGES
        warning = "" if share else NO_EDGES
        if share and index in looked_at and (told := already(recognise(rgb_bytes(images, index)))):
            line, warning = f"{line}; {told}", told
        if warning:
            log.warning("Canny, picture %d: %s.", index + 1, warning)
        lines.append(line)
    return numbered(lines)


def already_a_hint(picture: Any, what: str) -> str:
    """A remark for the report if uint8 [H, W, 3] looks like such a hint (hints.LINES, POSE) already, but is none pixel
    by pixel, as after JPEG or resizing, so that it was looked at like any picture. Else ""."""
    from ..control.hints import already, recognise

    look = recognise(picture)
    return f"; {already(look)}" if look.what == what and already(look) else ""


def numbered(lines: Sequence[str]) -> str:
    """One report for a batch: a single line if all are the same, else "picture 1: ..." and so on."""
    if len(set(lines)) == 1:
        return lines[0]
    return "\n".join(f"picture {number}: {line}" for number, line in enumerate(lines, 1))
