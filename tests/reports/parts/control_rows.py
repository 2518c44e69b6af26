"""The rows of the quality table that need a ControlNet: how well pictures follow edges, lines and skeletons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from ....demo.judges import measures
from ....demo.judges.network import judge
from ....demo.scenes import HELD_OUT, Scene, render
from ....preprocessors.lines.draw import draw_lines
from ....preprocessors.lines.mlsd import find_mlsd_lines, load_mlsd
from ....preprocessors.pose.skeleton import draw_pose
from .generator import CONTROL_CFG, SIDE, Bench, Figure, tensor

Scores = tuple[list[Any], list[Any], list[Any]]  # with control, without, of the drawings


def measure_control(
    bench: Bench,
    kind: str,
    kinds: Sequence[str],
    hint_of: Callable[[Scene], np.ndarray],
    score: Callable[[Scene, torch.Tensor], Any],
) -> Scores:
    """Scores with control, without (same prompt and seed) and of the held-out scene that gave the hint.

    The sheet's rows are, over and over, the hints, the pictures with control, those without, and the drawings.
    """
    found: Scores = ([], [], [])
    columns = []
    for i in bench.upto(200):
        scene = render(HELD_OUT + i, kind=kinds[i % len(kinds)])
        hint = tensor(hint_of(scene))
        held, free = (
            bench.generator.picture(scene.caption, i + 1, kind, h, cfg=CONTROL_CFG) for h in (hint.movedim(1, -1), None)
        )
        for scores, picture in zip(found, (held, free, tensor(scene.image)), strict=True):
            scores.append(score(scene, picture))
        columns.append((hint, held, free, tensor(scene.image)))
    bench.sheet(
        kind, [list(row) for j in range(0, min(len(columns), 24), 8) for row in zip(*columns[j : j + 8], strict=True)]
    )
    return found


def canny(bench: Bench) -> list[Figure]:
    """How well pictures follow edges."""

    def score(scene: Scene, picture: torch.Tensor) -> float:
        return measures.edge_f1(measures.edges(measures.array(picture[0])), measures.edges(scene.image))

    def hint(scene: Scene) -> np.ndarray:
        return np.repeat(measures.edges(scene.image)[..., None] * np.uint8(255), 3, 2)

    scores = measure_control(bench, "canny", ("portrait", "figure", "savanna", "interior"), hint, score)
    held, free, n = float(np.mean(scores[0])), float(np.mean(scores[1])), len(scores[0])
    return [
        Figure(
            "Canny: F1 of the output's edges (Canny 100/200) against the hint within 3 px",
            held,
            "",
            n,
            0.70,
            200,
            beside=f"without control {free:.2f}",
        ),
        Figure("Canny: that F1 over the figure without control", held / max(free, 1e-9), "x", n, 2, 200),
    ]


def mlsd(bench: Bench) -> list[Figure]:
    """How well pictures follow straight lines."""
    network = load_mlsd()

    def score(scene: Scene, picture: torch.Tensor) -> tuple[float, float]:
        image = measures.array(picture[0])
        again = measures.lines_found(scene.lines, find_mlsd_lines(network, image).segments, (SIDE, SIDE))
        return 100 * again, 100 * measures.lines_followed(scene.lines, image)

    scores = measure_control(bench, "mlsd", ("interior",), lambda scene: draw_lines(scene.lines, SIDE, SIDE), score)
    held, free, drawn = (np.mean(s, axis=0) for s in scores)
    titles = (
        "M-LSD: length of the hint's lines within 4 px of lines that M-LSD finds in the output",
        "M-LSD: length of the hint's lines within 4 px of Canny edges (50/100) of the output, alike to 20 degrees",
    )
    return [
        Figure(
            title,
            float(held[i]),
            "%",
            len(scores[0]),
            80,
            200,
            beside=f"without control {free[i]:.0f} %, the drawings themselves {drawn[i]:.0f} %",
        )
        for i, title in enumerate(titles)
    ]


def openpose(bench: Bench) -> list[Figure]:
    """How well people take the pose of a skeleton."""

    def score(scene: Scene, picture: torch.Tensor) -> float:
        return 100 * measures.joint_error(judge(bench.judges, picture).joints[0].numpy(), scene.joints[0])

    kinds = ("figure", "figure", "figure", "figure", "portrait")
    scores = measure_control(bench, "openpose", kinds, lambda scene: draw_pose(scene.joints, SIDE, SIDE), score)
    held, free, drawn = (float(np.mean(s)) for s in scores)
    return [
        Figure(
            "OpenPose: mean joint error in shares of the side",
            held,
            "%",
            len(scores[0]),
            5,
            200,
            at_most=True,
            beside=f"without control {free:.1f} %, judge itself on the drawings {drawn:.1f} %",
        )
    ]
