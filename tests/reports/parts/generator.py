"""What the rows of reports work with: the embedded model in a ComfyUI of this process, a time budget, figures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ....demo import store
from ....demo.judges import measures
from ....demo.judges.network import Judges
from ....files import sha256_of
from ...support.comfy_inprocess import InProcessComfy

SIDE = 256
CONTROL_CFG = 3.0  # of slides 8 to 10, with control and without


@dataclass(frozen=True)
class Settings:
    """The widgets of KSampler."""

    steps: int = 20
    cfg: float = 5.0
    sampler_name: str = "dpmpp_2m"
    scheduler: str = "karras"

    def __str__(self) -> str:
        return f"{self.sampler_name} {self.scheduler}, {self.steps} steps, cfg {self.cfg:g}"


class Clock:
    """Shares a time budget between rows: each gets an equal part of what is left when it begins."""

    def __init__(self, minutes: float, rows: int) -> None:
        self.end, self.rows_left = time.monotonic() + 60 * minutes, rows
        self.row_end = self.end

    def begin(self) -> None:
        """Begin the next row."""
        now = time.monotonic()
        self.row_end = now + (self.end - now) / max(1, self.rows_left)
        self.rows_left -= 1

    def upto(self, count: int) -> Iterator[int]:
        """0, 1, ... below `count`, ending early when the row's time is up, but never before the second."""
        for i in range(count):
            if i > 1 and time.monotonic() > self.row_end:
                return
            yield i


class Generator:
    """CLIPTextEncode, KSampler, ControlNetApplyAdvanced and VAEDecode of ComfyUI round the Demo Model's parts."""

    def __init__(self, comfy: InProcessComfy, settings: Settings | None = None) -> None:
        self.comfy, self.settings = comfy, settings or Settings()
        from ....nodes.demo import comfy_model

        self.engine = comfy_model
        self.model, self.clip, self.vae = comfy_model.load_model(), comfy_model.load_clip(), comfy_model.load_vae()
        self.negative = self.encode("")
        self.controls: dict[str, Any] = {}

    def stock(self, name: str) -> Any:
        """A node of ComfyUI."""
        return self.comfy.nodes.NODE_CLASS_MAPPINGS[name]()

    @torch.inference_mode()
    def encode(self, prompt: str) -> Any:
        """The conditioning of a prompt."""
        return self.stock("CLIPTextEncode").encode(self.clip, prompt)[0]

    @torch.inference_mode()
    def picture(
        self,
        prompt: str,
        seed: int,
        kind: str = "",
        hint: torch.Tensor | None = None,
        steps: int | None = None,
        cfg: float | None = None,
    ) -> torch.Tensor:
        """One picture [1, 3, 256, 256] in 0..1; with a `hint` [1, 256, 256, 3], guided by the ControlNet of `kind`."""
        positive, negative = self.encode(prompt), self.negative
        if hint is not None:
            if kind not in self.controls:
                self.controls[kind] = self.engine.load_controlnet(kind)
            positive, negative = self.stock("ControlNetApplyAdvanced").apply_controlnet(
                positive, negative, self.controls[kind], hint, 1.0, 0.0, 1.0
            )
        latent = self.stock("EmptyLatentImage").generate(SIDE, SIDE)[0]
        sampled = self.stock("KSampler").sample(
            self.model,
            seed,
            steps or self.settings.steps,
            self.settings.cfg if cfg is None else cfg,
            self.settings.sampler_name,
            self.settings.scheduler,
            positive,
            negative,
            latent,
        )[0]
        return self.stock("VAEDecode").decode(self.vae, sampled)[0].movedim(-1, 1).clone()

    @torch.inference_mode()
    def rebuilt(self, picture: torch.Tensor) -> torch.Tensor:
        """A picture [1, 3, H, W] encoded and decoded by the VAE."""
        latent = self.stock("VAEEncode").encode(self.vae, picture.movedim(1, -1))[0]
        return self.stock("VAEDecode").decode(self.vae, latent)[0].movedim(-1, 1).clone()


def is_trained(kind: str) -> bool:
    """Whether the ControlNet of `kind` ships."""
    return (store.FOLDER / f"controlnet-{kind}.safetensors").is_file()


def weights_label(names: Sequence[str] = store.NAMES) -> str:
    """The start of the checksum of the shipped weight files `names`: figures belong to these weights and no others."""
    paths = [store.FOLDER / f"{name}.safetensors" for name in sorted(names)]
    return " ".join(f"{path.stem}:{sha256_of(path)[:8]}" for path in paths if path.is_file())


@dataclass(frozen=True)
class Figure:
    """One measured number.

    threshold: what it must reach; None: it is only reported. full: the n that the table needs.
    """

    what: str
    value: float
    unit: str
    n: int
    threshold: float | None = None
    full: int = 0
    at_most: bool = False
    beside: str = ""

    @property
    def passes(self) -> bool:
        """Whether it reaches its threshold."""
        if self.threshold is None:
            return True
        return self.value <= self.threshold if self.at_most else self.value >= self.threshold


@dataclass
class Bench:
    """What every row works with."""

    generator: Generator
    judges: Judges
    accuracy: dict[str, Any]
    clock: Clock
    count: int
    folder: Path

    def upto(self, full: int) -> Iterator[int]:
        """0, 1, ... below `full` and the given count, for as long as the row has time."""
        return self.clock.upto(min(full, self.count))

    def own(self, name: str) -> str:
        """The judge's own accuracy on held-out scenes."""
        found = self.accuracy[name]
        return f"judge itself: {100 * found['right']:.1f} % of {found['n']} scenes"

    def sheet(self, name: str, rows: Sequence[Sequence[torch.Tensor]], side: int = 128) -> None:
        """Rows of pictures [1, 3, H, W] as one small file beside the report."""
        from PIL import Image

        if not rows:
            return
        width = max(len(row) for row in rows)
        blank = torch.ones(1, 3, SIDE, SIDE)
        padded = [[*row, *[blank] * (width - len(row))] for row in rows]
        small = [torch.cat([F.interpolate(p, (side, side), mode="area") for p in row], 3) for row in padded]
        Image.fromarray(measures.array(torch.cat(small, 2)[0])).save(self.folder / f"model-{name}.jpg", quality=82)


def in_rows(pictures: Sequence[torch.Tensor], width: int = 8, most: int = 64) -> list[Sequence[torch.Tensor]]:
    """The first `most` pictures in rows of `width`."""
    return [pictures[i : i + width] for i in range(0, min(len(pictures), most), width)]


def tensor(image: np.ndarray) -> torch.Tensor:
    """[1, 3, H, W] in 0..1 of uint8 [H, W, 3]."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255


def share(right: Sequence[bool]) -> float:
    """How many are true, in per cent."""
    return 100 * sum(right) / max(1, len(right))
