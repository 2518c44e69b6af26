"""Sixteen seeds in one run of Seeds and Seeded Noise against sixteen queued stock prompts, on one ComfyUI server.

Same model, prompt, steps and seeds; the pictures are compared. All prompts of a method are queued at once and the time
runs until the last one has ended. Every method is measured in every round, with seeds of its own, so that no result
comes from ComfyUI's cache. Memory is what the server's peak rises above its size before the run (Linux only).
"""

from __future__ import annotations

import argparse
import io
import json
import math
import statistics
import tempfile
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import websocket
from PIL import Image
from steer.runner import setup
from steer.runner.comfyui.client import ComfyClient
from steer.runner.comfyui.messages import Picture
from steer.runner.comfyui.process import ComfyServer, has_gpu

PICTURES = 16
BATCHES = (1, 4, 8, 16)
LIMIT = 1.05  # of the stock prompts' time on a CPU
PROMPT = "gorgeous cute Austrian girl, smiling, crop top, Steel gray hair, backstreet"

Prompt = dict[str, dict[str, Any]]


@dataclass
class Method:
    """One way to make the pictures, and what was measured of it."""

    name: str
    batch_size: int | None = None
    seconds: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)

    def prompts(self, seeds: range, options: argparse.Namespace) -> list[Prompt]:
        if self.batch_size is None:
            return [stock_prompt(seed, options) for seed in seeds]
        return [seeded_prompt(seeds, self.batch_size, options)]


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def shared_nodes() -> Prompt:
    """With the same ids in all prompts, so that the model stays loaded and the text encoded."""
    return {
        "model": node("SteerDemoModel"),
        "prompt": node("CLIPTextEncode", clip=["model", 1], text=PROMPT),
        "negative": node("CLIPTextEncode", clip=["model", 1], text=""),
        "decode": node("VAEDecode", samples=["sample", 0], vae=["model", 2]),
        "show": node("PreviewImage", images=["decode", 0]),
    }


def stock_prompt(seed: int, options: argparse.Namespace) -> Prompt:
    return shared_nodes() | {
        "latent": node("EmptyLatentImage", width=options.size, height=options.size, batch_size=1),
        "sample": node(
            "KSampler",
            model=["model", 0],
            positive=["prompt", 0],
            negative=["negative", 0],
            seed=seed,
            cfg=7.0,
            steps=options.steps,
            sampler_name="euler",
            scheduler="normal",
            denoise=1.0,
            latent_image=["latent", 0],
        ),
    }


def seeded_prompt(seeds: range, batch_size: int, options: argparse.Namespace) -> Prompt:
    return shared_nodes() | {
        "seeds": node("SteerSeeds", text=f"{seeds[0]}-{seeds[-1]}"),
        "noise": node(
            "SteerSeededNoise",
            seeds=["seeds", 0],
            rng="ComfyUI (CPU)",
            variation_seed=0,
            variation_strength=0.0,
            batch_size=batch_size,
        ),
        "latent": node("EmptyLatentImage", width=options.size, height=options.size, batch_size=["noise", 1]),
        "guider": node("CFGGuider", model=["model", 0], positive=["prompt", 0], negative=["negative", 0], cfg=7.0),
        "sampler": node("KSamplerSelect", sampler_name="euler"),
        "sigmas": node("BasicScheduler", model=["model", 0], scheduler="normal", steps=options.steps, denoise=1.0),
        "sample": node(
            "SamplerCustomAdvanced",
            noise=["noise", 0],
            guider=["guider", 0],
            sampler=["sampler", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
        ),
    }


def run_queued(client: ComfyClient, prompts: list[Prompt]) -> tuple[float, list[np.ndarray]]:
    """Queue all prompts, wait for the last; seconds and the pictures [H, W, 3] in order."""
    seconds, ids = run_all(client, prompts)
    return seconds, [picture for prompt_id in ids for picture in _pictures(client, prompt_id)]


def run_all(client: ComfyClient, prompts: list[Prompt]) -> tuple[float, list[str]]:
    """Queue all prompts, wait for the last; seconds and the ids of the prompts."""
    name = uuid.uuid4().hex
    socket = websocket.create_connection(client.url.replace("http", "ws", 1) + f"/ws?clientId={name}", timeout=600)
    try:
        started = time.perf_counter()
        ids = [_post(client.url, prompt, name) for prompt in prompts]
        waiting = set(ids)
        while waiting:
            message = socket.recv()
            event = json.loads(message) if isinstance(message, str) else {"type": "preview", "data": {}}
            if event["type"] in ("execution_error", "execution_interrupted"):
                raise RuntimeError(f"A prompt failed: {event['data']}")
            # Sent once the history holds the prompt's outputs, unlike execution_success.
            if event["type"] == "executing" and event["data"]["node"] is None:
                waiting.discard(event["data"]["prompt_id"])
        seconds = time.perf_counter() - started
    finally:
        socket.close()
    return seconds, ids


def _post(url: str, prompt: Prompt, client_id: str) -> str:
    body = json.dumps({"prompt": prompt, "client_id": client_id}).encode()
    request = urllib.request.Request(f"{url}/prompt", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["prompt_id"])


def _pictures(client: ComfyClient, prompt_id: str) -> list[np.ndarray]:
    images = client.get(f"/history/{prompt_id}")[prompt_id]["outputs"]["show"]["images"]
    files = [client.fetch(Picture("show", each["filename"], each["subfolder"], each["type"])) for each in images]
    return [np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) for file in files]


