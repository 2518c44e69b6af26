"""`python run.py report layout`: every bundled workflow in several frontends, in both renderers, and what overlaps.

Writes tests/reports/layout.md. Frontends are packages of PyPI; each is kept beside the packages of run.py. The demo
slides are measured once more after Run, which samples in few steps: where things lie does not depend on them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...runner.comfyui.client import ComfyClient
from ...runner.comfyui.transport import json_content
from ...runner.dev.testing import find_browser
from ...runner.pack import ROOT
from ...runner.workflow import FOLDER, is_twin
from ..support.browser.frontend import Frontend, browser_page
from ..support.browser.frontend_versions import FRONTENDS, frontend_folder
from ..support.browser.layout import MEASURE, NODES_2, RENDERERS, SETTING, find_faults
from ..support.browser.wires import WIRES, count_crossings
from ._served import served
from .parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "layout.md"
PAUSE_MS = 600  # between two looks
STEPS, FEW = 20, 6  # of the slides, and of those that are run here


@dataclass
class Row:
    """A workflow in one frontend and renderer: what lies wrong when it is opened, and after Run (None: not run).

    crossings: how many wires cross.
    """

    frontend: str
    renderer: str
    name: str
    opened: list[str] = field(default_factory=list)
    after: list[str] | None = None
    crossings: int = 0


def measure(client: ComfyClient, browser: str, renderer: str, names: Sequence[str], runs: bool) -> Iterator[Row]:
    """Open workflows one after the other in one browser."""
    settings = {"Comfy.TutorialCompleted": True, SETTING: renderer == NODES_2}
    client.http.ask("POST", "/settings", **json_content(settings))
    with browser_page(browser) as page:
        frontend = Frontend(page, client.url)
        for name in names:
            graph = with_few_steps(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))
            row = Row(frontend.version, renderer, name, [fault] if (fault := frontend.open(graph)) else [])
            frontend.fit_view()
            row.opened += _look(frontend)
            row.crossings = count_crossings(frontend.page.evaluate(WIRES))
            if runs and not is_twin(name):
                frontend.run()
                row.after = _look(frontend)
            yield row


def with_few_steps(graph: dict[str, Any]) -> dict[str, Any]:
    """The workflow with FEW steps in every node, also inside of subgraphs, that takes STEPS."""
    for part in (graph, *graph.get("definitions", {}).get("subgraphs", [])):
        for node in part["nodes"]:
            if any(slot.get("widget") == {"name": "steps"} for slot in node["inputs"]):
                node["widgets_values"] = [FEW if value == STEPS else value for value in node["widgets_values"]]
    return graph


def _look(frontend: Frontend) -> list[str]:
    """What is wrong once nothing moves any more: elements take their sizes by and by."""
    before, now = None, frontend.page.evaluate(MEASURE)
    while now != before:
        frontend.page.wait_for_timeout(PAUSE_MS)
        before, now = now, frontend.page.evaluate(MEASURE)
    return find_faults(now)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report layout", description=__doc__)
    parser.add_argument("--frontends", nargs="+", default=FRONTENDS, help="versions of the package")
    parser.add_argument("--renderers", nargs="+", choices=RENDERERS, default=RENDERERS)
    parser.add_argument("--only", default="", help="workflows whose name holds this")
    parser.add_argument("--no-run", action="store_true", help="open them only")
    parser.add_argument("--jobs", type=int, default=1, help="frontends at once")
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    browser = find_browser()
    if browser is None:
        sys.exit("No browser. Install chromium, Chrome or Edge.")
    names = [path.stem for path in sorted(FOLDER.glob("*.json")) if options.only in path.stem]
    started = time.monotonic()

    def measure_all(version: str) -> list[Row]:
        rows, arguments = [], ["--front-end-root", str(frontend_folder(version))]
        with tempfile.TemporaryDirectory() as temp, served(Path(temp) / "comfyui", *arguments) as client:
            for renderer in options.renderers:
                for row in measure(client, browser, renderer, names, not options.no_run):
                    rows.append(row)
                    print(f"{row.frontend} {renderer} {row.name}", *_lines(row), sep="\n  ", flush=True)
        return rows

    with ThreadPoolExecutor(options.jobs) as pool:
        rows = [row for found in pool.map(measure_all, options.frontends) for row in found]
    command = " ".join(["python run.py report layout", *argv])
    options.out.write_text(render(rows, command, time.monotonic() - started), encoding="utf-8")
    return 1 if any(map(_lines, rows)) else 0


def _lines(row: Row) -> list[str]:
    return [*row.opened, *(f"after Run: {fault}" for fault in row.after or [] if fault not in row.opened)]


def render(rows: Sequence[Row], command: str, seconds: float) -> str:
    """The report."""
    lines = [
        "# Layout",
        "",
        f"`{command}`, {datetime.date.today()}, {seconds / 60:.0f} minutes.",
        "",
        "How many things lie in the way of others in each workflow: nodes over nodes, nodes past the edge or over the "
        "title of their group, groups over groups, deprecated and red nodes. `a, b (c)`: when it is opened, after Run, "
        "and how many wires cross.",
        "",
    ]
    columns = list(dict.fromkeys((row.frontend, row.renderer) for row in rows))
    lines += ["| workflow | " + " | ".join(f"{frontend} {renderer}" for frontend, renderer in columns) + " |"]
    lines += ["|---" * (len(columns) + 1) + "|"]
    for name in dict.fromkeys(row.name for row in rows):
        found = {(row.frontend, row.renderer): row for row in rows if row.name == name}
        cells = [_count(found[column]) if column in found else "" for column in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for row in filter(_lines, rows):
        lines += ["", f"## {row.name}, {row.frontend} {row.renderer}", "", *(f"- {line}" for line in _lines(row))]
    return "\n".join(lines) + "\n"


def _count(row: Row) -> str:
    faults = str(len(row.opened)) if row.after is None else f"{len(row.opened)}, {len(row.after)}"
    return f"{faults} ({row.crossings})"
