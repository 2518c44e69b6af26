"""Controls and model patches of a GUIDER that take readings while ComfyUI samples, and change no bit of the picture."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import comfy.controlnet
import comfy.model_patcher
import torch

from ...comfy_sampling import sample_custom
from ..choices import MODES
from ..comfy_control import ShapedControl
from ..modes import mask_like
from ..patches.comfy_patch import GuidedPatch, PatchWindow
from ..patches.kinds import find_kind
from .readings import Reading
from .residuals import MeteredResidual, ResidualPart, sum_squares

Latent = dict[str, Any]
Residuals = dict[str, list[Any]]

# Where what a patch adds can be seen from outside, and how the chart names a layer there.
_PLACES = {"double_block": "block", "noise_refiner": "refiner"}
_NAMES = {"T2IAdapter": "T2I adapter", "ControlLora": "Control LoRA"}


class ControlReadings:
    """What was read. titles: of the controls, in the order in which they were applied."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self._keys: list[Any] = []
        self._noted: list[tuple[int, float, str]] = []
        self._sums: list[torch.Tensor] = []
        self._gave: set[int] = set()  # controls that handed residuals to the model

    def number(self, key: Any, title: str) -> int:
        """The number of a control; the same for the same `key`."""
        if key not in self._keys:
            self._keys.append(key)
            self.titles.append(f"{len(self._keys)}. {title}")
        return self._keys.index(key)

    def note(self, sigma: float, layer: str, parts: Sequence[ResidualPart], hidden: torch.Tensor) -> None:
        """The model adds `parts` to `hidden`. Nothing waits for the GPU."""
        of_hidden = sum_squares(hidden, hidden)
        for part in parts:
            of_part = sum_squares(part.tensor, hidden)
            outside = torch.zeros_like(of_part) if part.outside is None else sum_squares(part.outside, hidden)
            self._noted.append((part.control, sigma, layer))
            self._sums.append(torch.stack([of_part.to(of_hidden), of_hidden, outside.to(of_hidden)]))

    def wrap(
        self, merged: Residuals, parts: Sequence[tuple[int, Residuals, Residuals | None]], sigma: float
    ) -> Residuals:
        """`merged` as tensors that are noted where the model adds them. parts: number, own residuals, those outside."""
        self._gave.update(number for number, _, _ in parts)
        found: Residuals = {}
        for key, tensors in merged.items():
            found[key] = []
            for index, tensor in enumerate(tensors):
                if tensor is None:
                    found[key].append(None)
                    continue
                shares = [
                    ResidualPart(number, own[key][index], None if outside is None else outside[key][index])
                    for number, own, outside in parts
                    if index < len(own.get(key, ())) and own[key][index] is not None
                ]
                note = _Noted(self, sigma, f"{key} {index + 1}")
                found[key].append(MeteredResidual.around(tensor, shares, note))
        return found

    def collect(self) -> list[Reading]:
        """All readings, as numbers.

        Raises:
            ValueError: a control handed something to the model that was never seen to be added.
        """
        missing = self._gave - {control for control, _, _ in self._noted}
        if missing:
            raise ValueError(
                f"guider: this model takes up {self.titles[min(missing)]} in a way that cannot be read. Take the "
                "control out, or sample with SamplerCustomAdvanced."
            )
        if not self._noted:
            return []
        numbers = torch.stack([sums.double().cpu() for sums in self._sums]).tolist()
        return [Reading(*place, *sums) for place, sums in zip(self._noted, numbers, strict=True)]


class _Noted:
    """Where a residual is added: which layer, in a call at which sigma."""

    def __init__(self, readings: ControlReadings, sigma: float, layer: str) -> None:
        self.readings, self.sigma, self.layer = readings, sigma, layer

    def __call__(self, parts: Sequence[ResidualPart], hidden: torch.Tensor) -> None:
        self.readings.note(self.sigma, self.layer, parts, hidden)


