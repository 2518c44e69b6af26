"""`python run.py report control`: what the ControlNets hold through slides 8 to 10, as those workflows ship.

Each workflow is queued on a ComfyUI over and over with another hint, other words and another seed in place of its own;
everything else is as a visitor opens it. Writes tests/reports/control.md and a sheet of each.
"""

from __future__ import annotations

import argparse
import datetime
import io
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ...demo.judges import measures
from ...demo.judges.network import Judges, judge, load
from ...demo.scenes import HELD_OUT, WHO, render
from ...preprocessors.lines.draw import draw_lines
from ...preprocessors.lines.mlsd import find_mlsd_lines, load_mlsd
from ...preprocessors.pose.skeleton import draw_pose
from ...runner import workflow as workflows
from ...runner.comfyui.client import ComfyClient
from ...runner.pack import ROOT
from ...runner.slides.probe import ClientProbe
from ._served import served
from .model import figure_line
from .parts.generator import Figure, weights_label
from .parts.places import output_folder

OUTPUT = ROOT / "tests" / "reports"
FULL = 200
WITHOUT = 10  # every so many hints are sampled without control too
SHEET = 8
ROW_WITH, ROW_WITHOUT = "Decode, with control", "Decode, without"  # titles of nodes
ENDS = ("SaveImage", "PreviewAny", "SteerSweepGraph")
Array = np.ndarray


@dataclass
class Case:
    """A hint in the place of the workflow's own: what to change, and how to score what comes of it."""

    change: Callable[[ClientProbe, str], None]  # given the uploaded picture's name
    upload: Array
    hint: Array  # as the ControlNet should get it, for the sheet
    score: Callable[[Array], Any]


@dataclass
class Row:
    """A slide that is measured: its cases, pictures of one case, and the figures of the scores [n, ...]."""

    slide: str
    cases: Callable[[int], Case]
    per_case: int
    figures: Callable[[Array, Array], list[Figure]]  # of the scores with control and without


@cache
def judges() -> Judges:
    """The judges, loaded once."""
    return load()[0]


@cache
def mlsd() -> Any:
    """M-LSD, loaded once."""
    return load_mlsd()


def load_image(probe: ClientProbe, name: str) -> list[Any]:
    return [probe.add("LoadImage", image=name), 0]


def replace(probe: ClientProbe, title: str, link: list[Any]) -> None:
    """Link `link` to every input that takes the first output of the node `title`."""
    old = probe.output(title)
    for node in probe.prompt.values():
        for name, value in node["inputs"].items():
            if value == old:
                node["inputs"][name] = link


def portrait(i: int) -> Case:
    """The edges of a held-out portrait, with its caption."""
    scene = render(HELD_OUT + i, kind="portrait")
    edges = measures.edges(scene.image)

    def change(probe: ClientProbe, name: str) -> None:
        replace(probe, "SteerDemoPicture", load_image(probe, name))
        probe.prompt[probe.node("Prompt")]["inputs"]["text"] = scene.caption
        probe.prompt[probe.node("SteerSeeds")]["inputs"]["text"] = f"{4 * i + 1}-{4 * i + 4}"

    def score(picture: Array) -> float:
        return measures.edge_f1(measures.edges(picture), edges)

    return Case(change, scene.image, np.repeat(edges[..., None] * np.uint8(255), 3, 2), score)


def room(i: int) -> Case:
    """Lines that M-LSD finds in a bare room, as the workflow does; not the drawing's own."""
    scene = render(HELD_OUT + i, kind="interior", room="empty room")
    lines = find_mlsd_lines(mlsd(), scene.image).segments

    def change(probe: ClientProbe, name: str) -> None:
        replace(probe, "SteerDemoPicture", load_image(probe, name))
        for row in ("without", "with control"):
            probe.prompt[probe.node(f"Sample, {row}")]["inputs"]["seed"] = i + 1

    def score(picture: Array) -> tuple[float, float]:
        again = find_mlsd_lines(mlsd(), picture).segments
        return measures.lines_found(lines, again, picture.shape[:2]), measures.lines_followed(lines, picture)

    return Case(change, scene.image, draw_lines(lines, 256, 256), score)


def pose(i: int) -> Case:
    """The skeleton is a picture here: the workflow's own comes with the picture that ships."""
    scene = render(HELD_OUT + i, kind="figure")
    skeleton = draw_pose(scene.joints, 256, 256)

    def change(probe: ClientProbe, name: str) -> None:
        guide = probe.prompt[probe.node("SteerControlNetGuide")]["inputs"]
        guide["image"] = load_image(probe, name)
        probe.prompt[probe.node("People")]["inputs"]["lists"] = f"who: {WHO[i % len(WHO)]}"
        sampler, decoder = probe.prompt[probe.node("KSampler")], probe.prompt[probe.node("VAEDecode")]
        sampler["inputs"]["seed"] = i + 1
        pair = {part: guide[part] for part in ("positive", "negative")}
        free = probe.add("KSampler", **(sampler["inputs"] | pair))
        alone = probe.add("VAEDecode", **(decoder["inputs"] | {"samples": [free, 0]}))
        decoder["_meta"], probe.prompt[alone]["_meta"] = {"title": ROW_WITH}, {"title": ROW_WITHOUT}

    def score(picture: Array) -> float:
        pixels = torch.from_numpy(picture.copy()).movedim(-1, 0)[None].float() / 255
        return measures.joint_error(judge(judges(), pixels).joints[0].numpy(), scene.joints[0])

    return Case(change, skeleton, skeleton, score)


