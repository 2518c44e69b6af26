"""The text encoder and the UNet, trained together to predict the noise in latents.

DDPM (Ho et al. 2020) on latents (Rombach et al. 2022).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .. import store
from ..networks import TEXT, UNET
from ..scenes import DATA_VERSION
from .common import Run, autocast, average_of, prepare, read_state, save_sheet, say
from .data.latents import LatentScenes, SceneBatch
from .data.text import UNKNOWN, Vocabulary
from .diffusion import add_noise, alpha_bars, noise_of, sample
from .metadata import describe_weights
from .options import parse
from .reader import faces, labels, load_reader, reading_loss, teach_reader
from .shipped import go_on, load_text_encoder, load_unet
from .unet import build_text_encoder, build_unet

SHARES = {"portrait": 0.34, "figure": 0.26, "savanna": 0.16, "interior": 0.24}  # more of what is far from the drawings
PORTRAITS = {"portrait": 0.80, "figure": 0.07, "savanna": 0.08, "interior": 0.05}  # what the reader is taught on
EMPTY = 0.12  # share of empty prompts, for classifier-free guidance
NOISIER = 0.55  # the power of `add_noise` in training
READ = 0.03  # weight of what the reader says
GRAIN = 0.15  # noise on the estimate of x0 that is read: without it the UNet learns marks that only the reader sees

_GIRL = (
    "gorgeous cute Austrian girl, {}, (crop top), Steel gray hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, lean against the wall, {}"
)
_FACE = (
    "face focus, cute, 1girl, black background, light particle, solo, standing, cinematic composition, "
    "best lighting, looking up, {}"
)
PROMPTS = [
    *(_GIRL.format(expression, "backstreet") for expression in ("smiling", "angry", "sad", "laughing", "surprised")),
    *(_GIRL.format("smiling", place) for place in ("meadows", "beach", "in the office")),
    *(_FACE.format(expression) for expression in ("smiling", "angry", "sad", "laughing")),
    "2 elephants walking in the African savanna, photo",
    "2 elephants walking in the African savanna, animation style",
    "modern office, interior design",
    "classical kitchen, interior design",
    "Girl with a Pearl Earring, smiling, black background",
    "full body, dancer, beach",
    "full body, astronaut, black background",
    "full body, pirate, meadows",
]


def main(argv: list[str]) -> int:
    """Train the UNet and the text encoder with the options of `options.add_model_options`; returns the exit code."""
    options = parse("model", argv)
    prepare(options)
    network, encoder = build_unet(), build_text_encoder()
    run = Run("model", {"unet": network, "text_encoder": encoder}, options)
    if options.shipped:
        go_on(run, load_unet(network), tokens=load_text_encoder(encoder))
    scenes = LatentScenes(options.scenes, options.vae)
    words = Vocabulary(options.tokenizer, run.notes.get("tokens"))
    while not scenes.chunks:
        words.learn(scenes.grow())
    rng = np.random.default_rng([options.seed, run.step])
    torch.manual_seed(options.seed + run.step)
    source, test, bars = scenes.batches(options.batch, SHARES, rng), scenes.test(128), alpha_bars()
    say(f"{sum(p.numel() for p in run.parameters) / 1e6:.1f} M parameters, {len(words.tokens)} tokens")

    taught = torch.compile(network) if options.compile else network

    def error(
        batch: SceneBatch, rows: torch.Tensor, power: float = 1.0, predict: Any = network
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The weighted squared error of the noise, and the estimate of x0 read against the scene.

        What the words ask for is decided while there is almost only noise, so every step is read; the weight
        bar^(1/4) keeps the first ones, whose estimate is the noise's error times up to 14, from drowning the others.
        """
        x, noise, t, weight = add_noise(batch, bars, power)
        with autocast():
            context = encoder(rows).last_hidden_state
            eps = predict(x.to(memory_format=torch.channels_last), t, context).sample.float()
        bar = bars[t][:, None, None, None]
        x0 = (x - (1 - bar).sqrt() * eps) / bar.sqrt()
        reading_weight = bars[t] ** 0.25 * (rows[:, 1] != rows[:, -1])
        read = reading_loss(reader, x0 + GRAIN * torch.randn_like(x0), faces(batch), labels(batch), reading_weight)
        return (weight * (eps - noise).square()).mean(), read

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        if run.cycle_step % 40 == 39 and len(scenes.chunks) < options.chunks:
            words.learn(scenes.grow())
        batch = next(source)
        captions = [record["captions"][rng.integers(len(record["captions"]))] for record in batch.records]
        noise, read = error(batch, words.varied(captions, rng, EMPTY), NOISIER, taught)
        return noise + READ * read, {"noise": float(noise.detach()), "read": float(read.detach())}

    def checkpoint() -> None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            captions = words.batch([r["captions"][0] for r in test.records])
            run.notes["held_out"], run.notes["read"] = (float(value) for value in error(test, captions))
        run.notes |= {
            "tokens": words.tokens,
            "scenes": DATA_VERSION,
            "batch": options.batch,
            "chunks": len(scenes.chunks),
        }
        figures = f"held-out loss {run.notes['held_out']:.4f}, read {run.notes['read']:.3f}"
        say(f"{figures}, {len(words.tokens)} tokens, {len(scenes.chunks)} chunks")
        context = encoder(words.batch(PROMPTS)).last_hidden_state
        empty = encoder(words.batch([""] * len(PROMPTS))).last_hidden_state
        latents = sample(network, context, empty, noise_of([1] * len(PROMPTS)), steps=15)
        with autocast():
            pictures = F.interpolate(scenes.vae.decode(latents).float(), scale_factor=0.625, mode="area")
        save_sheet([pictures[i : i + 10] for i in range(0, len(PROMPTS), 10)], options.out / "model.png")

    run.notes["tokens"] = words.tokens
    kept = options.out / f"reader-{scenes.label}.safetensors"
    reader = load_reader(kept) or teach_reader(scenes.batches(64, PORTRAITS, rng), test, options.reader, kept)
    run.train(loss, checkpoint)
    if options.export:
        export(run.path)
    return 0


def export(checkpoint: Path) -> None:
    """Write demo/weights/unet.safetensors and text_encoder.safetensors from a checkpoint.

    The text encoder's embedding holds only the taught rows: row i belongs to CLIP token `tokens[i]`; every other token
    gets the vector `unknown`.
    """
    notes = read_state(checkpoint)[1]
    store.write("unet", store.pack(average_of(checkpoint, "unet")), _describe(notes, UNET))
    prefix = "text_model."  # newer versions of transformers leave it out
    averages = average_of(checkpoint, "text_encoder")
    text = {prefix + name.removeprefix(prefix): value for name, value in averages.items()}
    key = f"{prefix}embeddings.token_embedding.weight"
    table = text[key]
    text[key] = table[1 : 1 + len(notes["tokens"])]
    text |= {"unknown": table[UNKNOWN], "tokens": torch.tensor(notes["tokens"], dtype=torch.int32)}
    store.write("text_encoder", text, _describe(notes, TEXT))
    say(f"exported the model of step {notes['step']} to {store.FOLDER}")


def _describe(notes: dict[str, Any], config: dict[str, Any]) -> dict[str, str]:
    return describe_weights(notes, batch=str(notes["batch"]), config=json.dumps(config))
