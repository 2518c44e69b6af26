"""Checks of the family Control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..bench import GUIDE, PATCH_GUIDE, Bench, hint
from ..controls import Kind, kinds_here
from ..families import Family
from ..patches import PATCHES, PatchKind, patches_here
from ..runs import look, sigmas_of
from ..vaes import vae_of
from .verdict import ABSENT, EQUAL, IDLE, REFUSED, WRONG, Check, Verdict, compare, custom, refused, stock_latent

STEPS = 2


def _bench(comfy: Any, kind: Kind | PatchKind) -> Bench:
    return Bench(comfy, kind, kind.build(1), kind.family.model())


def _mask(kind: Kind | PatchKind) -> torch.Tensor | None:
    return torch.ones(1, 64, 64) if kind.inpaint else None


def _guide_like_stock(own: Bench) -> Verdict:
    mask, sigmas = _mask(own.kind), own.sigmas(STEPS)
    return compare(own.run(own.guided(mask=mask), sigmas).latent, own.run(own.stock(1.0, mask), sigmas).latent)


def _exact_steps(own: Bench) -> Verdict:
    sigmas, mask = own.sigmas(3), _mask(own.kind)
    steps = own.comfy.call("SteerControlSteps", model=own.model, sigmas=sigmas, text="1@1, 0.4@3")[0]
    run = own.look(own.guided(steps=steps, mask=mask), sigmas)
    alone = [own.look(model, sigmas) for model in (own.stock(1.0, mask), own.plain, own.stock(0.4, mask))]
    if own.networks and not own.kind.name.startswith("T2I") and run.ran != [float(sigmas[0]), float(sigmas[2])]:
        return Verdict(WRONG, f"it ran at {run.ran}")
    return compare(torch.stack(run.outputs), torch.stack([one.outputs[k] for k, one in enumerate(alone)]))


def _of_each(comfy: Any, kinds: Sequence[Kind | PatchKind], check: Callable[[Bench], Verdict]) -> Verdict:
    """EQUAL if it holds for each kind."""
    for kind in kinds:
        found = check(_bench(comfy, kind))
        if found.word != EQUAL:
            return Verdict(WRONG, f"{kind.name}: {found}")
    return Verdict(EQUAL, ", ".join(kind.name.rpartition(" of ")[0] for kind in kinds))


def _refuse(call: Callable[[Any], Any], kinds: Sequence[Kind | PatchKind]) -> str:
    """What is wrong if one of the nets is not refused with a sentence of Steer's; else ""."""
    for kind in kinds:
        try:
            call(kind)
        except ValueError as error:
            if "family" not in str(error):
                return f"{kind.name}: {str(error)[:120]}"
        else:
            return f"{kind.name} was not refused"
    return ""


def controlnet_guide(comfy: Any, family: Family) -> Verdict:
    """Its own nets as ComfyUI's node applies them; every net of another family is refused."""

    def call(kind: Kind) -> None:
        given = GUIDE | {"control_net": kind.build(1), "image": hint(3), "latent": family.latent()}
        given |= {"positive": family.prompt(1), "negative": family.prompt(2), "vae": vae_of(family)}
        comfy.call("SteerControlNetGuide", **given)

    own = [kind for kind in kinds_here() if kind.family.name == family.name]
    others = [kind for kind in kinds_here() if kind.family.name != family.name]
    fault = _refuse(call, others)
    if fault:
        return Verdict(WRONG, fault)
    return _of_each(comfy, own, _guide_like_stock) if own else Verdict(REFUSED, f"all {len(others)} nets, by name")


def _nets_of(family: Family) -> list[Kind | PatchKind]:
    nets = [kind for kind in kinds_here() if kind.family.name == family.name]
    return [*nets, *(kind for kind in patches_here() if kind.family is family)]


def control_steps(comfy: Any, family: Family) -> Verdict:
    """Each step as with ComfyUI's node at the strength that is named, and none of the nets runs elsewhere."""
    own = _nets_of(family)
    return _of_each(comfy, own, _exact_steps) if own else Verdict(ABSENT, "no net of this family")


