"""Benchmark of the preprocessors against controlnet_aux, and against comfyui_controlnet_aux's way (load for each call).

    python run.py bench preprocess [--runs N] [--frames N]

The same pictures, the same weights, one process, in turns. M-LSD: the shipped weights in both networks. OpenPose
post-processing: the same synthetic heat maps and fields (the CMU weights may not be redistributed). Video: frames
one by one as the nodes take them, with the process's peak memory of each way after a quarter and after all (Linux).

The target ratios stand behind each line: M-LSD 1.5 against a loaded detector (1 while another program has one of the
cores) and 5 against loading for each call, OpenPose 4. Loading for each call is 5 times slower only where the network
runs faster than it loads, which is not so on a CPU. A MISS does not change the exit status: a ratio is a figure, not a
test.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from ...preprocessors.lines.draw import draw_lines
from ...preprocessors.lines.mlsd import find_mlsd_lines, load_mlsd
from ...preprocessors.lines.mlsd_net import MLSDNet
from ...preprocessors.networks.graph import load_graph
from ...preprocessors.networks.registry import REGISTRY, read_weights
from ...preprocessors.pose import openpose_decode
from ...preprocessors.pose.mediapipe import find_people, list_networks
from ..support.cmu_maps import STANDING
from .seeds import memory_mb, reset_peak

_EPSILON = 1e-5


def stock_state() -> dict[str, torch.Tensor]:
    """The shipped M-LSD weights under controlnet_aux's names: biases become those of identity BatchNorms."""
    from controlnet_aux.mlsd.models.mbv2_mlsd_large import MobileV2_MLSD_Large

    from ...preprocessors.lines.mlsd_net import name_of_layer

    tensors, _ = read_weights(REGISTRY["mlsd"])
    state = {key: value.clone() for key, value in MobileV2_MLSD_Large().state_dict().items()}
    for key, value in state.items():
        if not key.endswith(".weight") or value.ndim != 4:
            continue
        path = key.removesuffix(".weight")
        stem, _, last = path.rpartition(".")
        norm = f"{stem}.{int(last) + 1}" if last.isdigit() else ""
        state[key] = tensors[f"{name_of_layer(path)}.weight"]
        bias = tensors[f"{name_of_layer(path)}.bias"]
        if f"{norm}.running_var" in state:
            state[f"{norm}.running_mean"] = torch.zeros_like(bias)
            state[f"{norm}.running_var"] = torch.full_like(bias, 1 - _EPSILON)
            state[f"{norm}.weight"], state[f"{norm}.bias"] = torch.ones_like(bias), bias
            if f"{path}.bias" in state:
                state[f"{path}.bias"] = torch.zeros_like(bias)
        else:
            state[f"{path}.bias"] = bias
    return state


def timed(rivals: Sequence[tuple[str, Callable[[], object]]], runs: int) -> dict[str, float]:
    """Median seconds of each, after one warm-up, taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name, _ in rivals}
    for turn in range(runs + 1):
        for name, run in rivals:
            started = time.perf_counter()
            run()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def report(title: str, times: dict[str, float], targets: Sequence[float]) -> None:
    """Print the times. targets: the ratio that each rival should reach at least, in their order."""
    (own, ours), *rivals = times.items()
    print(f"{title}\n    {own:46} {ours * 1000:9.1f} ms")
    for (name, seconds), least in zip(rivals, targets, strict=True):
        verdict = "" if seconds >= least * ours else ", MISS"
        print(
            f"    {name:46} {seconds * 1000:9.1f} ms   {seconds / ours:6.2f} x (target {least:g}{verdict})", flush=True
        )


def bench_mlsd(runs: int) -> None:
    from controlnet_aux import MLSDdetector
    from skimage.data import astronaut

    picture = astronaut()
    net = load_mlsd()
    with tempfile.TemporaryDirectory() as folder:
        torch.save(stock_state(), Path(folder) / "mlsd_large_512_fp32.pth")
        loaded = MLSDdetector.from_pretrained(folder)

        def ours() -> object:
            lines = find_mlsd_lines(net, picture)
            return draw_lines(lines.segments, 512, 512)

        def each_call() -> object:
            return MLSDdetector.from_pretrained(folder)(picture, output_type="np")

        rivals = [
            ("Steer", ours),
            ("controlnet_aux, loaded", lambda: loaded(picture, output_type="np")),
            ("comfyui_controlnet_aux's way, load each call", each_call),
        ]
        default = torch.get_num_threads()
        for threads in dict.fromkeys((1, default)):
            torch.set_num_threads(threads)
            title = f"M-LSD, 512x512, picture to hint, threads: {threads}"
            report(title, timed(rivals, runs), (1.5, 5))
            with one_core_taken():
                report(f"{title}, one core taken by another program", timed(rivals[:2], runs), (1,))
        torch.set_num_threads(default)


@contextmanager
def one_core_taken() -> Iterator[None]:
    """Another program that works without a pause."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        other.kill()
        other.wait()


