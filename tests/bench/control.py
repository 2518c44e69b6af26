"""ControlNet Guide against ComfyUI's ControlNetApplyAdvanced: what it costs a sampling step, side by side in one run.

The same Demo Model, ControlNet, hint, prompts and noise; the latents are compared. Calls of the control network are
counted. The node itself (fitting and checking the hint) is timed apart: it runs once, not at every step.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from steer.nodes.demo.pictures import load_picture
from steer.preprocessors.canny import canny

from ..support.comfy_inprocess import InProcessComfy

LIMIT = 1.01  # of the stock node's time, for one sampling step
PROMPT = "girl with a pearl earring, smiling, beach"
GUIDE = {"start_percent": 0.0, "end_percent": 1.0, "mode": "balanced", "fit": "crop", "kind": "auto", "feather": 0}
Pair = tuple[Any, Any]


class Bench:
    """The embedded model with its Canny ControlNet, sampled by KSampler."""

    def __init__(self, comfy: InProcessComfy, size: int, steps: int) -> None:
        self.comfy, self.steps = comfy, steps
        self.model, clip, _ = comfy.call("SteerDemoModel")
        (self.net,) = comfy.call("SteerDemoControlNet", kind="canny")
        encode = self.stock("CLIPTextEncode").encode
        self.prompts: Pair = encode(clip, PROMPT)[0], encode(clip, "")[0]
        self.hint = canny(load_picture("girl with a pearl earring"), 100, 200, resolution=size).hint
        self.latent = {"samples": torch.zeros(1, 4, size // 8, size // 8)}
        self.calls = 0
        self.net.control_model.register_forward_pre_hook(self._count)

    def _count(self, *_: Any) -> None:
        self.calls += 1

    def stock(self, name: str) -> Any:
        return self.comfy.nodes.NODE_CLASS_MAPPINGS[name]()

    def applied(self, strength: float = 1.0, end: float = 1.0) -> Pair:
        return self.stock("ControlNetApplyAdvanced").apply_controlnet(
            *self.prompts, self.net, self.hint, strength, 0.0, end
        )

    def guided(self, **changed: Any) -> Pair:
        positive, negative = self.prompts
        inputs = {
            "positive": positive,
            "negative": negative,
            "control_net": self.net,
            "image": self.hint,
            "latent": self.latent,
            "strength": 1.0,
        }
        return self.comfy.call("SteerControlNetGuide", **GUIDE | inputs | changed)[:2]

    @torch.inference_mode()
    def sample(self, pair: Pair) -> tuple[torch.Tensor, float, int]:
        """The latent, milliseconds of each step, and calls of the control network."""
        self.calls, started = 0, time.perf_counter()
        result = self.stock("KSampler").sample(
            self.model, 1, self.steps, 5.0, "euler", "normal", *pair, self.latent, 1.0
        )[0]["samples"]
        return result, 1000 * (time.perf_counter() - started) / self.steps, self.calls


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py bench control", description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        bench = Bench(InProcessComfy(Path(folder)), options.size, options.steps)
        mask = torch.zeros(1, options.size, options.size)
        mask[:, :, : options.size // 2] = 1
        ways: dict[str, Callable[[], Pair]] = {
            "ControlNetApplyAdvanced": bench.applied,
            "Guide, balanced": bench.guided,
            "Guide, prompt": lambda: bench.guided(mode="prompt"),
            "Guide, mask": lambda: bench.guided(mask=mask),
            "Guide, strength 0": lambda: bench.guided(strength=0.0),
            "Guide, until half": lambda: bench.guided(end_percent=0.5),
            "ControlNetApplyAdvanced, until half": lambda: bench.applied(end=0.5),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        nodes: list[float] = []
        latents, calls = {}, {}
        for number in range(options.rounds + 1):
            names = list(ways) if number % 2 else list(reversed(ways))
            for name in names:
                started = time.perf_counter()
                pair = ways[name]()
                node = 1000 * (time.perf_counter() - started)
                latents[name], each, calls[name] = bench.sample(pair)
                if number:  # the first round warms up
                    times[name].append(each)
                    nodes += [node] if name == "Guide, balanced" else []
    stock = statistics.median(times["ControlNetApplyAdvanced"])
    setting = f"{options.size}x{options.size}, {options.steps} steps of euler, {torch.get_num_threads()} thread(s)"
    print(f"{setting}, median of {options.rounds} alternating rounds")
    print(f"{'':36s} ms/step   against stock   calls of the control network")
    for name, values in times.items():
        each = statistics.median(values)
        print(f"  {name:34s} {each:8.2f}   {each / stock:10.3f}x   {calls[name]:6d}")
    print(f"The node itself: {statistics.median(nodes):.1f} ms, once")
    pairs = [b / a for a, b in zip(times["ControlNetApplyAdvanced"], times["Guide, balanced"], strict=True)]
    ratio = statistics.median(pairs)
    least = min(times["Guide, balanced"]) / min(times["ControlNetApplyAdvanced"])
    same = torch.equal(latents["ControlNetApplyAdvanced"], latents["Guide, balanced"])
    half = calls["Guide, until half"] == calls["ControlNetApplyAdvanced, until half"] < options.steps
    none = calls["Guide, strength 0"] == 0
    print(f"Balanced: {ratio:.3f}x, median of the rounds' ratios (at most {LIMIT}x); {least:.3f}x by the best of each")
    print(
        f"Latents equal bit for bit: {_yes(same)}. No network runs at strength 0: {_yes(none)}; outside its range: "
        f"{_yes(half)}."
    )
    return 0 if same and half and none and ratio <= LIMIT else 1


def _yes(passed: bool) -> str:
    return "yes" if passed else "NO"