def _metered_like_stock(own: Bench) -> Verdict:
    model, positive, negative = own.guided(mask=_mask(own.kind))
    (guider,) = own.comfy.call("CFGGuider", model=model, positive=positive, negative=negative, cfg=4.0)
    given = custom(own.family, model, guider=guider)
    ours, _, _, report = own.comfy.call("SteerControlMeter", **given)
    if "It adds nothing" in report:
        return Verdict(WRONG, report)
    return compare(ours["samples"], stock_latent(own.comfy, given))


def control_meter(comfy: Any, family: Family) -> Verdict:
    """The picture is that of SamplerCustomAdvanced, with each net; a model without a control is refused."""
    own = _nets_of(family)
    if not own:
        return refused(lambda: comfy.call("SteerControlMeter", **custom(family)), "have a control")
    return _of_each(comfy, own, _metered_like_stock)


def patch_guide(comfy: Any, family: Family) -> Verdict:
    """Its own patches as ComfyUI's node applies them; every patch of another family is refused."""

    def call(kind: PatchKind) -> None:
        given = PATCH_GUIDE | {"model": family.model(), "model_patch": kind.build(1), "image": hint(3)}
        comfy.call("SteerModelPatchGuide", **given, latent=family.latent(), vae=vae_of(family))

    others = [kind for kind in patches_here() if kind.family is not family]
    fault = _refuse(call, others)
    if fault:
        return Verdict(WRONG, fault)
    own = [kind for kind in PATCHES if kind.family is family]
    here = [kind for kind in own if kind in patches_here()]
    if own and not here:
        return Verdict(ABSENT, "not in this ComfyUI")
    return _of_each(comfy, here, _guide_like_stock) if own else Verdict(REFUSED, f"all {len(others)} patches, by name")


def reference_hint(comfy: Any, family: Family) -> Verdict:
    """ReferenceLatent of the encoded hint, or refused."""
    side = 8 * family.cell
    model, given = family.model(), {"start_percent": 0.0, "end_percent": 1.0, "fit": "crop", "kind": "any"}
    given |= {"positive": family.prompt(1), "negative": family.prompt(2), "image": hint(3, side, side)}
    try:
        ours = comfy.call("SteerReferenceHint", **given, vae=vae_of(family), latent=family.latent())[:2]
    except ValueError as error:
        return Verdict(REFUSED) if "do not look at references" in str(error) else Verdict(WRONG, str(error)[:160])
    sigmas = sigmas_of(model, STEPS)
    with torch.inference_mode():
        latent = {"samples": vae_of(family).encode(hint(3, side, side))}
    stock = [comfy.call("ReferenceLatent", conditioning=family.prompt(seed), latent=latent)[0] for seed in (1, 2)]
    run, theirs, plain = (
        torch.stack(look(family, model, *prompts, sigmas).outputs)
        for prompts in (ours, stock, (family.prompt(1), family.prompt(2)))
    )
    if torch.equal(theirs, plain):
        return Verdict(IDLE, "this model does not look at references")
    return compare(run, theirs)


def preprocessors(comfy: Any, family: Family) -> Verdict:
    """Canny draws at the size of the picture that the latent makes."""
    given = {"image": torch.rand(1, 96, 160, 3), "low_threshold": 100, "high_threshold": 200, "auto": False}
    drawn = comfy.call("SteerCanny", **given, resolution=0, fit="crop", latent=family.latent(6, 10))[0]
    size = 6 * family.cell, 10 * family.cell
    return Verdict(EQUAL) if drawn.shape[1:3] == size else Verdict(WRONG, f"{list(drawn.shape)}, not {size}")


CHECKS = (
    Check("ControlNet Guide", "Apply ControlNet of its nets; all others refused", controlnet_guide),
    Check("Model Patch Guide", "ComfyUI's node of its patches; all others refused", patch_guide),
    Check("Reference Hint", "ReferenceLatent, or refused", reference_hint),
    Check("Control Steps", "each step at its strength; elsewhere no net runs", control_steps),
    Check("Control Meter", "SamplerCustomAdvanced with each net; refused without one", control_meter),
    Check("Canny, M-LSD, OpenPose", "a hint of the size that the latent makes", preprocessors),
)
