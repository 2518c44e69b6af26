"""`python run.py report conversion`: the prompts of ComfyUI's frontend and of Steer for many workflows.

Writes tests/reports/conversion.md. Every workflow is opened in a real browser with the real frontend: the small cases
of tests/runner/cases, the bundled workflows, and the official templates of which this ComfyUI has every node.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...runner.dev.testing import find_browser
from ...runner.pack import ROOT
from ...runner.workflow import FOLDER
from ...runner.workflow.prompt import is_prompt
from ...runner.workflow.reading import as_document
from ..support.browser.frontend import Frontend, browser_page
from ..support.browser.frontend_versions import frontend_folder
from ..support.workflow_files.conversions import CASES, Comparison, compare, is_known, official_templates, our_prompt
from ._served import served
from .parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "conversion.md"
SOURCES = ("cases", "bundled", "templates")


def workflows(source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The workflows in UI format of a source, by name."""
    if source == "templates":
        yield from official_templates()
        return
    for path in sorted((CASES if source == "cases" else FOLDER).glob("*.json")):
        data = as_document(json.loads(path.read_text(encoding="utf-8")), path.name)
        if not is_prompt(data):
            yield path.stem, data


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report conversion", description=__doc__)
    parser.add_argument("--source", choices=SOURCES, help="only these workflows")
    parser.add_argument("--only", default="", help="workflows whose name holds this")
    parser.add_argument("--frontend", help="another version of the package, from PyPI")
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    browser = find_browser()
    if browser is None:
        sys.exit("No browser. Install chromium, Chrome or Edge.")
    started = time.monotonic()
    web = ["--front-end-root", str(frontend_folder(options.frontend))] if options.frontend else []
    rows: list[tuple[str, Comparison]] = []
    lacking: list[str] = []
    with (
        tempfile.TemporaryDirectory() as temp,
        served(Path(temp) / "comfyui", *web) as client,
        browser_page(browser) as page,
    ):
        object_info = client.get("/object_info")
        frontend = Frontend(page, client.url)
        for source in [options.source] if options.source else SOURCES:
            for name, graph in workflows(source):
                if options.only not in name:
                    continue
                if not is_known(graph, object_info):
                    lacking.append(name)
                    continue
                fault = frontend.open(graph)
                theirs = fault or frontend.prompt_or_fault()
                found = compare(name, theirs, our_prompt(graph, object_info), object_info)
                rows.append((source, found))
                print(f"{source} {name}: {len(found.different)} differences", *found.different, sep="\n  ", flush=True)
    text = render(
        rows,
        lacking,
        " ".join(["python run.py report conversion", *argv]),
        time.monotonic() - started,
        options.frontend,
    )
    options.out.write_text(text, encoding="utf-8")
    return 1 if any(row.different for _, row in rows) else 0


def render(
    rows: list[tuple[str, Comparison]], lacking: list[str], command: str, seconds: float, version: str | None
) -> str:
    """The report. version: of the frontend, where it is not the installed one."""
    frontend = version or importlib.metadata.version("comfyui-frontend-package")
    different = [(source, row) for source, row in rows if row.different]
    shown = Counter(line.partition(" (")[0] for _, row in rows for line in row.shown)
    lines = [
        "# The frontend's prompts and Steer's",
        "",
        f"`{command}`, {datetime.date.today()}, {seconds:.0f} s, frontend {frontend}.",
        "",
        f"- {len(rows)} workflows, {sum(row.nodes for _, row in rows)} nodes, "
        f"{sum(row.values for _, row in rows)} values.",
        f"- Workflows that differ: {len(different)} (asked: none). {'MISS' if different else 'pass'}",
        f"- Left out, for this ComfyUI lacks nodes of them: {len(lacking)}.",
        "",
        "| source | workflows | nodes | values | differ |",
        "|---|---|---|---|---|",
    ]
    for source in SOURCES:
        own = [row for each, row in rows if each == source]
        counts = len(own), sum(r.nodes for r in own), sum(r.values for r in own), sum(bool(r.different) for r in own)
        lines.append(f"| {source} | {' | '.join(map(str, counts))} |")
    if different:
        lines += ["", "## Differences (the frontend's and Steer's)", ""]
        lines += [f"- {source} {row.name}: {line}" for source, row in different for line in row.different]
    purposes = [row for _, row in rows if row.on_purpose]
    lines += ["", "## Where Steer differs on purpose", ""]
    lines += [f"- {row.name}: {row.on_purpose}." for row in purposes] or ["None."]
    lines += ["", "## Values that only the frontend's own widgets read", ""]
    lines += [f"- {name}: {count}" for name, count in sorted(shown.items())] or ["None."]
    lines += ["", "## Left out", "", ", ".join(lacking) or "None.", ""]
    return "\n".join(lines)
