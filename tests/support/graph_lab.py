"""A real ComfyUI server with Sweep Graphs, and the same graphs with the values typed in."""

from __future__ import annotations

import copy
import io
import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PROMPT = "girl, smiling, backstreet"
ASK_S = 0.05  # between two questions to a server, which answers them beside its work
Graph = dict[str, dict[str, Any]]


def node(kind: str, /, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def swaps(*words: str, prompt: str = PROMPT, find: str = "smiling") -> dict[str, Any]:
    """A Prompt Swap over the original word and these."""
    return node(
        "SteerPromptSwap",
        prompt=prompt,
        find=find,
        swaps="\n".join(words),
        include_original=True,
        whole_words=True,
        match_case=False,
    )


def seeds(text: str) -> dict[str, Any]:
    return node("SteerSeeds", text=text)


def values(kind: str, text: str) -> dict[str, Any]:
    return node("SteerValueAxis", kind=kind, text=text)


AXIS_OUTPUTS = {"SteerPromptSwap": 1, "SteerSeeds": 1, "SteerValueAxis": 0, "SteerZipAxes": 0, "SteerImageAxis": 0}


def axis_of(graph: Graph, axis: str) -> list[Any]:
    return [axis, AXIS_OUTPUTS[graph[axis]["class_type"]]]


def with_value(graph: Graph, number: str, axis: str, *targets: tuple[str, str], text: str = "", part: int = 1) -> Graph:
    """The graph with a Sweep Value of the axis node `axis`, wired to inputs."""
    result = copy.deepcopy(graph)
    result[number] = node("SteerSweepValue", axis=axis_of(graph, axis), text=text, index=0, part=part)
    for target, name in targets:
        result[target]["inputs"][name] = [number, 0]
    return result


def with_graph(graph: Graph, images: list[Any], number: str = "99", **widgets: Any) -> Graph:
    own = {"folder": "g", "max_cells": 256, "on_error": "blank", "cell": ""} | widgets
    return graph | {number: node("SteerSweepGraph", images=images, **own)}


def tiny_graph(size: int = 64, steps: int = 1) -> Graph:
    """The embedded model and one sampler: nodes 1 to 10, whose pictures are those of ["10", 0]."""
    return {
        "1": node("SteerDemoModel"),
        "2": node("EmptyLatentImage", width=size, height=size, batch_size=1),
        "7": node("CLIPTextEncode", clip=["1", 1], text=PROMPT),
        "8": node("CLIPTextEncode", clip=["1", 1], text=""),
        "9": node(
            "KSampler",
            model=["1", 0],
            positive=["7", 0],
            negative=["8", 0],
            latent_image=["2", 0],
            seed=5,
            steps=steps,
            cfg=6.0,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
        ),
        "10": node("VAEDecode", samples=["9", 0], vae=["1", 2]),
    }


def moods_and_seeds(seed_text: str = "1-3", *words: str, folder: str = "g", steps: int = 1, **widgets: Any) -> Graph:
    """A sweep of tiny pictures over moods and seeds."""
    graph = tiny_graph(steps=steps) | {"3": swaps(*(words or ("angry",))), "4": seeds(seed_text)}
    graph = with_value(graph, "5", "3", ("7", "text"), text=PROMPT)
    graph = with_value(graph, "6", "4", ("9", "seed"))
    return with_graph(graph, ["10", 0], folder=folder, **widgets)


class GraphLab:
    """A running server. `sweep` runs a graph and waits until its last job has ended."""

    def __init__(self, server: Any, client: Any) -> None:
        self.server, self.client = server, client
        self.output = Path(server.arguments[2])

    def post(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.server.url}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def queue(self, graph: Graph, **extra: Any) -> str:
        """Queue a graph without waiting; the id of the job."""
        return str(self.post("/prompt", prompt=graph, **extra)["prompt_id"])

    def history(self, job: str, limit: float = 120.0) -> dict[str, Any]:
        """The entry of a job in the history, when it has ended."""
        found: dict[str, Any] = {}

        def ended() -> bool:
            found.update(self.client.get(f"/history/{job}"))
            return job in found

        wait_for(ended, limit, ASK_S)
        return found[job]

    def jobs(self, job: str) -> list[str]:
        """The ids of a sweep's jobs, as the node gives them to a script."""
        outputs = self.history(job)["outputs"].values()
        return next((list(output["jobs"]) for output in outputs if "jobs" in output), [])

    def start(self, graph: Graph, **extra: Any) -> tuple[str, list[str]]:
        """Queue a sweep; the text of its first job and the ids of the others."""
        job = self.queue(graph, **extra)
        entry = self.history(job)
        assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
        texts = [text for output in entry["outputs"].values() for text in output.get("text", ())]
        return "\n".join(texts), self.jobs(job)

    def sweep(self, graph: Graph, **extra: Any) -> tuple[str, list[str]]:
        """Run a sweep to its end; the text of its first job, and the ids of the others."""
        text, jobs = self.start(graph, **extra)
        if jobs:
            self.history(jobs[-1])
        return text, jobs

    def report(self, jobs: list[str]) -> str:
        """What the last job of a sweep says."""
        return "\n".join(
            text for output in self.history(jobs[-1])["outputs"].values() for text in output.get("text", ())
        )

    def is_running(self, job_id: str) -> bool:
        """Whether this job runs now."""
        return any(item[1] == job_id for item in self.client.get("/queue")["queue_running"])

    def wait_until_idle(self) -> None:
        def idle() -> bool:
            queue = self.client.get("/queue")
            return not queue["queue_running"] and not queue["queue_pending"]

        wait_for(idle, pause=ASK_S)

    def cells(self, folder: str = "g") -> dict[tuple[str, ...], np.ndarray]:
        """The pictures of a folder by their labels."""
        return {labels: read_pixels(path) for labels, path in self.files(folder).items()}

    def files(self, folder: str = "g") -> dict[tuple[str, ...], Path]:
        from steer.nodes.sweep.folder.manifest import Manifest

        manifest = Manifest(self.output / folder)
        assert manifest.grid is not None
        found = {cell.labels: manifest.finished(cell.key) for cell in manifest.grid.cells}
        return {labels: self.output / folder / str(record.file) for labels, record in found.items() if record}

    def made_by_hand(self, graph: Graph, images: list[Any]) -> np.ndarray:
        """The picture that a graph without Sweep Values saves."""
        plain = {
            i: each for i, each in graph.items() if each["class_type"] not in ("SteerSweepGraph", "SteerSweepValue")
        }
        outcome = self.client.run(plain | {"hand": node("SaveImage", images=images, filename_prefix="hand")})
        (picture,) = [each for each in outcome.pictures if each.node_id == "hand"]
        return read_pixels(io.BytesIO(self.client.fetch(picture)))


def read_pixels(file: Any) -> np.ndarray:
    with Image.open(file) as image:
        return np.array(image).astype(int)


def read_texts(path: Path) -> dict[str, Any]:
    with Image.open(path) as image:
        return {name: json.loads(text) for name, text in image.info.items()}


def wait_for(done: Callable[[], bool], limit: float = 120.0, pause: float = 0.02) -> None:
    end = time.monotonic() + limit
    while not done():
        assert time.monotonic() < end, "it took too long"
        time.sleep(pause)


def noise_graph(side: int = 64) -> Graph:
    """Coloured noise without any model, made in milliseconds: the pictures of ["2", 0], by seed and strength."""
    plain = node("EmptyImage", width=side, height=side, batch_size=1, color=0xC06020)
    return {"1": plain, "2": node("ImageAddNoise", image=["1", 0], seed=0, strength=0.2)}


def noise_sweep(seed_text: str, strengths: str = "", **widgets: Any) -> Graph:
    """A sweep of noise over seeds, and over strengths where there are some."""
    graph = with_value(noise_graph() | {"a": seeds(seed_text)}, "11", "a", ("2", "seed"))
    if strengths:
        graph = with_value(graph | {"b": values("number", strengths)}, "12", "b", ("2", "strength"))
    return with_graph(graph, ["2", 0], **widgets)


def failing_sweep(texts: str, **widgets: Any) -> Graph:
    """A sweep of noise whose seed is counted from texts: one that is no list of seeds fails when it runs."""
    graph = noise_graph() | {"t": values("text", texts), "s": seeds("1")}
    graph["2"]["inputs"]["seed"] = ["s", 2]
    return with_graph(with_value(graph, "11", "t", ("s", "text")), ["2", 0], **widgets)
