"""Control stacks on ComfyUI's CONDITIONING, by its own control objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import comfy.controlnet
import comfy.utils
import torch

from ...preprocessors.pictures import Size, size_of_latent
from ...preprocessors.report import count_of
from .choices import MODES
from .fit import has_other_shape
from .modes import shape_residuals
from .patches.comfy_patch import HintPatch
from .stack import Control, ControlStack, check_control, steps_of
from .steps.strengths import ControlSteps

Conditioning = list[Any]
BALANCED, _, CONTROL = MODES


class ShapedControl(comfy.controlnet.ControlBase):
    """One of ComfyUI's control objects, whose residuals pass through a mode and a mask before they join the chain.

    The object keeps its hint, range and network, and runs as a chain of one. mask: [M, H, W] in 0..1, already
    feathered, or None. steps: what its strength is multiplied by at each step, or None.
    """

    multigpu_clones: dict[torch.device, Any]  # only where ComfyUI knows several GPUs

    def __init__(self, stock: Any, mode: str, mask: torch.Tensor | None, steps: ControlSteps | None = None) -> None:
        super().__init__()
        stock.copy_to(self)  # others may read the hint, the strength and the range from here
        self.stock, self.mode, self.mask, self.steps = stock, mode, mask, steps
        self._checked: torch.Tensor | None = None  # the schedule that was compared with that of the steps

    def get_control(
        self,
        x_noisy: torch.Tensor,
        t: torch.Tensor,
        cond: dict[str, Any],
        batched_number: int,
        transformer_options: dict[str, Any],
    ) -> dict[str, Any] | None:
        """The residuals of the chain up to here; None where no network of it ran."""
        arguments = (x_noisy, t, cond, batched_number, transformer_options)
        before = None if self.previous_controlnet is None else self.previous_controlnet.get_control(*arguments)
        if self.steps is not None:
            factor = self._factor(self.steps, float(t[0]), transformer_options.get("sample_sigmas"))
            if factor == 0.0:
                return before
            self.stock.strength = self.strength * factor
        own = self.stock.get_control(*arguments)  # None outside start..end: the network was not run
        if own is None:
            return before
        own = shape_residuals(own, self.mode, self.mask, x_noisy.shape[-2:], batched_number)
        return comfy.controlnet.ControlBase().control_merge(own, before, None)

    def _factor(self, steps: ControlSteps, sigma: float, schedule: torch.Tensor | None) -> float:
        if schedule is not None and schedule is not self._checked:
            steps.check_run(schedule)
            self._checked = schedule
        return steps.at(sigma)

    def set_cond_hint(self, *args: Any, **kwargs: Any) -> ShapedControl:
        """Set the hint of the object inside, as ComfyUI does."""
        self.stock.set_cond_hint(*args, **kwargs)
        self.stock.copy_to(self)
        return self

    def pre_run(self, model: Any, percent_to_timestep_function: Callable[[float], float]) -> None:
        """Before sampling: the object inside learns its range in sigmas too."""
        super().pre_run(model, percent_to_timestep_function)
        self.stock.pre_run(model, percent_to_timestep_function)

    def cleanup(self) -> None:
        """After sampling: the object inside lets go of its hint too."""
        super().cleanup()
        self._checked = None
        self.stock.cleanup()

    def copy(self) -> ShapedControl:
        """The same without the chain before it."""
        return self._around(self.stock.copy())

    def _around(self, stock: Any) -> ShapedControl:
        """The same around another object, which may have the strength of the last step."""
        stock.strength = self.strength
        return ShapedControl(stock, self.mode, self.mask, self.steps)

    def deepclone_multigpu(self, load_device: torch.device, autoregister: bool = False) -> ShapedControl:
        """The same with a network of its own for another GPU. Only a ComfyUI that knows several calls it.

        autoregister: ComfyUI finds the clone by its device from then on.
        """
        clone = self._around(self.stock.deepclone_multigpu(load_device))
        if autoregister:
            self.multigpu_clones[load_device] = clone
        return clone

    def get_models(self) -> list[Any]:
        """The networks of the chain, which ComfyUI loads."""
        return [*super().get_models(), *self.stock.get_models()]

    def inference_memory_requirements(self, dtype: torch.dtype) -> float:
        """In bytes, of the chain."""
        return super().inference_memory_requirements(dtype) + self.stock.inference_memory_requirements(dtype)


def apply_stack(
    stack: ControlStack, positive: Conditioning, negative: Conditioning
) -> tuple[Conditioning, Conditioning]:
    """`positive` and `negative` with every control of `stack`, as a chain of ControlNetApplyAdvanced would have them.

    A balanced control without a mask is ComfyUI's own object, and nothing is added to it. One of mode "control" is
    left out of the negative side. The mask of a net for inpainting says what is repainted, not where the net acts.
    Model patches act on the MODEL and are left out here. The conditionings that are given are not changed.

    Raises:
        ValueError: a control cannot be applied (strength NaN, start after end, no ControlNet).
    """
    for control in stack:
        check_control(control)
        if isinstance(control.net, HintPatch):
            continue
        check_net(control.net, control.vae)
        positive, negative = _apply(control, positive, negative)
    return positive, negative


def _apply(control: Control, positive: Conditioning, negative: Conditioning) -> tuple[Conditioning, Conditioning]:
    import nodes  # ComfyUI's, which is there when a graph runs

    apply: Any = getattr(nodes, "ControlNetApplyAdvanced")  # noqa: B009  # the checker takes `nodes` for this pack's
    both_sides = control.mode != CONTROL
    inpaints = needs_mask(control.net)
    unmasked = [1.0 - control.mask[:, None]] if inpaints and control.mask is not None else []
    applied, other = apply().apply_controlnet(
        positive,
        negative if both_sides else [],
        control.net,
        control.hint,
        control.strength,
        control.start_percent,
        control.end_percent,
        vae=control.vae,
        extra_concat=unmasked,
    )
    area = None if inpaints else control.mask
    steps = steps_of(control)
    if control.strength != 0 and (control.mode != BALANCED or area is not None or steps is not None):
        applied, other = _shape(control.mode, area, steps, applied, other)
    return applied, other if both_sides else negative


def _shape(
    mode: str, area: torch.Tensor | None, steps: ControlSteps | None, *sides: Conditioning
) -> list[Conditioning]:
    """The stock control objects of `sides` wrapped; one that both sides share stays shared, or ComfyUI could not
    sample them in one batch."""
    wrapped: dict[Any, ShapedControl] = {}
    for stock in (entry[1]["control"] for side in sides for entry in side):
        if stock not in wrapped:
            wrapped[stock] = ShapedControl(stock.copy(), mode, area, steps)
            wrapped[stock].set_previous_controlnet(stock.previous_controlnet)
    return [[[tokens, values | {"control": wrapped[values["control"]]}] for tokens, values in side] for side in sides]


def check_net(net: Any, vae: Any) -> None:
    """Check that `net` is a control object of ComfyUI that has what it needs.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(net, comfy.controlnet.ControlBase):
        kind = "nothing" if net is None else type(net).__name__
        raise ValueError(
            f"control_net: expected a ControlNet, got {kind}. The file may be a checkpoint, a LoRA or broken: connect "
            "Load ControlNet Model with a ControlNet file."
        )
    if net.latent_format is not None and vae is None:
        raise ValueError(
            "vae: this ControlNet takes its hint as a latent, and no VAE is connected. Connect the VAE of the model."
        )


