"""The ControlNets (Zhang et al. 2023): a copy of the frozen UNet's encoder that learns to follow a drawn hint."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from .. import store
from ..networks import controlnet_config
from ..scenes import DATA_VERSION
from .common import Run, autocast, average_of, prepare, read_state, save_sheet, say
from .control import build_controlnet, pad_hint_encoder, residuals
from .data.hints import hints_of, weigh_hints
from .data.latents import LatentScenes, SceneBatch, first_chunks
from .data.text import Vocabulary
from .diffusion import add_noise, alpha_bars, noise_of, sample
from .metadata import describe_weights
from .options import parse
from .shipped import go_on, load_base, load_controlnet
from .straight import LineLoss, estimates_loss

SHARES: dict[str, dict[str, float]] = {
    "canny": {"portrait": 0.45, "figure": 0.22, "savanna": 0.15, "interior": 0.18},
    "mlsd": {"interior": 0.95, "portrait": 0.05},
    "openpose": {"figure": 0.80, "portrait": 0.20},
}
EMPTY = 0.3  # without words the hint is all there is to go by
POWER = 0.6  # of `add_noise`: more steps with much noise, where shapes are decided


def pace(name: str) -> float:
    """The layers that start from nothing learn faster than the copied ones."""
    fresh = ("controlnet_cond_embedding", "controlnet_down_blocks", "controlnet_mid_block")
    return 3.0 if any(part in name for part in fresh) else 1.0


def main(argv: list[str]) -> int:
    """Train the ControlNet for hints of the kind argv[0] (canny, mlsd or openpose); returns the exit code."""
    kind = argv[0]
    options = parse(f"controlnet-{kind}", argv[1:])
    prepare(options)
    unet, encoder, tokens = load_base(options.model)
    words = Vocabulary(options.tokenizer, tokens)
    scenes = first_chunks(options.scenes, options.vae, options.chunks)
    network = build_controlnet(unet)
    run = Run(f"controlnet-{kind}", {"controlnet": network}, options, pace=pace)
    if options.shipped:
        go_on(run, load_controlnet(network, kind))
    rng = np.random.default_rng([options.seed, run.step])
    torch.manual_seed(options.seed + run.step)
    source, bars = scenes.batches(options.batch, SHARES[kind], rng), alpha_bars()
    straight = LineLoss() if options.lines else None

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        batch = next(source)
        hints = hints_of(kind, batch, rng)
        captions = [record["captions"][rng.integers(len(record["captions"]))] for record in batch.records]
        x, noise, t, weight = add_noise(batch, bars, POWER)
        x, hints = (value.to(memory_format=torch.channels_last) for value in (x, hints))
        with autocast():
            context = encoder(words.varied(captions, rng, EMPTY)).last_hidden_state
            eps = unet(x, t, context, **residuals(network, x, t, context, hints)).sample.float()
        error = (weight * weigh_hints(hints) * (eps - noise).square()).mean()
        figures = {"noise": float(error.detach())}
        if straight:
            bar = bars[t][:, None, None, None]
            lines = estimates_loss(straight, scenes.vae, batch, (x - (1 - bar).sqrt() * eps) / bar.sqrt(), t, rng)
            figures["lines"] = float(lines.detach()) or float("nan")  # none was looked at
            error = error + options.lines * lines
        return error, figures

    test = choose_test_scenes(scenes, kind)

    def checkpoint() -> None:
        run.notes |= {"scenes": DATA_VERSION, "batch": options.batch, "kind": kind}
        hints = hints_of(kind, test, np.random.default_rng(0)).to(memory_format=torch.channels_last)
        captions = [record["captions"][0] for record in test.records]
        context = encoder(words.batch(captions)).last_hidden_state
        empty = encoder(words.batch([""] * len(captions))).last_hidden_state
        rows = [hints, torch.from_numpy(np.stack(test.images)).permute(0, 3, 1, 2).float() / 255]
        twice = torch.cat([hints, hints])
        latents = sample(
            unet,
            context,
            empty,
            noise_of([1] * len(captions)),
            steps=12,
            extra=lambda x, t, c: residuals(network, x, t, c, twice),
        )
        with autocast():
            rows.append(scenes.vae.decode(latents).float())
        save_sheet(
            [F.interpolate(row, scale_factor=0.625, mode="area") for row in rows],
            options.out / f"controlnet-{kind}.png",
        )

    run.train(loss, checkpoint)
    if options.export:
        export(run.path)
    return 0


def choose_test_scenes(scenes: LatentScenes, kind: str) -> SceneBatch:
    """Ten held-out scenes in the kind's shares."""
    test = scenes.test(200)
    quota = {name: round(10 * share + 1e-9) for name, share in SHARES[kind].items()}
    quota[next(iter(quota))] += 10 - sum(quota.values())
    chosen: list[int] = []
    for i, record in enumerate(test.records):
        if quota.get(record["kind"], 0) > 0:
            quota[record["kind"]] -= 1
            chosen.append(i)
    return SceneBatch(
        test.latents[chosen], test.emphasis[chosen], [test.records[i] for i in chosen], [test.images[i] for i in chosen]
    )


def export(checkpoint: Path) -> None:
    """Write demo/weights/controlnet-KIND.safetensors from a checkpoint."""
    notes = read_state(checkpoint)[1]
    name = f"controlnet-{notes['kind']}"
    tensors = pad_hint_encoder(average_of(checkpoint, "controlnet"))
    metadata = describe_weights(notes, batch=str(notes["batch"]), config=json.dumps(controlnet_config()))
    store.write(name, store.pack(tensors), metadata)
    say(f"exported {name} of step {notes['step']} to {store.FOLDER}")
