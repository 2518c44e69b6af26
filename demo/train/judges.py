"""The judges of the report: what a picture shows, learnt from scenes that the model itself was not trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from .. import store
from ..judges.network import FOLDER, HEADS, MAP, NAME, Judges, judge
from ..scenes import DATA_VERSION
from .common import Run, average_of, in_channels_last, prepare, read_state, say
from .data.judged import Judged, chunk, join_batches, spoil_pictures
from .metadata import describe_weights
from .options import parse
from .shipped import open_autoencoder

HELD_OUT = 1000
SPREAD = 1.0  # of a joint's target, in cells of the map


def target_maps(joints: torch.Tensor) -> torch.Tensor:
    """A Gaussian round each joint [B, 18, 3] in 0..1, as shares that sum to one: [B, 18, 32 * 32]."""
    centres = torch.arange(MAP) + 0.5
    x, y = (-0.5 * ((centres - joints[..., i, None] * MAP) / SPREAD).square() for i in (0, 1))
    return (y[..., :, None] + x[..., None, :]).flatten(2).softmax(-1)


def losses(
    judges: Judges, pictures: torch.Tensor, labels: torch.Tensor, joints: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Cross entropy of each head over the scenes that have its attribute, and of the maps over the joints in view."""
    scores, maps = judges(pictures)
    parts: dict[str, torch.Tensor] = {}
    for i, (name, found) in enumerate(scores.items()):
        if bool((labels[:, i] >= 0).any()):
            parts[name] = F.cross_entropy(found, labels[:, i], ignore_index=-1, label_smoothing=0.02)
    visible = joints[..., 2] > 0
    if bool(visible.any()):
        surprise = -(target_maps(joints) * maps.flatten(2).log_softmax(-1)).sum(-1)
        parts["joints"] = surprise[visible].mean()
    return parts


@torch.no_grad()
def measure(judges: Judges, scenes: Judged) -> dict[str, Any]:
    """Share of right verdicts of each head with its n, and the mean error of the joints in shares of the side."""
    verdict = judge(judges, scenes.pictures / 255)
    found: dict[str, Any] = {}
    for i, (name, values) in enumerate(HEADS.items()):
        known = scenes.labels[:, i] >= 0
        answers = torch.tensor([values.index(value) for value in verdict.values[name]])
        found[name] = {"right": float((answers == scenes.labels[:, i])[known].float().mean()), "n": int(known.sum())}
    visible = scenes.joints[..., 2] > 0
    error = (verdict.joints - scenes.joints[..., :2]).norm(dim=-1)
    found["joints"] = {"error": float(error[visible].mean()), "n": int(visible.any(1).sum())}
    return found


def report_accuracy(found: dict[str, Any]) -> str:
    """The figures of :func:`measure` on one line."""
    heads = [f"{name} {100 * each['right']:.1f} % of {each['n']}" for name, each in found.items() if "right" in each]
    return ", ".join(
        [*heads, f"joints {100 * found['joints']['error']:.2f} % of the side, {found['joints']['n']} people"]
    )


def main(argv: list[str]) -> int:
    """Train the judges with the options of `options.add_judges_options`; returns the exit code."""
    options = parse("judges", argv)
    prepare(options)
    judges = in_channels_last(Judges())
    run = Run("judges", {"judges": judges}, options, average=0.998)
    vae = open_autoencoder(options.vae)
    pool, taken = chunk(options.out, 0, vae), 1
    test = chunk(options.out, 0, None, held_out=True, size=HELD_OUT)
    torch.manual_seed(options.seed + run.step)
    say(f"{sum(p.numel() for p in run.parameters) / 1e6:.2f} M parameters")

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        nonlocal pool, taken
        if run.cycle_step % 40 == 39 and taken < options.chunks:
            pool, taken = join_batches([pool, chunk(options.out, taken, vae)]), taken + 1
        chosen = torch.randint(len(pool), (options.batch,))
        pictures, joints = spoil_pictures(pool.pictures[chosen] / 255, pool.joints[chosen])
        pictures = pictures.to(memory_format=torch.channels_last)
        parts = losses(judges, pictures, pool.labels[chosen], joints)
        return torch.stack(list(parts.values())).sum(), {key: float(value.detach()) for key, value in parts.items()}

    def checkpoint() -> None:
        run.notes |= {"scenes": DATA_VERSION, "accuracy": measure(judges, test), "chunks": taken}
        say(f"held-out: {report_accuracy(run.notes['accuracy'])}")

    run.train(loss, checkpoint)
    if options.export:
        export(run.path)
    return 0


def export(checkpoint: Path) -> None:
    """Write demo/judges/weights/judges.safetensors from a checkpoint."""
    notes = read_state(checkpoint)[1]
    metadata = describe_weights(notes, accuracy=json.dumps(notes["accuracy"]))
    say(f"exported {store.write(NAME, average_of(checkpoint, NAME), metadata, FOLDER)}")
