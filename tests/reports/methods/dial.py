"""`python run.py report dial`: does the mood follow the dial? The embedded model, judged by the expression judge.

Writes tests/reports/dial.md. For each seed the pictures at the values of AMOUNTS; the judge gives the probability of
the word that the dial turns to. Asked: it never falls by more than 0.02 from 0 to 1, is under 0.2 at 0, over 0.9 at 1.
"""

from __future__ import annotations

import argparse
import datetime
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from ....demo.judges import network
from ....demo.scenes import HAIR_COLORS, PLACES
from ....runner.pack import ROOT
from ...support.comfy_inprocess import InProcessComfy
from ..parts.generator import Generator, Settings, in_rows, share, weights_label
from ..parts.places import output_file
from ..parts.remaining import with_estimate
from ..parts.rows import LECTURE, PLACE_WORDS, SHORT

OUTPUT = ROOT / "tests" / "reports" / "dial.md"
AMOUNTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
PAIRS = (("smiling", "angry"), ("angry", "smiling"), ("smiling", "sad"), ("sad", "laughing"))
FALL, LOW, HIGH, ASKED = 0.02, 0.2, 0.9, 90.0


@dataclass(frozen=True)
class Track:
    """One seed: the pair of words, and the probability of the second at each of AMOUNTS."""

    pair: tuple[str, str]
    seed: int
    values: tuple[float, ...]

    @property
    def fall(self) -> float:
        """How far the probability falls at most from one value to a later one, from 0 to 1."""
        inside = self.values[: AMOUNTS.index(1.0) + 1]
        return max(a - b for i, a in enumerate(inside) for b in inside[i:])

    @property
    def holds(self) -> bool:
        """Whether all that is asked of it holds."""
        return self.fall <= FALL and self.values[0] < LOW and self.values[AMOUNTS.index(1.0)] > HIGH


def prompt_of(number: int, mood: str) -> str:
    """A portrait of the mood, in the lecture's words and in short ones in turn."""
    draw = random.Random(f"dial {number}")
    place, hair = draw.choice(PLACES), draw.choice(tuple(HAIR_COLORS))
    form = (LECTURE, SHORT)[number // len(PAIRS) % 2]
    return form.format(expression=mood, hair=hair, place=PLACE_WORDS.get(place, place))


@torch.inference_mode()
def picture(generator: Generator, conditioning: Any, seed: int, settings: Settings) -> torch.Tensor:
    """One picture [1, 3, 256, 256] in 0..1 of ComfyUI's own nodes."""
    latent = generator.stock("EmptyLatentImage").generate(256, 256)[0]
    given = (seed, settings.steps, settings.cfg, settings.sampler_name, settings.scheduler)
    sampled = generator.stock("KSampler").sample(generator.model, *given, conditioning, generator.negative, latent)[0]
    return generator.stock("VAEDecode").decode(generator.vae, sampled)[0].movedim(-1, 1).clone()


def measure(comfy: InProcessComfy, generator: Generator, judges: Any, number: int, settings: Settings) -> Any:
    """(Track, pictures) of one seed."""
    pair = PAIRS[number % len(PAIRS)]
    given = {"clip": generator.clip, "prompt": prompt_of(number, pair[0]), "find": pair[0], "word": pair[1]}
    given |= {"values": "0", "whole_words": True, "match_case": False}
    pictures = []
    for amount in AMOUNTS:
        conditioning = comfy.call("SteerExpressionDial", dial=amount, **given)[0]
        pictures.append(picture(generator, conditioning, number, settings))
    index = network.HEADS["expression"].index(pair[1])
    with torch.no_grad():
        scores = judges(network.shrink(torch.cat(pictures).clamp(0, 1)))[0]["expression"]
    return Track(pair, number, tuple(scores.softmax(1)[:, index].tolist())), pictures


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report dial", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    usual = Settings(cfg=4.0, sampler_name="dpmpp_2m_sde")  # those of slide 12
    parser.add_argument("--sampler", default=usual.sampler_name)
    parser.add_argument("--steps", type=int, default=usual.steps)
    parser.add_argument("--cfg", type=float, default=usual.cfg)
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    started, settings = time.monotonic(), Settings(options.steps, options.cfg, options.sampler)
    with tempfile.TemporaryDirectory() as folder:
        comfy = InProcessComfy(Path(folder))
        generator, (judges, _) = Generator(comfy), network.load()
        tracks, shown = list[Track](), list[torch.Tensor]()
        for number in with_estimate(range(options.seeds)):
            track, pictures = measure(comfy, generator, judges, number, settings)
            tracks.append(track)
            shown += pictures if number < 2 * len(PAIRS) else []
            print(number, track.pair, " ".join(f"{value:.2f}" for value in track.values), track.holds, flush=True)
            command = " ".join(["python run.py report dial", *argv])
            text = describe(tracks, options.seeds, f"`{command}`, {datetime.date.today()}", started, settings)
            options.out.write_text(text, encoding="utf-8")  # each time: a run that is stopped leaves what it has
    small = [functional.interpolate(torch.cat(list(row), 3), scale_factor=0.5) for row in in_rows(shown, len(AMOUNTS))]
    _save(torch.cat(small, 2), options.out.with_suffix(".jpg"))
    return 0 if share([track.holds for track in tracks]) >= ASKED else 1


def describe(tracks: Sequence[Track], wanted: int, command: str, started: float, settings: Settings) -> str:
    """The report on the seeds that were measured."""
    held = share([track.holds for track in tracks])
    partly = "" if len(tracks) == wanted else f" Stopped after {len(tracks)} of {wanted} seeds."
    text = [
        "# Expression Dial on the embedded model",
        "",
        f"{command}, {time.monotonic() - started:.0f} s, 256 x 256, {settings}, torch {torch.__version__}. Weights: "
        f"{weights_label(('vae', 'text_encoder', 'unet'))}.{partly}",
        "",
        f"- All three hold in {held:.0f} % of {len(tracks)} seeds (asked: {ASKED:g} %). "
        f"{'pass' if held >= ASKED else 'MISS'}",
        f"- The probability never falls by more than {FALL:g} from 0 to 1: "
        f"{share([track.fall <= FALL for track in tracks]):.0f} %.",
        f"- Under {LOW:g} at 0: {share([track.values[0] < LOW for track in tracks]):.0f} %. Over {HIGH:g} at 1: "
        f"{share([track.values[AMOUNTS.index(1.0)] > HIGH for track in tracks]):.0f} %.",
        "",
        "Mean probability of the word that the dial turns to:",
        "",
        f"| words | seeds | {' | '.join(f'{amount:g}' for amount in AMOUNTS)} | all three hold |",
        f"|---|---|{'---|' * len(AMOUNTS)}---|",
        *(_row(pair, [track for track in tracks if track.pair == pair]) for pair in PAIRS),
        "",
    ]
    return "\n".join(text)


def _row(pair: tuple[str, str], tracks: list[Track]) -> str:
    means = [sum(track.values[i] for track in tracks) / max(1, len(tracks)) for i in range(len(AMOUNTS))]
    cells = [" -> ".join(pair), str(len(tracks)), *(f"{mean:.2f}" for mean in means)]
    return f"| {' | '.join(cells)} | {share([track.holds for track in tracks]):.0f} % |"


def _save(picture: torch.Tensor, path: Path) -> None:
    from PIL import Image

    from ....demo.judges.measures import array

    Image.fromarray(array(picture[0])).save(path, quality=82)