def figures(height: int, width: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Heat maps and fields of `count` standing figures, as the network's output for a picture of this size."""
    rng = np.random.default_rng(0)
    heat = rng.uniform(0, 0.03, (height, width, 19)).astype(np.float32)
    fields = rng.normal(0, 0.01, (height, width, 38)).astype(np.float32)
    yy, xx = np.mgrid[:height, :width]
    for number in range(count):
        at = STANDING * height / 160 + [width * (number + 1) / (count + 1), height / 2]
        for part, (x, y) in enumerate(at):
            heat[..., part] = np.maximum(heat[..., part], 0.9 * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / 1.5))
        for (a, b), channels in zip(openpose_decode.LIMBS, openpose_decode.FIELDS, strict=True):
            along = at[b] - at[a]
            length = float(np.hypot(*along))
            unit = along / length
            t = (xx - at[a, 0]) * unit[0] + (yy - at[a, 1]) * unit[1]
            off = np.abs((xx - at[a, 0]) * unit[1] - (yy - at[a, 1]) * unit[0])
            for channel, value in zip(channels, unit, strict=True):
                fields[..., channel][(t > -0.5) & (t < length + 0.5) & (off < 1)] = value * 0.9
    return heat, fields


def bench_openpose(side: int, runs: int) -> None:
    from controlnet_aux.open_pose.body import Body

    cut = int(side * (0.5 * 368 / side))
    cells = -(-cut // 8)
    heat, fields = figures(cells, cells, 3)
    answer = tuple(torch.from_numpy(m.transpose(2, 0, 1).copy())[None] for m in (fields, heat))
    blank = np.zeros((side, side, 3), np.uint8)

    class Answer(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return answer

    estimate = Body.__new__(Body)
    estimate.model = Answer(1, 1)
    rivals = [
        ("Steer", lambda: openpose_decode.find_people(heat, fields, (side, side), (cut, cut))),
        ("controlnet_aux", lambda: estimate(blank)),
    ]
    report(f"OpenPose post-processing, {side}x{side}, 3 people", timed(rivals, runs), (4,))


def bench_video(frames: int) -> None:
    from skimage.data import astronaut

    picture = astronaut()
    shifted = [np.roll(picture, 4 * number, axis=1) for number in range(8)]
    net: MLSDNet = load_mlsd()
    networks = {name: load_graph(name) for name in list_networks(True, True)}
    ways: tuple[tuple[str, Callable[[np.ndarray], object]], ...] = (
        ("M-LSD", lambda frame: draw_lines(find_mlsd_lines(net, frame).segments, 512, 512)),
        ("OpenPose, body", lambda frame: find_people(networks, frame)),
        ("OpenPose, body, hands and face", lambda frame: find_people(networks, frame, hands=True, face=True)),
    )
    for name, run in ways:
        peaks = []
        reset_peak(os.getpid())
        started = time.perf_counter()
        for number in range(frames):
            run(shifted[number % len(shifted)])
            if number + 1 in (frames // 4, frames):
                peaks.append(memory_mb(os.getpid(), "VmHWM"))
        rate = frames / (time.perf_counter() - started)
        print(
            f"    {name:34} {rate:6.2f} frames/s   peak {peaks[0]:.0f} MB after {frames // 4}, {peaks[-1]:.0f} MB "
            f"after {frames}"
        )


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="run.py bench preprocess", description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--frames", type=int, default=120)
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")  # those of controlnet_aux's many imports
    print(
        f"{os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads, Python "
        f"{sys.version.split()[0]}"
    )
    bench_mlsd(arguments.runs)
    for side in (512, 1024):
        bench_openpose(side, arguments.runs)
    print(f"Video, {arguments.frames} frames of 512x512")
    bench_video(arguments.frames)
    return 0
