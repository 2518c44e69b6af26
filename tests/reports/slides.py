"""`python run.py report slides`: the bundled workflows twice in a row, in any order, with any cache: the same pictures.

Writes tests/reports/slides.md. Each server is a ComfyUI of its own with empty folders.
"""

from __future__ import annotations

import argparse
import datetime
import io
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ...nodes.sweep.graph.prompts import GRAPH_KIND
from ...runner import setup
from ...runner import workflow as workflows
from ...runner.comfyui.client import ComfyClient
from ...runner.comfyui.messages import RunOutcome
from ...runner.comfyui.process import ComfyServer
from ...runner.pack import ROOT
from ...runner.workflow.prompt import find_nodes, node_title
from .parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "slides.md"
Pictures = dict[tuple[str, int], np.ndarray]  # (title of the node, number) -> pixels [H, W, 3], 0..255


@dataclass
class Row:
    """One workflow: seconds, nodes that the second queueing ran again, and how far off other servers are, in 1/255."""

    name: str
    pictures: Pictures
    seconds: float
    again: int
    off: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether it has pictures, nothing ran again, and the other servers made the same."""
        return bool(self.pictures) and self.again == 0 and not any(self.off.values())


def pictures_of(client: ComfyClient, outcome: RunOutcome, prompt: workflows.Prompt) -> Pictures:
    """The saved pictures. A preview from the cache names the node that made it, which may be another workflow's."""
    found: Pictures = {}
    for saved in (picture for picture in outcome.pictures if picture.type == "output"):
        title = node_title(prompt, saved.node_id)
        number = sum(name == title for name, _ in found)
        with Image.open(io.BytesIO(client.fetch(saved))) as picture:
            found[title, number] = np.asarray(picture.convert("RGB"), np.int16)
    return found


def largest_difference(one: Pictures, other: Pictures) -> int:
    """The largest difference of two pixels, 0 to 255; 255 where pictures are missing or of another size."""
    if one.keys() != other.keys() or any(one[key].shape != other[key].shape for key in one):
        return 255
    return max(int(np.abs(one[key] - other[key]).max()) for key in one)


def with_steps(prompt: workflows.Prompt, steps: int) -> workflows.Prompt:
    """The prompt with every number of steps set to `steps`; 0: as it is."""
    for node in prompt.values():
        if steps and isinstance(node["inputs"].get("steps"), int):
            first = node["class_type"] == "SteerEarlyPick"  # its steps are the first of the schedule's
            node["inputs"]["steps"] = max(1, steps - 1) if first else steps
    return prompt


def run_all(names: list[str], steps: int, arguments: list[str], twice: bool) -> dict[str, tuple[Pictures, float, int]]:
    """Name -> (pictures, seconds, nodes that a second queueing right behind ran again) of a fresh server."""
    files = {path.stem: path for path in workflows.list_bundled()}
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp)
        (folder / "user").mkdir()
        places = [word for kind in ("output", "user", "temp") for word in (f"--{kind}-directory", str(folder / kind))]
        options = ["--cpu", *places, *arguments]
        with ComfyServer(setup.COMFYUI, setup.PYTHON, folder / "comfyui.log", arguments=options) as server:
            client = ComfyClient(server.url, server.check_alive)
            object_info = client.get("/object_info")
            found: dict[str, tuple[Pictures, float, int]] = {}
            for name in names:
                graph = workflows.read_workflow(files[name])
                prompt = with_steps(workflows.to_prompt(graph, object_info), steps)
                outcome = client.run(prompt, graph)
                if twice and find_nodes(prompt, GRAPH_KIND):  # its cells are prompts of their own
                    client.run(prompt, graph)
                again = len(client.run(prompt, graph).executed) if twice else 0
                found[name] = (pictures_of(client, outcome, prompt), outcome.seconds, again)
                print(f"{' '.join(arguments) or 'default cache'}: {name}, {outcome.seconds:.1f} s", flush=True)
    return found


def table(rows: list[Row]) -> list[str]:
    """The lines of the table, with its head."""
    others = list(rows[0].off)
    lines = [
        f"| workflow | pictures | seconds | nodes run again | {' | '.join(others)} |",
        "|---" * (4 + len(others)) + "|",
    ]
    for row in rows:
        same = ["same" if row.off[other] == 0 else f"{row.off[other]}/255 off" for other in others]
        cells = [f"`{row.name}`", str(len(row.pictures)), f"{row.seconds:.1f}", str(row.again), *same]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report slides", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="the workflows whose names start so")
    parser.add_argument("--steps", type=int, default=0, help="fewer sampling steps, to be quicker (0: the workflows')")
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    names = [path.stem for path in workflows.list_bundled() if path.stem.startswith(tuple(options.only) or "")]
    shuffled = random.Random(5).sample(names, len(names))
    first = run_all(names, options.steps, [], twice=True)
    rows = [Row(name, *first[name]) for name in names]
    others = {
        "`--cache-none`, backwards": run_all(names[::-1], options.steps, ["--cache-none"], twice=False),
        "`--cache-lru 5`, shuffled": run_all(shuffled, options.steps, ["--cache-lru", "5"], twice=False),
    }
    for row in rows:
        row.off = {how: largest_difference(found[row.name][0], row.pictures) for how, found in others.items()}
    command = "python run.py report slides " + " ".join(argv)
    text = [
        "# The bundled workflows twice in a row, in any order, with any cache",
        "",
        f"`{command.strip()}`, {datetime.date.today()}, torch {torch.__version__}, ComfyUI on the CPU.",
        "",
        "In lecture order on a fresh server: seconds of the first run, and how many nodes ran again when it was queued "
        "once more. Then on two other fresh servers: whether every saved picture has the same pixels, or how far off "
        "the furthest is. A Sweep Graph makes its cells as prompts of their own. The second queueing lays their "
        "sheet out, and the third counts here.",
        "",
        *table(rows),
        "",
        f"Shuffled: {', '.join(name[:2] for name in shuffled)}.",
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(table(rows)))
    return 0 if all(row.good for row in rows) else 1
