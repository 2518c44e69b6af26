"""The rows of the quality table. Each measures something of the shipped weights on held-out scenes or prompts."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable

import numpy as np
import torch

from ....demo.judges import measures
from ....demo.judges.network import judge
from ....demo.networks import CONTROL_KINDS
from ....demo.scenes import EXPRESSIONS, HAIR_COLORS, HELD_OUT, PLACES, render
from .control_rows import canny, mlsd, openpose
from .generator import Bench, Figure, in_rows, is_trained, share, tensor
from .likeness_rows import LIKENESS

LECTURE = (
    "gorgeous cute Austrian girl, {expression}, (crop top), {hair} hair loose braided hair, comics printed shirt, "
    "oversized jogger pants, {place}"
)
SHORT = "cute girl, {expression}, {hair} hair, {place}"
PLACE_WORDS = {
    "backstreet": "lean against the wall, backstreet",
    "black background": "black background, light particle",
    "office": "in the office",
    "plain": "plain background",
}
ELEPHANTS = ("two elephants walking in the African savanna, {}", "2 elephants walking in the African savanna, {}")
STYLES = {"photo": "photo", "animation": "animation style"}


def vae(bench: Bench) -> list[Figure]:
    """How well the autoencoder gives pictures and their expressions back."""
    noise, faces, pictures = [], [], []
    for i in bench.upto(500):
        scene = render(HELD_OUT + i)
        before = tensor(scene.image)
        after = bench.generator.rebuilt(before)
        noise.append(measures.psnr(after, before))
        pictures += [before, after]
        if scene.kind == "portrait":
            expected = [scene.attributes["expression"]] * 2
            faces.append(judge(bench.judges, torch.cat([after, before])).right("expression", expected))
    bench.sheet("vae", in_rows(pictures, most=48))
    drawn = share([before for _, before in faces])
    return [
        Figure("VAE reconstruction, mean PSNR", float(np.mean(noise)), "dB", len(noise), 28, 500),
        Figure(
            "expression judge right on reconstructions of portraits",
            share([after for after, _ in faces]),
            "%",
            len(faces),
            97,
            200,
            beside=f"{drawn:.1f} % on the same drawings",
        ),
    ]


def make_prompt(i: int) -> tuple[str, dict[str, str | int]]:
    """Prompt `i` and the attributes that it names: a portrait in the lecture's words, one in short words, a savanna."""
    r = random.Random(f"prompt {i}")
    if i % 3 == 2:
        style = tuple(STYLES)[i // 3 % 2]
        return r.choice(ELEPHANTS).format(STYLES[style]), {"style": style, "count": 2}
    attributes = {
        "expression": r.choice(EXPRESSIONS),
        "hair_color": r.choice(tuple(HAIR_COLORS)),
        "background": r.choice(PLACES),
    }
    place = PLACE_WORDS.get(attributes["background"], attributes["background"])
    form = (LECTURE, SHORT)[i % 3]
    return form.format(expression=attributes["expression"], hair=attributes["hair_color"], place=place), dict(
        attributes
    )


THRESHOLDS = {"expression": 90, "background": 95, "hair_color": 90, "style": 95, "count": 70}
TITLES = {
    "expression": "expression followed",
    "background": "background followed",
    "hair_color": "hair colour followed",
    "style": "photo / animation followed",
    "count": "two elephants",
}


def prompts(bench: Bench) -> list[Figure]:
    """How often pictures show what the prompt names."""
    right: dict[str, list[bool]] = {name: [] for name in THRESHOLDS}
    portraits, savannas = [], []
    for i in bench.upto(300):
        prompt, attributes = make_prompt(i)
        picture = bench.generator.picture(prompt, seed=i + 1)
        (savannas if "count" in attributes else portraits).append(picture)
        verdict = judge(bench.judges, picture)
        for name, value in attributes.items():
            right[name] += verdict.right(name, [value])
    bench.sheet("portrait", in_rows(portraits))
    bench.sheet("savanna", in_rows(savannas))
    return [
        Figure(
            TITLES[name],
            share(found),
            "%",
            len(found),
            THRESHOLDS[name],
            100 if name in ("style", "count") else 200,
            beside=bench.own(name),
        )
        for name, found in right.items()
    ]


def swap(bench: Bench) -> list[Figure]:
    """How much more another word for the expression changes the face than the rest."""
    inside, outside, rows = [], [], []
    for i in bench.upto(100):
        r = random.Random(f"swap {i}")
        first, second = r.sample(EXPRESSIONS, 2)
        place = r.choice(PLACES)
        form = LECTURE.replace("{place}", PLACE_WORDS.get(place, place)).replace("{hair}", r.choice(tuple(HAIR_COLORS)))
        a, b = (bench.generator.picture(form.format(expression=word), seed=5000 + i) for word in (first, second))
        box = measures.face_box(judge(bench.judges, a).joints[0].numpy())
        change = measures.change(a[0], b[0], box)
        inside.append(change[0])
        outside.append(change[1])
        rows.append([a, b])
    pairs = list(itertools.chain(*rows))
    bench.sheet("swap", in_rows(pairs))
    mean_in, mean_out = 255 * float(np.mean(inside)), 255 * float(np.mean(outside))
    return [
        Figure(
            "same seed, only the expression word swapped: change inside the face box over outside",
            mean_in / max(mean_out, 1e-6),
            "x",
            len(inside),
            3,
            100,
            beside=f"{mean_in:.1f}/255 inside, {mean_out:.1f}/255 outside; box from the first picture's nose",
        )
    ]


def seeds(bench: Bench) -> list[Figure]:
    """How different the pictures of one prompt are."""
    prompt = ELEPHANTS[0].format("photo")
    ours = [bench.generator.picture(prompt, seed=i + 1) for i in bench.upto(64)]
    drawn = [tensor(render(HELD_OUT + i, kind="savanna", count=2, style="photo").image) for i in range(len(ours))]
    bench.sheet("seeds", in_rows(ours))
    apart, real = measures.pairwise(torch.cat(ours)), measures.pairwise(torch.cat(drawn))
    return [
        Figure(
            f"one prompt ({prompt}), other seeds: mean pairwise distance over that of drawn scenes",
            float(apart.mean() / real.mean()),
            "x",
            len(ours),
            0.7,
            64,
            beside=f"{255 * float(apart.mean()):.1f}/255 against {255 * float(real.mean()):.1f}/255",
        ),
        Figure(
            "the two most alike of these pictures differ on average by",
            255 * float(apart.min()),
            "/255",
            len(ours),
            2,
            64,
        ),
    ]


def rooms(bench: Bench) -> list[Figure]:
    """Pictures of the other two kinds, to look at; the table asks no figure of them."""
    names = ("modern office", "classical office", "modern kitchen", "classical kitchen")
    right: list[bool] = []
    interiors, figures = [], []
    for i in bench.upto(64):
        name = names[i % 4]
        interiors.append(bench.generator.picture(f"{name}, interior design", seed=i + 1))
        right += judge(bench.judges, interiors[-1]).right("room", [name])
        figures.append(bench.generator.picture(render(HELD_OUT + i, kind="figure").caption, seed=i + 1))
    bench.sheet("interior", in_rows(interiors))
    bench.sheet("figure", in_rows(figures))
    return [Figure("room followed (not in the table)", share(right), "%", len(right), beside=bench.own("room"))]


def speed(bench: Bench) -> list[Figure]:
    """Median of five pictures after a first; means something only on a machine with nothing else to do."""
    load = os.getloadavg()[0]
    times = []
    for i in range(6):
        started = time.perf_counter()
        bench.generator.picture(ELEPHANTS[0].format("photo"), seed=i)
        times.append(time.perf_counter() - started)
    beside = f"{torch.get_num_threads()} threads of {os.cpu_count()}, load before {load:.1f}"
    return [
        Figure(
            "one picture of 20 steps, model loaded, median",
            float(np.median(times[1:])),
            "s",
            5,
            4,
            5,
            at_most=True,
            beside=beside,
        )
    ]


ROWS: dict[str, Callable[[Bench], list[Figure]]] = {
    "vae": vae,
    "prompts": prompts,
    "swap": swap,
    "canny": canny,
    "mlsd": mlsd,
    "openpose": openpose,
    "seeds": seeds,
    "rooms": rooms,
    **LIKENESS,
    "speed": speed,
}


def is_ready(row: str) -> bool:
    """Whether the weights that a row measures ship."""
    return row not in CONTROL_KINDS or is_trained(row)


def weights_of(row: str) -> tuple[str, ...]:
    """The names of the weight files that the figures of `row` hang on."""
    if row == "vae":
        return ("vae",)
    return ("vae", "text_encoder", "unet", *([f"controlnet-{row}"] if row in CONTROL_KINDS else []))
