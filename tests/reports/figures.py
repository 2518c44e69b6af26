"""`python run.py report figures`: does OpenPose's detector `mediapipe` find drawn people, and where does it put them?

Writes tests/reports/figures.md: held-out figures and portraits, whose joints are known, drawn at two sizes; drawings in
which nobody is; and pictures by the Demo Model, of which only that somebody is found can be said.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...demo.scenes import HELD_OUT, Scene, render
from ...preprocessors.networks.graph import load_graph
from ...preprocessors.pose.judge import find_people
from ...preprocessors.pose.mediapipe import POINT_SCORE, Networks, list_networks
from ...preprocessors.pose.people import Floats, Person, select_drawn
from ...runner.pack import ROOT
from ..support.comfy_inprocess import InProcessComfy
from .parts.generator import Generator, weights_label
from .parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "figures.md"
SIDE = 256
NEAR = 0.05  # of the side: a joint that lies nearer than this is where it belongs
PEOPLE = ("figure", "portrait")
SCALES = (1, 2)
EMPTY = ("interior", "savanna")
MODEL_PARTS = ("vae", "text_encoder", "unet")


@dataclass(frozen=True)
class Look:
    """What was found of one drawn person. apart: distances of the joints that were found, in shares of the side."""

    found: bool
    joints: int = 0
    apart: tuple[float, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether it is this person, seen rightly: half of the joints are found, and lie on average near theirs."""
        return self.found and len(self.apart) >= self.joints / 2 and float(np.mean(self.apart)) < NEAR


def find_drawn(networks: Networks, picture: np.ndarray) -> list[Person]:
    """The people whom the node would draw."""
    return select_drawn(
        find_people(networks, np.ascontiguousarray(picture)), POINT_SCORE, body=True, hands=False, face=False
    )


def look(people: Sequence[Person], joints: Floats, side: int) -> Look:
    """joints [18, 3] in pixels of a picture of SIDE; the people in those of one of `side`. The best of them counts."""
    there = joints[:, 2] > 0
    looks = []
    for person in people:
        both = there & (person.body[:, 2] > POINT_SCORE)
        apart = np.hypot(*(person.body[both, :2] / side - joints[both, :2] / SIDE).T)
        looks.append(Look(True, int(there.sum()), tuple(apart.tolist())))
    return max(looks, key=lambda one: (one.is_right, len(one.apart)), default=Look(False, int(there.sum())))


def row(name: str, looks: Sequence[Look]) -> str:
    """A line of the table."""
    found = [one for one in looks if one.found]
    right = sum(one.is_right for one in looks)
    apart = np.array([distance for one in found for distance in one.apart])
    joints = sum(one.joints for one in found)
    cells = [
        name,
        f"{len(looks)}",
        f"{len(found)} ({len(found) / max(1, len(looks)):.0%})",
        f"{right} ({right / max(1, len(looks)):.0%})",
    ]
    cells += (
        [f"{len(apart) / joints:.0%}", f"{np.median(apart):.1%}", f"{np.mean(apart < NEAR):.0%}"]
        if len(apart)
        else ["-"] * 3
    )
    return f"| {' | '.join(cells)} |"


def of_scenes(networks: Networks, kind: str, scale: int, count: int) -> list[Look]:
    looks = []
    for index in range(count):
        scene: Scene = render(HELD_OUT + index, kind=kind, scale=scale)
        (joints,) = scene.joints
        looks.append(look(find_drawn(networks, scene.image), joints.astype(float), scene.image.shape[0]))
    return looks


def by_the_model(networks: Networks, count: int) -> dict[str, int]:
    """In how many pictures of the Demo Model somebody is found, by what held-out captions ask for."""
    found: dict[str, int] = dict.fromkeys(PEOPLE, 0)
    with tempfile.TemporaryDirectory() as folder:
        generator = Generator(InProcessComfy(Path(folder)))
        for kind in PEOPLE:
            for index in range(count):
                picture = generator.picture(render(HELD_OUT + index, kind=kind).caption, seed=index + 1)
                pixels = (picture[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
                found[kind] += bool(find_drawn(networks, pixels))
    return found


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report figures", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="drawings of each kind and size")
    parser.add_argument("--pictures", type=int, default=40, help="pictures of each kind by the Demo Model")
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    started = time.monotonic()
    networks = {name: load_graph(name) for name in list_networks(False, False)}
    lines = []
    for kind, scale in itertools.product(PEOPLE, SCALES):
        lines.append(row(f"{kind}, {SIDE * scale} x {SIDE * scale}", of_scenes(networks, kind, scale, options.count)))
        print(lines[-1], flush=True)
    nobody = [
        bool(find_drawn(networks, render(HELD_OUT + index, kind=kind).image))
        for kind in EMPTY
        for index in range(options.count // 2)
    ]
    found = by_the_model(networks, options.pictures)
    text = [
        "# Drawn people and the detector `mediapipe`",
        "",
        f"`{' '.join(['python run.py report figures', *argv])}`, {datetime.date.today()}, "
        f"{time.monotonic() - started:.0f} s. The detectors know photographs; these are the drawings that the Demo "
        "Model was taught (held-out ones, their joints are known), as OpenPose sees them, points that "
        f"score above {POINT_SCORE}, the detector's own limit.",
        "",
        "| drawings | n | somebody is found | and rightly | joints found of those | median error | joints within 5 % |",
        "|---|---|---|---|---|---|---|",
        *lines,
        "",
        f"- Rightly: at least half of the joints are found, and they lie on average within {NEAR:.0%} of the picture's "
        "side of where they were drawn. Errors are in shares of the side.",
        f"- Somebody is found in {sum(nobody)} of {len(nobody)} drawings of rooms and elephants, where nobody is.",
        f"- Pictures by the Demo Model (held-out captions, 20 steps): somebody is found in {found['figure']} of "
        f"{options.pictures} figures and {found['portrait']} of {options.pictures} portraits. Weights "
        f"{weights_label(MODEL_PARTS)}.",
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[-5:]))
    return 0
