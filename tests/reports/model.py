"""`python run.py report model`: what the embedded model can do, measured from the shipped weights and judged.

Writes tests/reports/model.md and one sheet of pictures of each kind. Rows measured apart (`--only ROW`) are kept in
model.json and shown together; a row whose weights changed since says so.
"""

from __future__ import annotations

import argparse
import datetime
import json
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ...demo.judges.network import load
from ...demo.train.common import say
from ...runner.pack import ROOT
from ..support.comfy_inprocess import InProcessComfy
from .parts.generator import (
    CONTROL_CFG,
    SIDE,
    Bench,
    Clock,
    Figure,
    Generator,
    Settings,
    weights_label,
)
from .parts.places import output_folder
from .parts.rows import ROWS, is_ready, weights_of

OUTPUT = ROOT / "tests" / "reports"
MANY = 500
RECORD = "model.json"


def verdict(figure: Figure) -> str:
    """pass or MISS, and whether the sample was too small; empty without a threshold."""
    if figure.threshold is None:
        return ""
    word = "pass" if figure.passes else "MISS"
    return word if figure.n >= figure.full else f"{word}, provisional: {figure.n} of {figure.full}"


def number(value: float, unit: str) -> str:
    """A figure with its unit."""
    digits = 2 if unit in ("", "x", "dB", "s") else 1
    return f"{value:.{digits}f}{'' if unit.startswith('/') else ' '}{unit}".strip()


def figure_line(row: str, figure: Figure) -> str:
    """A line of the table."""
    sign = "<=" if figure.at_most else ">="
    threshold = "" if figure.threshold is None else f"{sign} {figure.threshold:g} {figure.unit}".strip()
    cells = [f"`{row}`", figure.what, threshold, number(figure.value, figure.unit), str(figure.n), verdict(figure)]
    return f"| {' | '.join([*cells, figure.beside])} |"


def table(records: dict[str, Any]) -> list[str]:
    """The lines of the table, then when and from which weights each row was measured."""
    lines = ["| row | what | asked | measured | n | verdict | beside |", "|---|---|---|---|---|---|---|"]
    notes = []
    for row in ROWS:
        if row not in records:
            state = "not measured yet" if is_ready(row) else "not trained yet"
            lines.append(f"| `{row}` | | | | | {state} | |")
            continue
        record = records[row]
        lines += [figure_line(row, Figure(**figure)) for figure in record["figures"]]
        same = record["weights"] == weights_label(weights_of(row))
        old = "" if same else f"; WITH OTHER WEIGHTS than now: {record['weights']}"
        notes.append(f"- `{row}`: {record['date']}, {record['seconds']:.0f} s, `{record['command']}`{old}")
    return [*lines, "", *notes]


def judges_line(accuracy: dict[str, Any]) -> str:
    """How often the judges themselves are right."""
    heads = [
        f"{name.replace('_', ' ')} {100 * found['right']:.1f} % (n {found['n']})"
        for name, found in accuracy.items()
        if "right" in found
    ]
    joints = accuracy["joints"]
    return ", ".join([*heads, f"joints {100 * joints['error']:.2f} % of the side off (n {joints['n']})"])


def text(records: dict[str, Any], accuracy: dict[str, Any], settings: Settings) -> str:
    """The report."""
    figures = [Figure(**figure) for record in records.values() for figure in record["figures"]]
    short = [figure for figure in figures if figure.threshold is not None and figure.n < figure.full]
    missed = sum(not figure.passes for figure in figures)
    return "\n".join(
        [
            "# What the embedded model can do" + (" (provisional: small samples)" if short else ""),
            "",
            f"From the shipped weights, {SIDE} x {SIDE}, {settings} "
            f"(in the rows of the ControlNets {CONTROL_CFG:g}, with control and without), one picture at a "
            "time through ComfyUI's own nodes. Scenes are held out: never trained on, by the model or by the judges. "
            f"torch {torch.__version__}. {missed} of {len(figures)} figures are missed.",
            "",
            f"Weights: {weights_label()}",
            "",
            "The judges are a small network (demo/judges), right on held-out drawings in: "
            + judges_line(accuracy)
            + ".",
            "",
            *table(records),
            "",
            "Sheets: `model-KIND.jpg` beside this file. Those of the ControlNets show, over and over, a row of hints, "
            "of pictures with control, without control, and of the drawings that the hints come from.",
            "",
        ]
    )


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report model", description=__doc__)
    parser.add_argument("--count", type=int, default=MANY, help="at most so many scenes, pictures or pairs a row")
    parser.add_argument("--only", nargs="*", choices=list(ROWS), default=list(ROWS), help="these rows alone")
    parser.add_argument("--minutes", type=float, default=600.0, help="time budget, shared by the rows")
    usual = Settings()
    parser.add_argument("--sampler", default=usual.sampler_name, help="sampler of all pictures")
    parser.add_argument("--scheduler", default=usual.scheduler, help="its scheduler")
    parser.add_argument("--steps", type=int, default=usual.steps, help="its steps")
    parser.add_argument("--cfg", type=float, default=usual.cfg, help="its cfg, but for the rows of the ControlNets")
    parser.add_argument("--out", type=output_folder, default=OUTPUT, help="folder of the report and its sheets")
    options = parser.parse_args(argv)
    settings = Settings(options.steps, options.cfg, options.sampler, options.scheduler)
    record_file = options.out / RECORD
    records: dict[str, Any] = json.loads(record_file.read_text("utf-8")) if record_file.is_file() else {}
    judges, accuracy = load()
    rows = [row for row in options.only if is_ready(row)]
    for row in set(options.only) - set(rows):
        say(f"{row}: not trained yet")
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(options.minutes, len(rows))
        bench = Bench(
            Generator(InProcessComfy(Path(folder)), settings), judges, accuracy, clock, options.count, options.out
        )
        for row in rows:
            clock.begin()
            weights = weights_label(weights_of(row))
            started = time.monotonic()
            figures = [figure for figure in ROWS[row](bench) if figure.n]  # a small sample may lack an attribute
            records[row] = {
                "figures": [asdict(figure) for figure in figures],
                "command": " ".join(["python run.py report model", *argv]),
                "date": str(datetime.date.today()),
                "seconds": round(time.monotonic() - started),
                "weights": weights,
            }
            record_file.write_text(json.dumps(records, indent=1) + "\n", "utf-8")
            (options.out / "model.md").write_text(text(records, accuracy, settings), "utf-8")
            for figure in figures:
                say(figure_line(row, figure))
    missed = [
        figure.what
        for row in rows
        for figure in map(lambda f: Figure(**f), records[row]["figures"])
        if not figure.passes
    ]
    say(f"missed: {'; '.join(missed) or 'nothing'}")
    return 1 if missed else 0
