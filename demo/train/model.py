"""The text encoder and the UNet, trained together to predict the noise in latents.

DDPM (Ho et al. 2020) on latents (Rombach et al. 2022).
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .. import store
from ..networks import BETA_END, BETA_START, LATENT, TEXT, TRAIN_STEPS, UNET
from ..scenes import DATA_VERSION
from .common import ROOT, Run, autocast, average_of, parser, prepare, read_state, save_sheet, say
from .latents import Batch, LatentScenes
from .reader import faces, labels, load_reader, reading_loss, teach_reader
from .shipped import go_on, load_text_encoder, load_unet
from .text import CAPACITY, UNKNOWN, Vocabulary

TOKENIZER = ROOT / ".comfyui" / "comfy" / "sd1_tokenizer"
SHARES = {"portrait": 0.34, "figure": 0.26, "savanna": 0.16, "interior": 0.24}  # more of what is far from the drawings
PORTRAITS = {"portrait": 0.80, "figure": 0.07, "savanna": 0.08, "interior": 0.05}  # what the reader is taught on
EMPTY = 0.12
GAMMA = 5.0
OFFSET = 0.1  # deviation of the mean of each channel's noise
NOISIER = 0.55  # the power of `noised` in training
READ = 0.03  # weight of what the reader says
GRAIN = 0.15  # put on the estimate of x0 first, lest the UNet learn marks that only the reader sees

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


def alpha_bars() -> torch.Tensor:
    """Stable Diffusion's cumulative product of 1 - beta, float32 [1000]."""
    betas = torch.linspace(BETA_START**0.5, BETA_END**0.5, TRAIN_STEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def text_encoder() -> nn.Module:
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(vocab_size=CAPACITY, **TEXT)
    config.bos_token_id, config.eos_token_id, config.pad_token_id = 1, 2, 2  # rows of the small table, see Vocabulary
    return CLIPTextModel(config)


def unet() -> nn.Module:
    """The UNet, its residual branches starting at zero as in the original latent diffusion code: it learns sooner."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    network = UNet2DConditionModel(**UNET)
    for name, module in network.named_modules():
        if name.endswith(("conv2", "proj_out", "conv_out")):
            nn.init.zeros_(module.weight)  # type: ignore[arg-type]
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    return plain_attention(network)


def plain_attention(network: Any) -> nn.Module:
    """Two matrix products and a softmax: on a CPU its backward pass is a quarter faster than the fused kernel's."""
    from diffusers.models.attention_processor import AttnProcessor

    network.set_attn_processor(AttnProcessor())
    return network.to(memory_format=torch.channels_last)


def add_noise(
    batch: Batch, bars: torch.Tensor, power: float = 1.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """(x_t, noise, t, weight [B, 1, 32, 32]).

    The weight over the signal-to-noise ratio r is 5 / r where it is high (min-SNR, Hang et al. 2023) and sqrt(5 / r)
    where it is low (debiased loss, Yu et al. 2023): there the words decide what the picture shows, and without it those
    steps hardly count. The steps t are evenly spread; a `power` below 1 moves them towards noise.

    The noise of each channel has a mean of its own (offset noise, Guttenberg 2023). Even at t = 999 a trace of x0 is
    left, and its mean over all cells betrays how bright the picture is. Who trusts it takes pure noise, whose mean is
    zero, for a picture neither dark nor bright, and paints a day where the words ask for a black background.
    """
    x, count = batch.latents, len(batch.latents)
    place = ((torch.randperm(count) + torch.rand(count)) / count) ** power
    t = (place * TRAIN_STEPS).long().clamp(max=TRAIN_STEPS - 1)
    noise = torch.randn_like(x) + OFFSET * torch.randn(count, x.shape[1], 1, 1)
    bar = bars[t][:, None, None, None]
    ratio = bar / (1 - bar)
    weight = torch.minimum(GAMMA / ratio, (GAMMA / ratio).sqrt())
    return bar.sqrt() * x + (1 - bar).sqrt() * noise, noise, t, weight * batch.emphasis


@torch.no_grad()
def sample(
    network: Any,
    context: torch.Tensor,
    empty: torch.Tensor,
    noise: torch.Tensor,
    *,
    steps: int = 20,
    guidance: float = 5.0,
    extra: Any = None,
    first: int = TRAIN_STEPS - 1,
) -> torch.Tensor:
    """Latents [B, 4, 32, 32] by DDIM (Song et al. 2021) with classifier-free guidance.

    `extra(x, t, context)` gives further arguments of the UNet. `noise` may be latents that are noised to step `first`.
    """
    bars = torch.cat([torch.ones(1), alpha_bars()])
    times = torch.linspace(first, 0, steps + 1).round().long()
    x, both = noise, torch.cat([context, empty])
    for now, later in itertools.pairwise(times):
        twice = torch.cat([x, x]).to(memory_format=torch.channels_last)
        with autocast():
            t = now.expand(len(twice))
            with_text, without = (
                network(twice, t, both, **(extra(twice, t, both) if extra else {})).sample.float().chunk(2)
            )
        eps = without + guidance * (with_text - without)
        a, b = bars[now + 1], bars[later + 1] if later > 0 else bars[0]
        x0 = (x - (1 - a).sqrt() * eps) / a.sqrt()
        x = b.sqrt() * x0 + (1 - b).sqrt() * eps
    return x


def noise_of(seeds: list[int]) -> torch.Tensor:
    """Each seed's own starting noise, [B, 4, 32, 32], as ComfyUI draws it for a single picture."""
    return torch.cat(
        [torch.randn(1, 4, LATENT, LATENT, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    )


def arguments(part: str, minutes: float, rate: float) -> Any:
    options = parser(part, minutes=minutes, batch=32, rate=rate)
    options.add_argument(
        "--vae",
        type=Path,
        default=ROOT / ".comfyui" / "train" / "vae" / "vae.safetensors",
        help="checkpoint of the autoencoder; the shipped one where there is none",
    )
    options.add_argument("--chunks", type=int, default=20, help="thousands of scenes to train on")
    options.add_argument("--reader", type=float, default=4.0, help="minutes to teach the reader of attributes first")
    options.add_argument("--tokenizer", type=Path, default=TOKENIZER, help="folder of CLIP's tokenizer")
    return options


def main(argv: list[str]) -> int:
    options = arguments("model", minutes=120, rate=8e-4).parse_args(argv)
    prepare(options)
    network, encoder = unet(), text_encoder()
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

    def error(batch: Batch, rows: torch.Tensor, power: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
        """The weighted squared error of the noise, and the estimate of x0 read against the scene.

        What the words ask for is decided while there is almost only noise, so every step is read; the weight
        bar^(1/4) keeps the first ones, whose estimate is the noise's error times up to 14, from drowning the others.
        """
        x, noise, t, weight = add_noise(batch, bars, power)
        with autocast():
            context = encoder(rows).last_hidden_state
            eps = network(x.to(memory_format=torch.channels_last), t, context).sample.float()
        bar = bars[t][:, None, None, None]
        x0 = (x - (1 - bar).sqrt() * eps) / bar.sqrt()
        told = bars[t] ** 0.25 * (rows[:, 1] != rows[:, -1])
        read = reading_loss(reader, x0 + GRAIN * torch.randn_like(x0), faces(batch), labels(batch), told)
        return (weight * (eps - noise).square()).mean(), read

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        if run.cycle_step % 40 == 39 and len(scenes.chunks) < options.chunks:
            words.learn(scenes.grow())
        batch = next(source)
        captions = [record["captions"][rng.integers(len(record["captions"]))] for record in batch.records]
        noise, read = error(batch, words.varied(captions, rng, EMPTY), NOISIER)
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
    reader = load_reader(options.out / f"reader-{scenes.label}.safetensors") or teach_reader(
        scenes.batches(64, PORTRAITS, rng), test, options.reader, options.out / f"reader-{scenes.label}.safetensors"
    )
    run.train(loss, checkpoint)
    if options.export:
        export(run.path)
    return 0


def description(notes: dict[str, Any], config: dict[str, Any]) -> dict[str, str]:
    """Metadata of an exported file."""
    return {
        "data_version": str(notes["scenes"]),
        "steps": str(notes["step"]),
        "batch": str(notes["batch"]),
        "config": json.dumps(config),
        "license": "Apache-2.0",
        "source": "trained from nothing by Steer on pictures drawn by demo/scenes",
    }


def export(checkpoint: Path) -> None:
    """Write demo/weights/unet.safetensors and text_encoder.safetensors from a checkpoint.

    The text encoder's embedding holds only the taught rows: row i belongs to CLIP token `tokens[i]`; every other token
    gets the vector `unknown`.
    """
    notes = read_state(checkpoint)[1]
    store.write("unet", store.pack(average_of(checkpoint, "unet")), description(notes, UNET))
    prefix = "text_model."  # newer versions of transformers leave it out
    averages = average_of(checkpoint, "text_encoder")
    text = {prefix + name.removeprefix(prefix): value for name, value in averages.items()}
    key = f"{prefix}embeddings.token_embedding.weight"
    table = text[key]
    text[key] = table[1 : 1 + len(notes["tokens"])]
    text |= {"unknown": table[UNKNOWN], "tokens": torch.tensor(notes["tokens"], dtype=torch.int32)}
    store.write("text_encoder", text, description(notes, TEXT))
    say(f"exported the model of step {notes['step']} to {store.FOLDER}")
