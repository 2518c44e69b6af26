"""The ControlNets (Zhang et al. 2023): a copy of the frozen UNet's encoder that learns to follow a drawn hint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from ...preprocessors.lines.draw import draw_lines
from ...preprocessors.pose.skeleton import draw_pose
from .. import store
from ..networks import CONTROL_KINDS, LATENT, PICTURE, TAUGHT_HINT_WIDTHS, UNET, controlnet_config
from ..scenes import DATA_VERSION
from .autoencoder import CROP, Autoencoder, pictures_of
from .common import ROOT, Run, autocast, average_of, prepare, read_state, save_sheet, say, zero_padded
from .latents import Batch, LatentScenes, first_chunks
from .model import add_noise, alpha_bars, arguments, description, noise_of, plain_attention, sample, text_encoder
from .shipped import go_on, load_controlnet, load_text_encoder, load_unet
from .straight import LineLoss
from .text import Vocabulary

SHARES: dict[str, dict[str, float]] = {
    "canny": {"portrait": 0.45, "figure": 0.22, "savanna": 0.15, "interior": 0.18},
    "mlsd": {"interior": 0.95, "portrait": 0.05},
    "openpose": {"figure": 0.80, "portrait": 0.20},
}
EMPTY = 0.3  # without words the hint is all there is to go by
POWER = 0.6
LOOKED_AT = 500  # estimates of x0 from earlier steps than this are too vague to look for lines in them
CROPS = 4  # so many of a batch: M-LSD and the decoder take as long as the UNet


def canny_hint(image: np.ndarray, record: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """cv2's edges of the picture, its thresholds varied about 100 and 200."""
    import cv2

    low = 100 * np.exp(rng.uniform(-0.5, 0.5))
    edges = cv2.Canny(np.ascontiguousarray(image), low, 2 * low)
    return np.repeat(edges[..., None], 3, axis=2)