def reset_peak(pid: int) -> float:
    """Let the kernel measure a process's peak memory from now on (Linux, proc(5): clear_refs); its size now in MB."""
    path = Path(f"/proc/{pid}/clear_refs")
    if path.exists():
        path.write_text("5")
    return memory_mb(pid, "VmRSS")


def memory_mb(pid: int, kind: str) -> float:
    """VmRSS (now) or VmHWM (peak) of a process; NaN where there is no /proc."""
    path = Path(f"/proc/{pid}/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(kind)), float("nan"))


def measure(client: ComfyClient, pid: int, methods: list[Method], options: argparse.Namespace) -> int:
    """Fills in the methods; the largest difference of any picture from its stock twin, in 1/255."""
    worst = 0
    for number in range(options.rounds + 1):
        first = 1 + number * PICTURES
        expected: list[np.ndarray] = []
        for method in methods:
            before = reset_peak(pid)
            seconds, pictures = run_queued(client, method.prompts(range(first, first + PICTURES), options))
            expected = expected or pictures
            pairs = zip(pictures, expected, strict=True)
            worst = max(worst, *(int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs))
            if number:  # the first round loads the model and does not count
                method.seconds.append(seconds)
                method.peak_mb.append(memory_mb(pid, "VmHWM") - before)
    return worst


def report(methods: list[Method], worst: int, gpu: bool) -> int:
    stock, one_by_one = statistics.median(methods[0].seconds), methods[1]
    print(f"\n{'':34}seconds  pictures/s  time against stock  memory of the run")
    for method in methods:
        seconds, peak = statistics.median(method.seconds), statistics.median(method.peak_mb)
        rate = PICTURES / seconds
        print(f"{method.name:34}{seconds:7.2f}  {rate:10.2f}  {seconds / stock:17.3f}x  {peak:14.0f} MB")
    print(f"\nLargest difference from the stock pictures: {worst}/255 (2 allowed)")
    passed = worst <= 2
    if not gpu:
        ratio = statistics.median(one_by_one.seconds) / stock
        print(f"On the CPU, batch_size 1 against stock: {ratio:.3f}x (at most {LIMIT}x)")
        passed = passed and ratio <= LIMIT
        small, large = (statistics.median(method.peak_mb) for method in (one_by_one, methods[-1]))
        if not math.isnan(small):  # memory is known on Linux only
            print(f"Memory with batch_size 1 is less than with {BATCHES[-1]}: {'yes' if small < large else 'NO'}")
            passed = passed and small < large
    print("passed" if passed else "FAILED")
    return 0 if passed else 1


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py bench seeds", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--size", type=int, default=256, help="side of the pictures in pixels")
    options = parser.parse_args(argv)
    gpu = has_gpu(setup.PYTHON)
    setup.link_into(setup.COMFYUI)
    methods = [Method(f"{PICTURES} queued KSampler prompts"), *(Method(f"one run, batch_size {n}", n) for n in BATCHES)]
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--output-directory", folder, "--temp-directory", folder, *([] if gpu else ["--cpu"])]
        log = Path(folder) / "comfyui.log"
        with ComfyServer(setup.COMFYUI, setup.PYTHON, log, arguments=arguments) as server:
            assert server.process is not None
            client = ComfyClient(server.url, server.check_alive)
            print(
                f"{PICTURES} pictures {options.size}x{options.size}, euler, {options.steps} steps, on the "
                f"{'GPU' if gpu else 'CPU'}; median of {options.rounds} alternating rounds"
            )
            worst = measure(client, server.process.pid, methods, options)
    return report(methods, worst, gpu)
