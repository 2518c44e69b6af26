"""What the node ControlNet Guide does: the hint is fitted and checked, then applied, and a report is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...preprocessors.pictures import read_picture
from ..comfy_progress import show_text
from ..prompt_graph import nodes_of
from ..timed_ranges import warn_overwritten
from .choices import CANNY
from .comfy_control import Conditioning, apply_stack, blacken_masked, check_net, needs_mask, target_size
from .families import MODEL, NET, check_family, name_upstream
from .hint_check import describe_photograph
from .hints.comfy_hints import HintInputs, check_hint, check_is_picture
from .hints.log import log_once
from .stack import Control, ControlStack, check_control, describe_control, warn_of_idle, with_steps
from .steps.strengths import ControlSteps
from .union import set_union_type

_NET = "ControlNet"


@dataclass(frozen=True)
class GuideInputs:
    """The inputs of the node, by the names of its sockets. hint: those that are about the hint."""

    control_net: Any
    strength: float
    start_percent: float
    end_percent: float
    mode: str
    hint: HintInputs
    vae: Any
    control: ControlStack | None = None
    steps: ControlSteps | None = None


def guide(
    positive: Conditioning, negative: Conditioning, inputs: GuideInputs, hidden: Any
) -> tuple[Conditioning, Conditioning, Control, str]:
    """Both prompts with the ControlNet, its entry of the stack, and a report.

    hidden: the node's hidden inputs unique_id and dynprompt.

    Raises:
        ValueError: an input cannot be used, or two do not go together.
    """
    check_net(inputs.control_net, inputs.vae)
    node_id, get_node = str(hidden.unique_id or ""), nodes_of(hidden.dynprompt)
    name = name_upstream(get_node, node_id, "control_net", NET)
    check_family(inputs.control_net, (positive, negative), name, name_upstream(get_node, node_id, "positive", MODEL))
    if inputs.hint.latent is not None and not _may_take_frames(inputs.control_net):
        of_net = f" '{name}'" if name else ""
        check_is_picture(inputs.hint.latent, f"the ControlNet{of_net} is for pictures")
    size, inpaints = target_size(inputs.control_net, inputs.hint.latent, inputs.vae), needs_mask(inputs.control_net)
    hint = check_hint(inputs.hint, size, name, inpaints=inpaints, net=_NET)
    net, union_note = set_union_type(inputs.control_net, hint.looks, hint.kind)
    own = Control(
        net,
        blacken_masked(hint.image, hint.area) if inpaints and hint.area is not None else hint.image,
        inputs.strength,
        inputs.start_percent,
        inputs.end_percent,
        inputs.mode,
        mask=hint.area,
        vae=inputs.vae,
        name=name,
    )
    own = with_steps(own, inputs.steps)
    check_control(own)
    is_drawn = name == f"{NET.title} {CANNY}"  # the embedded net's
    photograph = describe_photograph(read_picture(hint.image, 0)) if is_drawn else ""
    warnings = [*hint.complaints, photograph, warn_of_idle(own, _NET), warn_overwritten((positive, negative))]
    stack_note = _warn_of_lost(positive, inputs.control)
    positive, negative = apply_stack((own,), positive, negative)
    log_once(warnings, "ControlNet Guide", name, hidden.dynprompt, node_id)
    notes = (*hint.notes, *hint.mask_notes)
    lines = [*describe_control(own, _NET), *warnings, hint.list_looks(), union_note, stack_note, *notes]
    report = "\n".join(filter(None, lines))
    show_text(report)
    return positive, negative, own, report


def _may_take_frames(net: Any) -> bool:
    """Whether a net may take the latent of a video: Fun for Qwen-Image does; what other packs bring is not known."""
    kind = type(net)
    return kind.__module__ != "comfy.controlnet" or kind.__name__ == "QwenFunControlNet"


def _warn_of_lost(positive: Conditioning, stack: ControlStack | None) -> str:
    """A warning if `positive` brings more ControlNets than the stack that a Sweep would get, else ""."""
    brought = max((_chain_length(values.get("control")) for _, values in positive), default=0)
    if brought <= len(stack or ()):
        return ""
    return (
        "positive carries a ControlNet that the output control does not hand on: for a Sweep, connect control of the "
        "ControlNet Guide before this one too"
    )


def _chain_length(control: Any) -> int:
    return 0 if control is None else 1 + _chain_length(control.previous_controlnet)