class MeteredChain(comfy.controlnet.ControlBase):
    """A chain of ComfyUI's control objects whose residuals are read where the model adds them.

    Each runs alone, and they are merged as ComfyUI merges them, in the same order.
    """

    def __init__(self, links: Sequence[Any], numbers: Sequence[int], readings: ControlReadings) -> None:
        super().__init__()
        links[-1].copy_to(self)  # others may read the hint, the strength and the range from here
        self.links, self.numbers, self.readings = [link.copy() for link in links], numbers, readings

    def get_control(
        self,
        x_noisy: torch.Tensor,
        t: torch.Tensor,
        cond: dict[str, Any],
        batched_number: int,
        transformer_options: dict[str, Any],
    ) -> Residuals | None:
        """The residuals of the chain; None where no network of it ran."""
        merged: Residuals | None = None
        parts: list[tuple[int, Residuals, Residuals | None]] = []
        for number, link in zip(self.numbers, self.links, strict=True):
            own = link.get_control(x_noisy, t, cond, batched_number, transformer_options)
            if own is None:
                continue
            outside = _outside(own, getattr(link, "mask", None), x_noisy.shape[-2:], batched_number)
            parts.append((number, {key: list(tensors) for key, tensors in own.items()}, outside))
            merged = own if merged is None else comfy.controlnet.ControlBase().control_merge(own, merged, None)
        return None if merged is None else self.readings.wrap(merged, parts, float(t[0]))

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        """Before sampling: every link learns its range in sigmas."""
        super().pre_run(model, percent_to_timestep_function)
        for link in self.links:
            link.pre_run(model, percent_to_timestep_function)

    def cleanup(self) -> None:
        """After sampling: every link lets go of its hint."""
        super().cleanup()
        for link in self.links:
            link.cleanup()

    def copy(self) -> MeteredChain:
        """The same with links of its own."""
        return MeteredChain(self.links, self.numbers, self.readings)

    def get_models(self) -> list[Any]:
        """The networks of the chain, which ComfyUI loads."""
        return [model for link in self.links for model in link.get_models()]

    def get_extra_hooks(self) -> list[Any]:
        """The hooks of the chain."""
        return [hook for link in self.links for hook in link.get_extra_hooks()]

    def inference_memory_requirements(self, dtype: torch.dtype) -> float:
        """In bytes, of the chain."""
        return sum(link.inference_memory_requirements(dtype) for link in self.links)


def _outside(own: Residuals, mask: torch.Tensor | None, latent: Sequence[int], chunks: int) -> Residuals | None:
    if mask is None:
        return None
    return {
        key: [None if x is None else x * (mask_like(x, mask, latent, chunks) == 0.0) for x in tensors]
        for key, tensors in own.items()
    }


