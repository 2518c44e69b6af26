"""Checks of the families Prompts and Sweep: what begins with a text encoder."""

from __future__ import annotations

from typing import Any

import torch

from ..encoders import clip_of
from ..families import Family
from ..runs import look, sigmas_of
from ..vaes import vae_of
from .verdict import ABSENT, STEPS, Check, Verdict, compare

NO_ENCODER = Verdict(ABSENT, "the zoo has no encoder for it")


def encode(clip: Any, text: str) -> Any:
    with torch.inference_mode():
        return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def timed_swap(comfy: Any, family: Family) -> Verdict:
    """At each step the model gives what it gives with the prompt of this step alone."""
    clip = clip_of(family)
    if clip is None:
        return NO_ENCODER
    model = family.model()
    sigmas = sigmas_of(model, 4)
    text = {"text": "a girl, [smiling:angry:2]", "time": "fraction of steps"}
    timed = comfy.call("SteerTimedSwap", clip=clip, model=model, sigmas=sigmas, **text)[0]
    negative = encode(clip, "sad")
    run = look(family, model, timed, negative, sigmas).outputs
    parts = [look(family, model, encode(clip, f"a girl, {mood}"), negative, sigmas).outputs for mood in MOODS]
    return compare(torch.stack(run), torch.stack([*parts[0][:2], *parts[1][2:]]))


MOODS = ("smiling", "angry")


def dial(comfy: Any, family: Family) -> Verdict:
    """0 and 1 are the two prompts."""
    clip = clip_of(family)
    if clip is None:
        return NO_ENCODER
    given = {"clip": clip, "prompt": "a girl, smiling", "find": "smiling", "word": "angry", "values": "0-1[3]"}
    given |= {"whole_words": True, "match_case": False}
    ends = [comfy.call("SteerExpressionDial", dial=float(end), **given)[0][0][0] for end in (0, 1)]
    theirs = [encode(clip, f"a girl, {mood}")[0][0] for mood in MOODS]
    return compare(torch.cat([end.flatten() for end in ends]), torch.cat([end.flatten() for end in theirs]))


def sweep(comfy: Any, family: Family) -> Verdict:
    """A cell is what KSampler and VAE Decode make."""
    clip = clip_of(family)
    if clip is None:
        return NO_ENCODER
    from steer.nodes.sweep.plan.cells import Settings
    from steer.nodes.sweep.plan.inputs import SweepInputs
    from steer.nodes.sweep.run.comfy_pictures import PictureMaker

    import nodes

    model, vae, latent = family.model(), vae_of(family), family.latent()
    settings = Settings(
        positive="a girl, smiling",
        negative="sad",
        seed=5,
        steps=STEPS,
        cfg=4.0,
        sampler="euler",
        scheduler="simple",
        denoise=1.0,
    )
    with torch.inference_mode():
        (ours,) = PictureMaker(SweepInputs(model, clip, vae, latent), lambda *_: None).make([settings])
        prompts = encode(clip, "a girl, smiling"), encode(clip, "sad")
        sampler: Any = getattr(nodes, "common_ksampler")  # noqa: B009  # the checker takes `nodes` for this pack's
        (sampled,) = sampler(model, 5, STEPS, 4.0, "euler", "simple", *prompts, latent)
        theirs = vae.decode(sampled["samples"])
    return compare(ours, theirs.reshape(-1, *theirs.shape[-3:])[0])


CHECKS = (
    Check("Timed Swap", "each step as with its prompt alone", timed_swap),
    Check("Expression Dial", "0 and 1 are the two prompts", dial),
    Check("Sweep", "KSampler and VAE Decode", sweep),
)
