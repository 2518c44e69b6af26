"""`python run.py report schedules`: Published Schedule against diffusers' own functions, and against ComfyUI's default.

Writes tests/reports/schedules.md: every family at four sizes and four numbers of steps, and the table of facts with its
sources. tests/noise/test_published.py asserts the same.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import tempfile
from pathlib import Path

from ....nodes.noise.choices import PUBLISHED
from ....nodes.noise.published.facts import FACTS, READ
from ....nodes.noise.published.schedule import plan_published
from ....runner.pack import ROOT
from ...support.comfy_inprocess import InProcessComfy
from ...support.models import diffusers_schedules as oracle
from ..parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "schedules.md"
ALLOWED = 1e-6


def rows_of(family: str) -> list[tuple[float, str]]:
    """(largest difference from diffusers, a line of the table) for each size."""
    from ....nodes.noise.published.comfy_published import default_schedule

    rows = []
    for size in oracle.SIZES:
        apart, default_mu, mus, defaults = 0.0, 0.0, list[str](), list[float]()
        for steps in (oracle.LISTS[family],) if family in oracle.LISTS else oracle.STEPS:
            plan = plan_published(family, size, steps)
            mu, sigmas = oracle.published_by_diffusers(family, size, steps)
            apart = max(apart, abs(plan.mu - mu), float((plan.sigmas - sigmas).abs().max()))
            default_mu, default = default_schedule(family, None, steps, 1.0)
            mus.append(f"{plan.mu:.3f}")
            defaults.append(float((plan.sigmas - default).abs().max()))
        shown = mus[0] if len(set(mus)) == 1 else ", ".join(mus)
        cells = [family, f"{size[1]} x {size[0]}", shown, f"{default_mu:.3f}", f"{max(defaults):.3f}", f"{apart:.1e}"]
        rows.append((apart, f"| {' | '.join(cells)} |"))
    return rows


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report schedules", description=__doc__)
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        InProcessComfy(Path(folder))
        rows = [row for family in PUBLISHED for row in rows_of(family)]
    worst = max(apart for apart, _ in rows)
    steps, diffusers = ", ".join(map(str, oracle.STEPS)), importlib.metadata.version("diffusers")
    second = sum(bool(row.second) for row in FACTS.values())
    text = [
        "# Schedules as published",
        "",
        f"`python run.py report schedules`, {datetime.date.today()}, diffusers {diffusers}.",
        "",
        f"- Largest difference from diffusers' own functions, of mu and of every sigma, over {len(rows)} families and "
        f"sizes at {steps} steps: {worst:.1e} (asked: {ALLOWED:g}). {'pass' if worst <= ALLOWED else 'MISS'}",
        f"- Rows of the table with a second, independent source: {second} of {len(FACTS)}.",
        "",
        "Lists are for one number of steps. Where mu depends on the steps, it stands for each of them. The default is "
        "that of ComfyUI's loader with the scheduler simple.",
        "",
        "| family | size | mu | default mu | largest difference of sigma from the default | from diffusers |",
        "|---|---|---|---|---|---|",
        *(line for _, line in rows),
        "",
        f"## Where it is known from (read {READ})",
        "",
        "| family | steps | source | second source |",
        "|---|---|---|---|",
        *(
            f"| {name} | {row.steps} | {row.source} | {row.second or 'none: unverified'} |"
            for name, row in FACTS.items()
        ),
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[4:6]))
    return 0 if worst <= ALLOWED else 1