class MeteredPatch(GuidedPatch):
    """A patch object of ComfyUI or of a Model Patch Guide that is read while it acts."""

    def __init__(self, inner: Any, number: int, place: str, readings: ControlReadings) -> None:
        guided = isinstance(inner, GuidedPatch)
        super().__init__(inner.patch if guided else inner, inner.window if guided else None, None)
        self.inner, self.number, self.place, self.readings = inner, number, place, readings

    def __call__(self, given: dict[str, Any]) -> Any:
        """What the patch gives."""
        hidden = given["img"]  # newer ComfyUIs' object of Z-Image takes it out of `given`
        before = hidden.clone()
        out = self.inner(given)
        added = out.get("img", hidden) - before  # Z-Image's object works in place and hands nothing on
        options = given.get("transformer_options", {})
        part = ResidualPart(self.number, added, self._outside(added, given["x"].shape[-2:]))
        layer = f"{_PLACES[self.place]} {given.get('block_index', 0) + 1}"
        self.readings.note(float(options["sigmas"][0]), layer, [part], before)
        return out

    def _outside(self, added: torch.Tensor, latent: Sequence[int]) -> torch.Tensor | None:
        mask = getattr(self.inner, "mask", None) if isinstance(self.inner, GuidedPatch) else None
        if mask is None:
            return None
        tokens = -(-latent[-2] // 2) * -(-latent[-1] // 2)
        factor = mask_like(added[:, :tokens], mask, latent, len(added) // len(mask))
        return added[:, :tokens] * (factor == 0.0)


def sample_metered(
    noise: Any, guider: Any, sampler: Any, sigmas: torch.Tensor, latent: Latent
) -> tuple[Latent, Latent, ControlReadings]:
    """Both outputs of ComfyUI's own SamplerCustomAdvanced, and what was read.

    Raises:
        ValueError: the guider has no control, or one that cannot be read.
    """
    readings = ControlReadings()
    metered = _meter_guider(guider, readings)
    output, denoised = sample_custom(noise, metered, sampler, sigmas, latent)
    return output, denoised, readings


def _meter_guider(guider: Any, readings: ControlReadings) -> Any:
    if not hasattr(guider, "original_conds"):
        raise ValueError("guider: its prompts cannot be read. Use CFGGuider or BasicGuider.")
    metered = copy.copy(guider)
    chains: dict[Any, MeteredChain] = {}  # one for each object, or ComfyUI could not sample both sides in one batch
    metered.original_conds = {
        side: [_meter_entry(entry, chains, readings) for entry in entries]
        for side, entries in guider.original_conds.items()
    }
    metered.model_options = comfy.model_patcher.create_model_options_clone(guider.model_options)
    options = metered.model_options.get("transformer_options", {})
    if "patches" in options:
        options["patches"] = {
            place: [_meter_patch(patch, place, readings) for patch in patches]
            for place, patches in options["patches"].items()
        }
    if not readings.titles:
        raise ValueError(
            "guider: neither its prompts nor its model have a control. Connect the outputs of a ControlNet Guide or "
            "Model Patch Guide to the guider."
        )
    return metered


def _meter_entry(entry: dict[str, Any], chains: dict[Any, MeteredChain], readings: ControlReadings) -> dict[str, Any]:
    control = entry.get("control")
    if control is None:
        return entry
    if control not in chains:
        links = _links(control)
        chains[control] = MeteredChain(links, [readings.number(_key(link), _title(link)) for link in links], readings)
    return entry | {"control": chains[control]}


def _links(control: Any) -> list[Any]:
    """The controls of a chain, the first applied first."""
    found: list[Any] = []
    while control is not None:
        if not isinstance(control, comfy.controlnet.ControlBase):
            raise ValueError(f"guider: its control {type(control).__name__} is none of ComfyUI's and cannot be read.")
        found.append(control)
        control = control.previous_controlnet
    return found[::-1]


def _key(link: Any) -> Any:
    """The same for the copies that ComfyUI makes of one control for the two sides."""
    stock = link.stock if isinstance(link, ShapedControl) else link
    network = next(
        (getattr(stock, name) for name in ("control_model", "t2i_model", "control_weights") if hasattr(stock, name)),
        stock,
    )
    return id(network), id(link.cond_hint_original), link.strength, link.timestep_percent_range


def _title(link: Any) -> str:
    stock = link.stock if isinstance(link, ShapedControl) else link
    name = _NAMES.get(type(stock).__name__, "ControlNet")
    start, end = (100.0 * float(share) for share in link.timestep_percent_range)
    words = [f"{name}, strength {link.strength:g}, {start:g} % to {end:g} %"]
    if isinstance(link, ShapedControl):
        words += [] if link.mode == MODES[0] else [f"mode {link.mode}"]
        words += [] if link.steps is None else ["strengths by step"]
        words += [] if link.mask is None else ["with a mask"]
    return ", ".join(words)


def _meter_patch(patch: Any, place: str, readings: ControlReadings) -> Any:
    inner = patch.patch if isinstance(patch, GuidedPatch) else patch
    model = getattr(inner, "model_patch", None)
    if not isinstance(patch, GuidedPatch) and (model is None or place not in _PLACES):
        return patch  # no control
    title = "Model patch" if model is None else f"Model patch {find_kind(model.model).title}"
    if place not in _PLACES:
        raise ValueError(
            f"guider: its {title} works inside the attention and adds nothing that can be read. Use a ControlNet or "
            "another patch, or sample with SamplerCustomAdvanced."
        )
    window = patch.window if isinstance(patch, GuidedPatch) else None
    words = [title, f"strength {_strength(inner, window):g}"]
    words += ["with a mask"] if isinstance(patch, GuidedPatch) and patch.mask is not None else []
    return MeteredPatch(patch, readings.number((id(model), id(window)), ", ".join(words)), place, readings)


def _strength(inner: Any, window: PatchWindow | None) -> float:
    return float(getattr(inner, "strength", 1.0)) if window is None else window.strength
