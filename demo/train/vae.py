"""The autoencoder: a TAESD (Ollin Boer Bohan's tiny autoencoder) with narrow early stages.

Its layout and key names are those of ComfyUI's comfy/taesd/taesd.py, so ComfyUI's own VAE class runs the exported file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .. import store
from ..networks import DECODER_WIDTHS, ENCODER_WIDTHS, LATENT, LATENT_SCALE, PICTURE
from ..scenes import DATA_VERSION
from .autoencoder import CROP, SHARES, Autoencoder, pictures_of
from .common import Run, autocast, average_of, in_channels_last, prepare, read_state, save_sheet, say, zero_padded
from .data.chunks import Chunk, chunk, held_out
from .data.latents import first_chunks
from .data.sampled import SHIPPED, SampledScenes
from .metadata import describe_weights
from .options import parse
from .shipped import go_on, load_autoencoder
from .straight import LineLoss

CHUNKS = 6
STRAIGHT = 3  # crops of a batch whose lines M-LSD looks at, or one whole picture: it takes as long as the decoder
FAINT = 0.03  # a difference of neighbours that counts as much as a strong one where nothing is stronger


def batches(chunks: list[Chunk], size: int, rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless batches (pictures [N, 3, H, W], emphasis [N, 1, H, W]).

    Five of crops, half of these on a spot that matters, then one of whole pictures. Rooms come first in a batch.
    """
    turn = 0
    kinds, odds = list(SHARES), list(SHARES.values())
    places = {
        kind: [(source, i) for source in chunks for i, record in enumerate(source.records) if record["kind"] == kind]
        for kind in kinds
    }
    while True:
        turn += 1
        side, count = (LATENT, max(1, size // 4)) if turn % 6 == 0 else (CROP, size)
        images, weights = [], []
        for kind in sorted(rng.choice(kinds, count, p=odds), key=lambda kind: kind != "interior"):
            choices = places[kind]
            source, i = choices[rng.integers(len(choices))]
            weight = source.emphasis[i].astype(np.float32)
            y, x = rng.integers(0, LATENT - side + 1, 2)
            if side < LATENT and rng.random() < 0.5:
                spot = rng.choice(LATENT * LATENT, p=(weight**2 / (weight**2).sum()).ravel())
                y, x = np.clip(np.array(divmod(spot, LATENT)) - side // 2 + rng.integers(-4, 5, 2), 0, LATENT - side)
            picture = source.images[i, 8 * y : 8 * (y + side), 8 * x : 8 * (x + side)]
            flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
            images.append(picture[:, flip])
            weights.append(weight[y : y + side, x : x + side][:, flip])
        emphasis = torch.from_numpy(np.stack(weights))[:, None]
        yield pictures_of(np.stack(images)), F.interpolate(emphasis, scale_factor=8.0)


def edges(x: torch.Tensor) -> torch.Tensor:
    """Differences to the right and lower neighbour, [B, 2C, H-1, W-1]."""
    return torch.cat([x[..., :-1, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, :-1]], 1)


def measure_spread(z: torch.Tensor) -> torch.Tensor:
    """Distance of the latents' channels from zero mean, unit variance and no correlation, plus a toll beyond 2.5."""
    flat = z.transpose(0, 1).flatten(1)
    mean = flat.mean(1)
    covariance = (flat - mean[:, None]) @ (flat - mean[:, None]).T / flat.shape[1]
    return mean.square().mean() + (covariance - torch.eye(4)).square().mean() + F.relu(flat.abs() - 2.5).mean()


def reconstruction(y: torch.Tensor, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Absolute and squared error, error of the edges, and of the flat colours, which few weighted cells ask for.

    Edges count a second time over the strongest near them: the seam of two white walls is as clear a line to the eye,
    and to a detector of lines, as a black frame, and hardly an error otherwise.
    """
    loss = (weight * (y - x).abs()).mean() + 0.3 * (weight * (y - x).square()).mean()
    colour = (F.avg_pool2d(y, 8) - F.avg_pool2d(x, 8)).square().mean()
    expected = edges(x)
    off = (edges(y) - expected).abs()
    strongest = F.max_pool2d(expected.abs().amax(1, keepdim=True), 7, 1, 3)
    faint = (off / (strongest + FAINT)).mean()
    return loss + 0.6 * (weight[..., 1:, 1:] * off).mean() + 4 * colour + 0.1 * faint


def measure(model: Autoencoder, scenes: Chunk, count: int) -> dict[str, float]:
    """Quality over the first `count` scenes (peak signal-to-noise ratio in dB) and statistics of the latents."""
    errors, latents = [], []
    for i in range(0, count, 16):
        x = pictures_of(scenes.images[i : min(i + 16, count)])
        with autocast():
            z = model.taesd_encoder(x)
            y = model.taesd_decoder(z).float().clamp(0, 1)
        errors.append((y - x).square().mean((1, 2, 3)))
        latents.append(z.float())
    z, noise = torch.cat(latents), torch.cat(errors)
    flat = z.transpose(0, 1).flatten(1)
    found = {"mean": float(z.mean()), "deviation": float(z.std()), "psnr": float(-10 * torch.log10(noise).mean())}
    channels = ", ".join(f"{m:.2f}+-{s:.2f}" for m, s in zip(flat.mean(1), flat.std(1), strict=True))
    say(f"held-out: {found['psnr']:.2f} dB over {count} scenes; latents {channels}, largest {float(z.abs().max()):.1f}")
    return found


def main(argv: list[str]) -> int:
    """Train the autoencoder with the options of `options.add_vae_options`; returns the exit code."""
    options = parse("vae", argv)
    prepare(options)
    model = in_channels_last(Autoencoder())
    model.taesd_encoder.requires_grad_(not options.decoder_only)
    straight = LineLoss() if options.lines else None
    run = Run("vae", {"vae": model}, options, average=0.998, betas=(0.9, 0.98), decay=1e-4)
    if options.shipped:
        notes = load_autoencoder(model)
        go_on(run, notes, mean=float(notes["mean"]), deviation=float(notes["deviation"]))
    test = held_out(options.scenes)
    rng = np.random.default_rng([options.seed, run.step])
    if options.sampled:
        scenes = first_chunks(options.scenes, SHIPPED, CHUNKS)
        chunks, samples = scenes.chunks, SampledScenes(scenes, options.seed + run.step)
    else:
        chunks, samples = [chunk(options.scenes, i) for i in range(CHUNKS)], None
    source = batches(chunks, options.batch, rng)
    mean, deviation = run.notes.get("mean", 0.0), run.notes.get("deviation", 1.0)

    def reproduce(name: str, z: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, lines: bool) -> Any:
        """(loss, figures) of the pictures x that latents z decode to."""
        with autocast():
            y = model.taesd_decoder(z).float()
        error = reconstruction(y, x, weight)
        figures = {name: float(error.detach())}
        if straight and lines:
            looked_at = STRAIGHT if x.shape[-1] < PICTURE else 1
            unlike = straight(y[:looked_at], x[:looked_at])
            figures[f"{name} lines"] = float(unlike.detach())
            error = error + options.lines * unlike
        return error, figures

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        if samples and rng.random() < options.sampled:
            latents, x, weight = samples.batch(options.batch, CROP)
            return reproduce("sampled", latents * deviation + mean, x, weight, True)
        x, weight = next(source)
        with autocast():
            z = model.taesd_encoder(x).float()
        noisy = z + torch.randn_like(z) * 0.15 * torch.rand(len(z), 1, 1, 1)
        halved = step % 4 == 3 and not options.decoder_only
        if halved:  # a smaller latent must decode to the smaller picture: smooth latents are easier to generate
            noisy, weight = F.avg_pool2d(noisy, 2), F.avg_pool2d(weight, 2)
            x = F.interpolate(x, scale_factor=0.5, mode="area")
        error, figures = reproduce("halved" if halved else "error", noisy, x, weight, not halved)
        return error if options.decoder_only else error + 0.02 * measure_spread(z), figures

    def measure_test(count: int) -> dict[str, Any]:
        """What goes into the notes; the scale of the latents stays as it is where a UNet relies on it."""
        found = measure(model, test, count)
        return {"psnr": found["psnr"]} if options.decoder_only and "mean" in run.notes else found

    def checkpoint() -> None:
        run.notes |= measure_test(48) | {"scenes": DATA_VERSION}
        x = pictures_of(test.images[:24])
        with autocast():
            y = model.taesd_decoder(model.taesd_encoder(x)).float()
        rows = [part for i in range(0, 24, 8) for part in (x[i : i + 8], y[i : i + 8])]
        save_sheet(rows, options.out / "vae.png")

    begun = [average.clone() for average in run.averages]
    run.train(loss, checkpoint)
    for average, first in zip(run.averages, begun, strict=True):
        # The mean of both (WiSE-FT, Wortsman et al. 2022) is nearly as good at the new, and forgets less of the old.
        average.lerp_(first, options.kept)
    with run.averaged(), torch.no_grad():
        run.notes |= measure_test(len(test.images))
    run.save()
    if options.export:
        export(run.path)
    return 0


def pad_to_taesd(weights: dict[str, torch.Tensor], width: int = 64) -> dict[str, torch.Tensor]:
    """Zero-pad every hidden channel to `width`: the same function in the standard layout."""
    sizes = {key: [width if n > 4 else n for n in value.shape[:2]] for key, value in weights.items()}
    return {key: zero_padded(value, [*sizes[key], *value.shape[2:]]) for key, value in weights.items()}


def export(checkpoint: Path) -> None:
    """Write demo/weights/vae.safetensors from a checkpoint.

    ComfyUI's TAESD decodes (x - vae_shift) * vae_scale where x is the UNet's latent / 0.18215; so the scale also
    undoes that factor, and the UNet sees unit variance.
    """
    notes = read_state(checkpoint)[1]
    scale = LATENT_SCALE * notes["deviation"]
    tensors = pad_to_taesd(average_of(checkpoint, "vae"))
    tensors |= {"vae_scale": torch.tensor(scale), "vae_shift": torch.tensor(-notes["mean"] / scale)}
    metadata = describe_weights(
        notes,
        config=json.dumps({"encoder": ENCODER_WIDTHS, "decoder": DECODER_WIDTHS}),
        psnr=f"{notes['psnr']:.2f} dB on held-out scenes",
    )
    say(f"exported {store.write('vae', tensors, metadata)}")