def mlsd_hint(image: np.ndarray, record: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """The room's drawn lines, some left out and all a little off, as a detector finds them."""
    lines = np.array(record["lines"], np.float32).reshape(-1, 4)
    lines = lines[rng.random(len(lines)) > rng.choice([0.0, 0.1, 0.3])]
    return draw_lines(lines + rng.normal(0, 0.7, lines.shape), PICTURE, PICTURE)


def openpose_hint(image: np.ndarray, record: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """The known skeletons, a little off and at times without a joint."""
    people = np.array(record["joints"], np.float32).reshape(-1, 18, 3)
    people[..., :2] += rng.normal(0, 1.0, people[..., :2].shape)
    people[..., 2] *= rng.random(people.shape[:2]) > 0.03
    return draw_pose(people, PICTURE, PICTURE)


HINTS: dict[str, Callable[[np.ndarray, dict[str, Any], np.random.Generator], np.ndarray]] = {
    "canny": canny_hint,
    "mlsd": mlsd_hint,
    "openpose": openpose_hint,
}


def hints_of(kind: str, batch: Batch, rng: np.random.Generator) -> torch.Tensor:
    """Hints of a batch, float [B, 3, 256, 256] in 0..1."""
    drawn = [HINTS[kind](image, record, rng) for image, record in zip(batch.images, batch.records, strict=True)]
    return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 255


def near_hint(hints: torch.Tensor) -> torch.Tensor:
    """Weight [B, 1, 32, 32] with mean 1 that is four times as high where the hint is drawn."""
    drawn = F.adaptive_max_pool2d(hints.amax(1, keepdim=True), LATENT)
    weight = 1 + 3 * F.avg_pool2d(drawn, 3, 1, 1)
    return weight / weight.mean((2, 3), keepdim=True)


def controlnet(unet: nn.Module) -> nn.Module:
    """A ControlNet that starts as the UNet's encoder.

    Of the two zero layers that usually lie behind one another, the hint encoder's last starts small instead: with both
    at zero neither gets a gradient through the other, and learning begins late.
    """
    from diffusers.models.controlnets.controlnet import ControlNetModel

    network = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=TAUGHT_HINT_WIDTHS)  # type: ignore[arg-type]
    nn.init.normal_(network.controlnet_cond_embedding.conv_out.weight, std=0.02)
    return plain_attention(network)


def pace(name: str) -> float:
    """The layers that start from nothing learn faster than the copied ones."""
    fresh = ("controlnet_cond_embedding", "controlnet_down_blocks", "controlnet_mid_block")
    return 3.0 if any(part in name for part in fresh) else 1.0


def load_base(checkpoint: Path) -> tuple[nn.Module, nn.Module, list[int]]:
    """(UNet, text encoder, taught tokens) of a model checkpoint, or the shipped ones where there is none; frozen."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    network, encoder = UNet2DConditionModel(**UNET), text_encoder()
    if checkpoint.is_file():
        network.load_state_dict(average_of(checkpoint, "unet"))
        encoder.load_state_dict(average_of(checkpoint, "text_encoder"), strict=False)
        tokens = read_state(checkpoint)[1]["tokens"]
    else:
        load_unet(network)
        tokens = load_text_encoder(encoder)
    return plain_attention(network.requires_grad_(False)), encoder.requires_grad_(False), tokens


def unlike(
    straight: LineLoss, vae: Autoencoder, batch: Batch, x0: torch.Tensor, t: torch.Tensor, rng: np.random.Generator
) -> torch.Tensor:
    """How differently M-LSD sees crops of the decoded estimates of x0 and of the drawings.

    The consistency loss of ControlNet++ (Li et al. 2024). The error of the noise hardly counts a line two pixels wide.
    """
    rooms = [i for i in range(len(t)) if t[i] < LOOKED_AT and batch.records[i]["kind"] == "interior"]
    latents, pictures = [], []
    for i in rng.permutation(rooms)[:CROPS].astype(int):
        y, x = rng.integers(0, LATENT - CROP + 1, 2)
        latents.append(x0[i, :, y : y + CROP, x : x + CROP])
        pictures.append(batch.images[i][8 * y : 8 * (y + CROP), 8 * x : 8 * (x + CROP)])
    if not latents:
        return x0.new_zeros(())
    with autocast():
        decoded = vae.decode(torch.stack(latents).contiguous(memory_format=torch.channels_last))
    return straight(decoded.float(), pictures_of(np.stack(pictures)))


def main(argv: list[str]) -> int:
    """`argv` begins with the kind: canny, mlsd or openpose."""
    kind = argv[0]
    if kind not in CONTROL_KINDS:
        raise ValueError(f"there is no ControlNet '{kind}'; there are {', '.join(CONTROL_KINDS)}")
    settings = arguments(f"controlnet-{kind}", minutes=40, rate=3e-4)
    settings.add_argument(
        "--model",
        type=Path,
        default=ROOT / ".comfyui" / "train" / "model" / "model.safetensors",
        help="checkpoint of the model; the shipped one where there is none",
    )
    settings.add_argument("--lines", type=float, default=0.0, help="weight of the lines that M-LSD sees (0: none)")
    options = settings.parse_args(argv[1:])
    prepare(options)
    unet, encoder, tokens = load_base(options.model)
    words = Vocabulary(options.tokenizer, tokens)
    scenes = first_chunks(options.scenes, options.vae, options.chunks)
    network = controlnet(unet)
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
        error = (weight * near_hint(hints) * (eps - noise).square()).mean()
        shown = {"noise": float(error.detach())}
        if straight:
            bar = bars[t][:, None, None, None]
            lines = unlike(straight, scenes.vae, batch, (x - (1 - bar).sqrt() * eps) / bar.sqrt(), t, rng)
            shown["lines"] = float(lines.detach()) or float("nan")  # none was looked at
            error = error + options.lines * lines
        return error, shown

    test = next(scenes_of_kind(scenes, kind))

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


def scenes_of_kind(scenes: LatentScenes, kind: str) -> Any:
    """Held-out scenes in the kind's shares, in batches of ten."""
    test = scenes.test(200)
    quota = {name: round(10 * share + 1e-9) for name, share in SHARES[kind].items()}
    quota[next(iter(quota))] += 10 - sum(quota.values())
    chosen: list[int] = []
    for i, record in enumerate(test.records):
        if quota.get(record["kind"], 0) > 0:
            quota[record["kind"]] -= 1
            chosen.append(i)
    yield Batch(
        test.latents[chosen], test.emphasis[chosen], [test.records[i] for i in chosen], [test.images[i] for i in chosen]
    )


def residuals(
    network: Any, x: torch.Tensor, t: torch.Tensor, context: torch.Tensor, hints: torch.Tensor
) -> dict[str, Any]:
    """The ControlNet's contributions, as arguments of the UNet."""
    down, middle = network(x, t, context, hints, return_dict=False)
    return {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}


def pad_hint_encoder(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same ControlNet with a hint encoder of the standard widths; the added channels are zero throughout."""
    from diffusers.models.controlnets.controlnet import ControlNetModel

    with torch.device("meta"):
        shapes = {key: value.shape for key, value in ControlNetModel(**controlnet_config()).state_dict().items()}
    return {key: zero_padded(value, shapes[key]) for key, value in weights.items()}


def export(checkpoint: Path) -> None:
    """Write demo/weights/controlnet-KIND.safetensors from a checkpoint."""
    notes = read_state(checkpoint)[1]
    name = f"controlnet-{notes['kind']}"
    tensors = pad_hint_encoder(average_of(checkpoint, "controlnet"))
    store.write(name, store.pack(tensors), description(notes, controlnet_config()))
    say(f"exported {name} of step {notes['step']} to {store.FOLDER}")
