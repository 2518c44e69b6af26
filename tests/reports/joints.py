"""`python run.py report joints`: is a joint right that OpenPose is sure of? On photographs whose joints were marked.

Writes tests/reports/joints.md and joints.png: of each photograph the marks (white) and what is drawn, without the
photograph, which is not ours to hand on. tests/preprocess looks at a sample of the same.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from ...preprocessors.networks.graph import load_graph
from ...preprocessors.pose import judge, mediapipe
from ...preprocessors.pose.people import Person
from ...preprocessors.pose.skeleton import draw_people
from ...runner.pack import ROOT
from ..support.pictures.marked_joints import (
    NEAR,
    NONE,
    SURE,
    JointResult,
    compare,
    count_marked,
    marks,
    match,
    photographs_of_nobody,
)
from ..support.pose_photos import photo
from .parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "joints.md"
LEAST_SHARE = 90.0
DRAWN = mediapipe.POINT_SCORE
CELL = 160  # pixels of a photograph on the sheet


def share(results: Sequence[JointResult]) -> str:
    """How many of the joints are right."""
    right = sum(one.is_right for one in results)
    return f"{right} of {len(results)} ({100 * right / max(1, len(results)):.1f} %)"


def row(title: str, results: Sequence[JointResult], marked: int) -> str:
    """A line of the table."""
    sure = [one for one in results if one.score >= SURE]
    drawn = [one for one in results if one.score > DRAWN]
    invented = sum(one.off == np.inf for one in drawn)
    found = sum(one.is_right for one in drawn)
    return f"| {title} | {share(sure)} | {share(drawn)} | {invented} | {found} of {marked} |"


def draw_cell(name: str, people: Sequence[Person]) -> np.ndarray:
    """The marks of a photograph and the skeletons over black."""
    size = photo(name).shape[:2]
    drawn = draw_people(people, *size, face=False, threshold=DRAWN)
    for place in marks()[name]["joints"].values():
        if isinstance(place, list):
            cv2.circle(drawn, tuple(place), 7, (255, 255, 255), 2)
    scale = CELL / max(size)
    small = cv2.resize(drawn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    cell = np.zeros((CELL, CELL, 3), np.uint8)
    cell[: small.shape[0], : small.shape[1]] = small[:CELL, :CELL]
    return cell


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report joints", description=__doc__)
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    started = time.monotonic()
    networks = {name: load_graph(name) for name in mediapipe.list_networks(False, True)}
    judged, raw, cells, missing = [], [], [], []
    for name in marks():
        people = judge.find_people(networks, photo(name), face=True)
        judged += compare(name, people)
        raw += compare(name, mediapipe.find_people(networks, photo(name)))
        cells.append(draw_cell(name, people))
        if match(name, people) is None:
            missing.append(name)
        print(name, row("", [one for one in judged if one.name == name], count_marked(name)), flush=True)
    nobody = {name: judge.find_people(networks, photo(name), face=True) for name in photographs_of_nobody()}
    halves = [[one for one in judged if one.half == half] for half in (0, 1)]
    marked = [sum(count_marked(name) for name, one in marks().items() if one["half"] == half) for half in (0, 1)]
    sure = [one for one in judged if one.score >= SURE]
    percent = 100 * sum(one.is_right for one in sure) / max(1, len(sure))
    none = sum(place == NONE for one in marks().values() for place in one["joints"].values())
    passed = percent >= LEAST_SHARE
    date = datetime.datetime.now(datetime.UTC).date()
    joints = sorted({one.joint.split()[-1] for one in judged})
    text = [
        "# The joints of OpenPose on photographs",
        "",
        f"`python run.py report joints`, {date}, {time.monotonic() - started:.0f} s, detector `mediapipe`.",
        "",
        f"- Of the joints that score {SURE} or more, right: {share(sure)} (asked: {LEAST_SHARE:g} %). "
        + ("pass" if passed else "FAIL"),
        f"- Photographs: {len(marks())}, with {sum(marked)} joints marked by hand and {none} that are not to be seen. "
        f"Right is within {NEAR:.0%} of the torso. Joints that are in the picture but covered are not counted.",
        f"- The marked person is not found in: {', '.join(missing) or 'none'}.",
        f"- Of {len(nobody)} photographs without people, people are found in: "
        f"{', '.join(name for name, people in nobody.items() if people) or 'none'}.",
        "",
        f"Drawn is what scores above {DRAWN}. Invented joints are drawn where none is to be seen. The weights of the "
        "scores were chosen on the first half.",
        "",
        f"| joints | score {SURE} or more: right | drawn: right | invented | right and drawn, of the marked |",
        "|---|---|---|---|---|",
        *(
            row(title, *half)
            for title, half in zip(("first half", "second half"), zip(halves, marked, strict=True), strict=True)
        ),
        row("all", judged, sum(marked)),
        row("all, as the networks score them", raw, sum(marked)),
        *(
            row(
                joint,
                [one for one in judged if one.joint.endswith(joint)],
                sum(
                    isinstance(place, list)
                    for one in marks().values()
                    for named, place in one["joints"].items()
                    if named.endswith(joint)
                ),
            )
            for joint in joints
        ),
        "",
        "![Marks are white rings; the photographs themselves are not shown](joints.png)",
    ]
    options.out.write_text("\n".join(text) + "\n", encoding="utf-8")
    columns = 8
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.concatenate(cells[first : first + columns], axis=1) for first in range(0, len(cells), columns)]
    Image.fromarray(np.concatenate(rows)).quantize(64).save(options.out.with_suffix(".png"))
    print("\n".join(text))
    return 0 if passed else 1
