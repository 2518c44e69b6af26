"""What the node Model Patch Guide does: the hint is fitted, checked and encoded, then it acts inside the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....preprocessors.pictures import size_of_latent
from ...comfy_progress import show_text
from ...prompt_graph import nodes_of
from ..families import Loader, name_upstream
from ..hints.comfy_hints import HintInputs, check_hint, check_is_picture
from ..hints.log import log_once
from ..stack import Control, ControlStack, check_control, describe_control, warn_of_idle, with_steps
from ..steps.strengths import ControlSteps
from .comfy_apply import apply_patches
from .comfy_patch import encode_hint
from .kinds import check_fits_model, find_kind, needs_mask

PATCH = Loader(("name", "model_patch_name"), "", "")
MODEL = Loader(("unet_name", "ckpt_name", "model_name"), "SteerDemoModel", "Demo Model")
_NET = "model patch"


@dataclass(frozen=True)
class PatchInputs:
    """The inputs of the node, by the names of its sockets. hint: those that are about the hint."""

    model: Any
    model_patch: Any
    strength: float
    start_percent: float
    end_percent: float
    hint: HintInputs
    vae: Any = None
    control: ControlStack | None = None
    steps: ControlSteps | None = None


def guide_patch(inputs: PatchInputs, hidden: Any) -> tuple[Any, Control, str]:
    """A MODEL with the patch, its entry of the stack, and a report.

    hidden: the node's hidden inputs unique_id and dynprompt.

    Raises:
        ValueError: an input cannot be used, or two do not go together.
    """
    node_id, get_node = str(hidden.unique_id or ""), nodes_of(hidden.dynprompt)
    name = name_upstream(get_node, node_id, "model_patch", PATCH)
    model_name = name_upstream(get_node, node_id, "model", MODEL)
    network = _network_of(inputs.model_patch)
    kind = find_kind(network)
    check_fits_model(kind, network, inputs.model.model, name, model_name)
    if kind.takes_vae:
        _check_vae(inputs.vae, inputs.model)
    cell = int(inputs.vae.spacial_compression_encode()) if kind.takes_vae else 8
    latent = inputs.hint.latent
    if latent is not None:
        check_is_picture(latent, "model patches are for pictures")
    inpaints = needs_mask(network)
    size = None if latent is None else size_of_latent(latent, cell)
    hint = check_hint(inputs.hint, size, name, inpaints=inpaints, net=_NET)
    for what, pictures in (("image", hint.image), ("mask", hint.area if inpaints else None)):
        if pictures is not None and len(pictures) != 1:
            raise ValueError(
                f"{what}: there are {len(pictures)}, and a model patch takes one for all pictures. Give one; for "
                "several, make a sweep of each."
            )
    encoded = encode_hint(
        kind, inputs.model, inputs.model_patch, inputs.vae, hint.image, hint.area if inpaints else None, name
    )
    own = Control(
        encoded,
        hint.image,
        inputs.strength,
        inputs.start_percent,
        inputs.end_percent,
        mask=None if inpaints else hint.area,
        vae=inputs.vae,
        name=name,
    )
    own = with_steps(own, inputs.steps)
    check_control(own)
    model = apply_patches((own,), inputs.model, model_name)
    warnings = [*hint.complaints, warn_of_idle(own, _NET)]
    log_once(warnings, "Model Patch Guide", name, hidden.dynprompt, node_id)
    described = [*describe_control(own, _NET, has_mode=False), kind.title]
    lines = [*described, *warnings, hint.list_looks(), *hint.notes, *hint.mask_notes]
    report = "\n".join(filter(None, lines))
    show_text(report)
    return model, own, report


def _network_of(model_patch: Any) -> Any:
    """Raises ValueError for what is no MODEL_PATCH."""
    network = getattr(model_patch, "model", None)
    if network is None or hasattr(network, "diffusion_model"):
        what = "nothing" if model_patch is None else "a MODEL" if network is not None else type(model_patch).__name__
        raise ValueError(f"model_patch: expected a MODEL_PATCH, got {what}. Connect ModelPatchLoader with such a file.")
    return network


def _check_vae(vae: Any, model: Any) -> None:
    """Raises ValueError without a VAE, and for one whose latents the model does not take."""
    if vae is None:
        raise ValueError("vae: this patch takes its hint as a latent. Connect the VAE of the model.")
    channels, own = getattr(vae, "latent_channels", None), model.model.latent_format.latent_channels
    if channels is not None and channels != own:
        raise ValueError(
            f"vae: it makes latents of {channels} channels, and the model takes {own}. Connect the VAE of the model."
        )