def needs_mask(net: Any) -> bool:
    """Whether `net` is for inpainting and takes a mask of what is repainted, as AliMama's do."""
    return bool(getattr(net, "concat_mask", False))


def blacken_masked(image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """[B, H, W, C], black where the mask [M, H', W'] is set, as ControlNetInpaintingAliMamaApply blacks it out.

    Raises:
        ValueError: there are several of both, and not as many.
    """
    if 1 not in (len(image), len(mask)) and len(image) != len(mask):
        raise ValueError(f"mask: there are {len(mask)} for {len(image)} hints. Give one, or one for each hint.")
    unmasked = comfy.utils.common_upscale(1.0 - mask[:, None], image.shape[2], image.shape[1], "bilinear", "center")
    return image * unmasked.round().movedim(1, -1)


def pixels_per_cell(net: Any, vae: Any) -> int:
    """How many pixels of the hint stand for one cell of the latent: ComfyUI resizes hints to that."""
    if isinstance(net, HintPatch):
        return net.cell
    ratio = int(net.compression_ratio)
    return ratio * int(vae.spacial_compression_encode()) if net.latent_format is not None else ratio


def target_size(net: Any, latent: dict[str, Any] | None, vae: Any) -> Size | None:
    """(height, width) in pixels of the hint that ComfyUI neither crops nor resizes; None without a latent."""
    return None if latent is None else size_of_latent(latent, pixels_per_cell(net, vae))


def check_fits(control: Control, latent: dict[str, Any]) -> str:
    """A warning if ComfyUI resizes the hint of `control` for the one picture of `latent`; "" if it fits.

    Raises:
        ValueError: there are several hints or masks, the hint has another shape, which ComfyUI would cut, or
            `check_net` refuses the net.
    """
    if not isinstance(control.net, HintPatch):
        check_net(control.net, control.vae)
    of = f" of '{control.name}'" if control.name else ""
    for what, pictures in (("hints", control.hint), ("masks", control.mask)):
        if pictures is not None and pictures.ndim > 2 and len(pictures) != 1:
            raise ValueError(
                f"control: there are {len(pictures)} {what}{of}, and the latent is one picture, so that only the first "
                "would count. Give the ControlNet Guide one; for several, make a sweep of each."
            )
    target = target_size(control.net, latent, control.vae)
    height, width = (int(side) for side in control.hint.shape[1:3])
    if target is None or (height, width) == target:
        return ""
    sizes = f"the hint{of} is {width}x{height}, and the latent makes a picture of {target[1]}x{target[0]}"
    advice = "Connect the same latent to latent of the ControlNet Guide"
    if has_other_shape((height, width), target):
        raise ValueError(f"control: {sizes}, of another shape: ComfyUI would cut it without a word. {advice}.")
    return f"{sizes}: ComfyUI resizes it. {advice}, which loses no thin lines"


def check_batch(what: str, count: int, latent: dict[str, Any] | None) -> None:
    """Check that `count` pictures are one, or one for each picture (or frame) of the latent.

    Raises:
        ValueError: they are another number.
    """
    if latent is None or count == 1:
        return
    samples = latent["samples"]
    frames = int(samples.shape[2]) if samples.ndim == 5 else 1
    if count not in {int(samples.shape[0]), frames, int(samples.shape[0]) * frames}:
        pictures = int(samples.shape[0]) * frames
        raise ValueError(
            f"{what}: there are {count} for the {count_of(pictures, 'picture')} of the latent. Give 1, or "
            "as many as it has pictures, or change its batch_size."
        )
