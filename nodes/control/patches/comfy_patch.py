"""A hint in ComfyUI's own patch objects, and the window of sampling in which they act.

ComfyUI's nodes for MODEL_PATCHes make the patch objects, so that inside the window a picture is theirs bit for bit.
Around them stands one wrapper of ComfyUI's APPLY_MODEL: before each call of the model it sets the strength of its step,
or takes the patches out of the call, so that outside of the window the model is the unpatched one and no net runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import comfy.patcher_extension
import torch

from ..modes import blend_tokens
from ..steps.strengths import ControlSteps
from .kinds import PatchKind, check_fits_model

_KEY = "steer_model_patch"
_MASKED = ("double_block", "noise_refiner")  # the places at which a mask can be laid on what a patch adds


@dataclass(frozen=True, eq=False)
class HintPatch:
    """A hint ready to be applied to any MODEL that the patch fits. It stands in the place of a ControlNet in a stack.

    patches: ComfyUI's objects by the place in the model at which they act, as its own node made them. network: of the
    MODEL_PATCH. cell: pixels along a side of a cell of the latent. name: of the file.
    """

    kind: PatchKind
    network: Any
    patches: dict[str, list[Any]]
    cell: int
    name: str = ""


class GuidedPatch:
    """One of ComfyUI's patch objects in a MODEL, with the window that it belongs to, if there is one.

    mask: [M, H, W] in 0..1, where it acts, or None for everywhere.
    """

    def __init__(self, patch: Any, window: PatchWindow | None, mask: torch.Tensor | None) -> None:
        self.patch, self.window, self.mask = patch, window, mask

    def __deepcopy__(self, memo: dict[int, Any]) -> GuidedPatch:
        """Itself: a MODEL's clone copies its options deeply in ComfyUI 0.3.75, and with them the weights of the net."""
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the object inside gives; where there is a mask, only inside of it."""
        if self.mask is None:
            return self.patch(*args, **kwargs)
        given = args[0]
        hidden, latent = given["img"], given["x"].shape[-2:]
        before = hidden.clone()
        out = self.patch(*args, **kwargs)
        after = out.get("img", hidden)  # Z-Image's object works in place and hands nothing on
        blend_tokens(before, after, self.mask, latent)
        return out

    def to(self, device_or_dtype: Any) -> GuidedPatch:
        """Move the object inside, as ComfyUI does when it loads a model."""
        if hasattr(self.patch, "to"):
            self.patch = self.patch.to(device_or_dtype)
        return self

    def models(self) -> list[Any]:
        """The networks that ComfyUI loads with the model."""
        return self.patch.models() if hasattr(self.patch, "models") else []


class PatchWindow:
    """When patches act, and how strongly: ComfyUI's wrapper around each call of the model."""

    def __init__(self, strength: float, start_percent: float, end_percent: float, steps: ControlSteps | None) -> None:
        self.strength, self.percents, self.steps = strength, (start_percent, end_percent), steps
        self._checked: torch.Tensor | None = None  # the schedule that was compared with that of the steps

    def __call__(
        self,
        executor: Any,
        x: torch.Tensor,
        t: torch.Tensor,
        c_concat: Any,
        c_crossattn: Any,
        control: Any,
        transformer_options: dict[str, Any],
        **more: Any,
    ) -> Any:
        """Call the model with the patches at the strength of this step, or without them."""
        sampling = executor.class_obj.model_sampling
        strength = self._strength_at(t, sampling.percent_to_sigma, transformer_options.get("sample_sigmas"))
        patches: dict[str, list[Any]] = transformer_options.get("patches", {})
        own = [patch for every in patches.values() for patch in every if self._owns(patch)]
        if strength == 0.0:
            others = {name: [one for one in every if not self._owns(one)] for name, every in patches.items()}
            transformer_options = transformer_options | {"patches": {name: o for name, o in others.items() if o}}
        else:
            for guided in own:
                _prepare(guided.patch, strength)
        return executor(x, t, c_concat, c_crossattn, control, transformer_options, **more)

    def _owns(self, patch: Any) -> bool:
        return isinstance(patch, GuidedPatch) and patch.window is self

    def _strength_at(
        self, t: torch.Tensor, percent_to_sigma: Callable[[float], float], schedule: torch.Tensor | None
    ) -> float:
        """The strength at a sigma, as ComfyUI compares it with the range of a ControlNet."""
        start, end = (float(percent_to_sigma(percent)) for percent in self.percents)
        if bool(t[0] > start) or bool(t[0] < end):
            return 0.0
        if self.steps is None:
            return self.strength
        if schedule is not None and schedule is not self._checked:
            self.steps.check_run(schedule)
            self._checked = schedule
        return self.strength * self.steps.at(float(t[0]))


def _prepare(patch: Any, strength: float) -> None:
    """Set the strength of ComfyUI's object, and forget what a call of the model left that was cancelled inside."""
    shared: Any = getattr(patch, "patch", patch)  # LLLite's objects in the attention have one in common
    if hasattr(shared, "strength"):
        shared.strength = strength
    if hasattr(shared, "temp_data"):
        shared.temp_data = None


def encode_hint(
    kind: PatchKind, model: Any, model_patch: Any, vae: Any, image: torch.Tensor, mask: torch.Tensor | None, name: str
) -> HintPatch:
    """The hint in ComfyUI's patch objects, made by its own node for such patches.

    image: [1, H, W, 3] in 0..1. mask: [1, H, W], of a patch for inpainting, else None.

    Raises:
        ValueError: the ComfyUI at hand has no such node.
    """
    import nodes

    known: dict[str, Any] = getattr(nodes, "NODE_CLASS_MAPPINGS")  # noqa: B009  # the checker takes it for this pack's
    node = known.get(kind.node)
    if node is None:
        raise ValueError(
            f"model_patch: {kind.title} is not in this ComfyUI. Update ComfyUI, or choose another control."
        )
    inputs = {"model": model, "model_patch": model_patch, "image": image, "strength": 1.0, "mask": mask}
    if kind.takes_vae:
        inputs["vae"] = vae
    if kind.has_window:
        inputs |= {"start_percent": 0.0, "end_percent": 1.0}
    patched = getattr(node(), node.FUNCTION)(**inputs)[0]
    before = _patches_of(model)
    added = {place: every[len(before.get(place, ())) :] for place, every in _patches_of(patched).items()}
    cell = int(vae.spacial_compression_encode()) if kind.takes_vae else 8
    return HintPatch(kind, model_patch.model, {place: every for place, every in added.items() if every}, cell, name)


def apply_hint(
    model: Any,
    hint: HintPatch,
    strength: float,
    start_percent: float,
    end_percent: float,
    steps: ControlSteps | None,
    mask: torch.Tensor | None,
    model_name: str = "",
) -> Any:
    """A clone of `model` with the hint; at strength 0 without it. mask: where it acts, or None.

    Raises:
        ValueError: the patch was made for another family of models.
    """
    check_fits_model(hint.kind, hint.network, model.model, hint.name, model_name)
    patched = model.clone()
    if strength == 0.0:
        return patched
    window = PatchWindow(strength, start_percent, end_percent, steps)
    for place, every in hint.patches.items():
        for patch in every:
            patched.set_model_patch(GuidedPatch(patch, window, mask if place in _MASKED else None), place)
    patched.add_wrapper_with_key(comfy.patcher_extension.WrappersMP.APPLY_MODEL, _KEY, window)
    return patched


def _patches_of(model: Any) -> dict[str, list[Any]]:
    return model.model_options["transformer_options"].get("patches", {})
