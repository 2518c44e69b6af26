"""`python run.py report families`: every node of Steer that touches a model, on every family of models.

Writes tests/reports/families.md: the nodes on tiny nets of ComfyUI's own classes (tests/support/zoo), equal to
ComfyUI's own nodes where Steer promises it, refused by name where a thing cannot be. tests/control/zoo looks at a
sample. `--comfyui PATH` and `--comfyui-tag TAG` make the table of another ComfyUI beside it.
"""

from __future__ import annotations

import argparse
import datetime
import runpy
import tempfile
import time
from collections import Counter
from pathlib import Path

from ....runner.engine import engine_folder, is_own
from ....runner.pack import ROOT
from ...support.comfy_inprocess import InProcessComfy
from ...support.zoo.encoders import clip_of
from ...support.zoo.families import FAMILIES, forget
from ...support.zoo.matrix.table import CHECKS, draw_table
from ...support.zoo.matrix.verdict import WRONG, Verdict
from ..parts.places import output_file

FOLDER = ROOT / "tests" / "reports"
WORDS = (
    "- **equal**: to ComfyUI's own nodes, bit for bit. **close**: up to the rounding that the help page names.",
    "- **works**: where Steer promises no equality. **refused**: by name, before sampling.",
    "- **no effect**: the model does not look at it, with ComfyUI's own nodes either.",
    "- **absent**: not in this ComfyUI, or the zoo has no such net. **WRONG**: a broken promise.",
)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report families", description=__doc__)
    parser.add_argument("--out", type=output_file, help="the file to write")
    options = parser.parse_args(argv)
    version = str(runpy.run_path(str(engine_folder() / "comfyui_version.py"))["__version__"])
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        comfy = InProcessComfy(Path(folder))
        cells: dict[tuple[str, str], Verdict] = {}
        for check in CHECKS:
            for family in FAMILIES:
                cells[check.node, family.name] = check.verdict(comfy, family)
            words = ", ".join(f"{family.name} {cells[check.node, family.name].word}" for family in FAMILIES)
            print(f"{check.node}: {words}", flush=True)
    comfy.fresh()  # its executor keeps models, too
    clip_of.cache_clear()
    forget()
    counts = Counter(verdict.word for verdict in cells.values())
    command = "python run.py report families" + ("" if is_own() else " --comfyui PATH")
    text = [
        f"# Every node on every family, on ComfyUI {version}",
        "",
        f"`{command}`, {datetime.date.today()}, {time.monotonic() - started:.0f} s. Tiny nets of ComfyUI's own classes "
        "with random weights: they prove everything but beauty.",
        "",
        *WORDS,
        "",
        f"{len(cells)} cells: " + ", ".join(f"{count} {word}" for word, count in counts.most_common()) + ".",
        "",
        *draw_table(cells),
    ]
    out = options.out or FOLDER / ("families.md" if is_own() else f"families-{version}.md")
    out.write_text("\n".join(text) + "\n", encoding="utf-8")
    print(f"wrote {out}")
    return 1 if counts[WRONG] else 0
