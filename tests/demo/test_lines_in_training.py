"""What teaches the decoder and the ControlNet clear lines: the loss of M-LSD's features, and the UNet's own latents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from steer.demo.scenes import HELD_OUT, render
from steer.demo.train.autoencoder import SHARES, pictures_of
from steer.demo.train.data import sampled
from steer.demo.train.data.chunks import captions_of, emphasis_of, record_of
from steer.demo.train.data.latents import SceneBatch
from steer.demo.train.shipped import load_shipped_autoencoder
from steer.demo.train.straight import CROPS, LATEST, LineLoss, estimates_loss

pytestmark = pytest.mark.slow


def scenes(kind: str, count: int) -> SceneBatch:
    """Held-out scenes of a kind with their encoded latents."""
    drawn = [render(HELD_OUT + i, kind=kind) for i in range(count)]
    records = [
        record_of(scene) | {"captions": captions_of(kind, scene.attributes, HELD_OUT + i)}
        for i, scene in enumerate(drawn)
    ]
    images = [scene.image for scene in drawn]
    with torch.no_grad():
        latents = load_shipped_autoencoder().encode(pictures_of(np.stack(images)))
    emphasis = torch.from_numpy(np.stack([emphasis_of(scene) for scene in drawn]))[:, None]
    return SceneBatch(latents, emphasis, records, images)


@pytest.fixture(scope="module")
def rooms() -> SceneBatch:
    return scenes("interior", 6)


@pytest.fixture(scope="module")
def straight() -> LineLoss:
    return LineLoss()


@torch.no_grad()
def test_lines_that_are_lost_count_more_than_a_change_of_colour(rooms: SceneBatch, straight: LineLoss) -> None:
    images = rooms.images[:2]
    drawn = pictures_of(np.stack(images))
    soft = pictures_of(np.stack([cv2.GaussianBlur(image, (0, 0), 2.0) for image in images]))
    step = float((soft - drawn).square().mean().sqrt())
    brighter = drawn + step
    assert float(straight(drawn, drawn)) == pytest.approx(0, abs=1e-4)
    assert float(straight(soft, drawn)) > 2 * float(straight(brighter, drawn)), "of the same squared error"


def test_only_late_estimates_of_rooms_are_looked_at(rooms: SceneBatch, straight: LineLoss) -> None:
    vae, rng = load_shipped_autoencoder(), np.random.default_rng(0)
    batch = SceneBatch(
        rooms.latents,
        rooms.emphasis,
        [record | {"kind": "portrait"} if i == 0 else record for i, record in enumerate(rooms.records)],
        rooms.images,
    )
    t = torch.tensor([10, LATEST, 999, 10, LATEST - 1, 10])
    x0 = rooms.latents + 0.3 * torch.randn(rooms.latents.shape, generator=torch.Generator().manual_seed(0))
    x0.requires_grad_()
    estimates_loss(straight, vae, batch, x0, t, rng).backward()
    assert x0.grad is not None
    assert x0.grad.flatten(1).abs().amax(1).gt(0).tolist() == [False, False, False, True, True, True]
    assert CROPS >= 3
    never: Any = estimates_loss(straight, vae, batch, x0, torch.full((6,), LATEST), rng)
    assert float(never) == 0


@torch.no_grad()
def test_blurred_latents_lose_the_lines_that_encoded_ones_have(rooms: SceneBatch, straight: LineLoss) -> None:
    vae, t = load_shipped_autoencoder(), torch.zeros(len(rooms.latents), dtype=torch.long)
    kernel = torch.ones(4, 1, 3, 3) / 9
    blurred = torch.nn.functional.conv2d(rooms.latents, kernel, padding=1, groups=4)
    sharp, soft = (
        estimates_loss(straight, vae, rooms, x0, t, np.random.default_rng(1)) for x0 in (rooms.latents, blurred)
    )
    assert float(soft) > 1.5 * float(sharp)


class Few:
    """Stands where the training has thousands of encoded scenes."""

    def __init__(self) -> None:
        self.of = {kind: scenes(kind, sampled.AT_ONCE) for kind in SHARES}

    def batches(self, size: int, shares: dict[str, float], rng: np.random.Generator) -> Iterator[SceneBatch]:
        while True:
            yield self.of[next(iter(shares))]


def test_sampled_latents_show_the_scene_they_were_made_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled, "BEGUN", 2 * sampled.AT_ONCE)
    source, vae = Few(), load_shipped_autoencoder()
    torch.manual_seed(0)
    samples = sampled.SampledScenes(source, 0)  # type: ignore[arg-type]
    latents, pictures, emphasis = samples.batch(8, 16)
    assert latents.shape == (8, 4, 16, 16)
    assert pictures.shape == (8, 3, 128, 128)
    assert emphasis.shape == (8, 1, 128, 128)
    with torch.no_grad():
        decoded = vae.decode(latents)
    own = (decoded - pictures).square().mean((1, 2, 3))
    others = (decoded - pictures.roll(3, 0)).square().mean((1, 2, 3))
    assert float(own.mean()) < 0.5 * float(others.mean()), "the crops are of the same place of the same scene"
    for batch, i, latent in samples.kept:
        assert not torch.equal(latent, batch.latents[i])
        assert float((latent - batch.latents[i]).square().mean()) < 1.0
    before = len(samples.kept)
    for _ in range(2):
        samples.batch(2, 16)
    assert len(samples.kept) == before + sampled.AT_ONCE, "one more lot on every third batch"