def edge_figures(held: Array, free: Array) -> list[Figure]:
    """The figures of slide 8."""
    guided, alone = float(held.mean()), float(free.mean())
    return [
        Figure(
            "F1 of the output's edges against the hint within 3 px",
            guided,
            "",
            len(held),
            0.70,
            FULL,
            beside=f"without control {alone:.2f} (n {len(free)})",
        ),
        Figure("that F1 over the figure without control", guided / max(alone, 1e-9), "x", len(held), 2, FULL),
    ]


def line_figures(held: Array, free: Array) -> list[Figure]:
    """The figures of slide 9."""
    titles = ("M-LSD finds again, within 4 px", "Canny edges of the output follow, alike to 20 degrees")
    return [
        Figure(
            f"length of the hint's lines that {title}",
            100 * float(held[:, i].mean()),
            "%",
            len(held),
            80,
            FULL,
            beside=f"without control {100 * float(free[:, i].mean()):.0f} % (n {len(free)})",
        )
        for i, title in enumerate(titles)
    ]


def joint_figures(held: Array, free: Array) -> list[Figure]:
    """The figures of slide 10."""
    return [
        Figure(
            "mean joint error in shares of the side",
            100 * float(held.mean()),
            "%",
            len(held),
            5,
            FULL,
            at_most=True,
            beside=f"without control {100 * float(free.mean()):.1f} % (n {len(free)})",
        )
    ]


ROWS = {
    "canny": Row("08-canny-same-face-angle", portrait, 4, edge_figures),
    "mlsd": Row("09-mlsd-one-room-two-styles", room, 2, line_figures),
    "openpose": Row("10-openpose-one-pose-many-people", pose, 1, joint_figures),
}


def png(image: Array) -> bytes:
    """A picture uint8 [H, W, 3] as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def run_case(
    client: ComfyClient, prompt: workflows.Prompt, case: Case, name: str, free: bool
) -> dict[str, list[Array]]:
    """The workflow's pictures with control, its hint, and with `free` those without control too."""
    probe = ClientProbe(client, prompt)
    outputs = [number for number, node in probe.prompt.items() if node["class_type"] in ENDS]
    case.change(probe, client.upload(name, png(case.upload)))
    for number in outputs:  # so that nothing is made but the rows below
        del probe.prompt[number]
    rows = {"with": probe.output(ROW_WITH), "hint": probe.output("SteerControlNetGuide", 3)}
    if free:
        rows["without"] = probe.output(ROW_WITHOUT)
    return dict(probe.run(rows).pictures)


def measure(client: ComfyClient, kind: str, count: int, folder: Path) -> list[Figure]:
    """The figures of one slide over `count` pictures, and its sheet: hints, with control, and some without."""
    row = ROWS[kind]
    graph = workflows.read_workflow(next(path for path in workflows.list_bundled() if path.stem == row.slide))
    prompt = workflows.to_prompt(graph, client.get("/object_info"))
    held, free = list[Any](), list[Any]()
    rows: list[list[Array]] = []
    for i in range(-(-count // row.per_case)):
        case = row.cases(i)
        started = time.monotonic()
        pictures = run_case(client, prompt, case, f"steer-report/{kind}-{i}.png", i % WITHOUT == 0)
        assert len(pictures["with"]) == row.per_case, f"{row.slide} gave {len(pictures['with'])} pictures"
        held += [case.score(picture) for picture in pictures["with"]]
        free += [case.score(picture) for picture in pictures.get("without", [])]
        rows.append([case.upload, pictures["hint"][0], *pictures["with"]])
        print(f"{kind} {i}: {np.mean(held, axis=0)} after {len(held)}, {time.monotonic() - started:.1f} s", flush=True)
    Image.fromarray(sheet(rows[:SHEET])).save(folder / f"control-{kind}.jpg", quality=82)
    return row.figures(np.array(held[:count]), np.array(free))


def sheet(rows: list[list[Array]]) -> Array:
    """A row for each hint, at half size."""
    height, width = rows[0][1].shape[:2]
    half = [
        [np.asarray(Image.fromarray(each).resize((width // 2, height // 2), Image.Resampling.LANCZOS)) for each in row]
        for row in rows
    ]
    return np.concatenate([np.concatenate(row, 1) for row in half])


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report control", description=__doc__)
    parser.add_argument("--count", type=int, default=FULL, help="pictures of each slide")
    parser.add_argument("--only", nargs="*", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--out", type=output_folder, default=OUTPUT)
    options = parser.parse_args(argv)
    started = time.monotonic()
    lines, missed = list[str](), 0
    with tempfile.TemporaryDirectory() as temp, served(Path(temp)) as client:
        for kind in options.only:
            figures = measure(client, kind, options.count, options.out)
            lines += [figure_line(ROWS[kind].slide, figure) for figure in figures]
            missed += sum(not figure.passes for figure in figures)
    text = [
        "# What a hint holds, through slides 8 to 10",
        "",
        f"`{' '.join(['python run.py report control', *argv])}`, {datetime.date.today()}, "
        f"{time.monotonic() - started:.0f} s, torch {torch.__version__}, ComfyUI on the CPU. "
        f"Weights: {weights_label()}.",
        "",
        "The workflows as they ship, but for hint, words and seed: a held-out portrait and its own caption in slide 8 "
        "(four seeds each), another bare room in slide 9 (both styles), another skeleton in slide 10 (one person on a "
        "beach).",
        "",
        "| workflow | what | asked | measured | n | verdict | beside |",
        "|---|---|---|---|---|---|---|",
        *lines,
        "",
        "Sheets: `control-KIND.jpg`; in each row the picture, its hint, and what was made with it.",
        "",
    ]
    (options.out / "control.md").write_text("\n".join(text), encoding="utf-8")
    print("\n".join(lines))
    return 1 if missed else 0
