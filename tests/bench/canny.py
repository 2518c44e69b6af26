"""Speed of Canny against controlnet_aux's CannyDetector and bare cv2.Canny, side by side in one run.

Steer starts from an IMAGE (floats) and ends with one; the rivals are handed ready bytes and give bytes, so bare
cv2.Canny is what Steer would cost if its conversions were free. Same pictures, same thresholds, results compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from steer.preprocessors.canny import canny

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera", "coins", "brick", "hubble_deep_field")
SIZE, LOW, HIGH = 512, 100, 200
TARGET = 0.8  # of bare cv2.Canny's speed, one thread each

Method = Callable[[], object]


def pictures(count: int) -> NDArray[np.uint8]:
    """`count` pictures [512, 512, 3]: scikit-image's photographs, resized, then mirrored and turned."""
    import cv2
    from skimage import data

    batch = []
    for number in range(count):
        photo = getattr(data, PHOTOGRAPHS[number % len(PHOTOGRAPHS)])()
        photo = photo if photo.ndim == 3 else cv2.cvtColor(photo, cv2.COLOR_GRAY2RGB)
        photo = np.asarray(cv2.resize(photo, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
        turns, mirrored = divmod(number // len(PHOTOGRAPHS), 2)
        batch.append(np.rot90(photo[:, ::-1] if mirrored else photo, turns))
    return np.stack(batch)


def milliseconds(methods: dict[str, Method], rounds: int) -> dict[str, float]:
    """Median time of each method over alternating rounds, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    for number in range(rounds + 1):
        for name, method in methods.items():
            start = time.perf_counter()
            method()
            if number:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(each) for name, each in times.items()}


def same_results(batch: NDArray[np.uint8], images: torch.Tensor, detector: Callable[..., NDArray[np.uint8]]) -> bool:
    import cv2

    hints = canny(images, LOW, HIGH).hint.numpy()
    for picture, hint in zip(batch, hints, strict=True):
        bare = np.repeat(cv2.Canny(picture, LOW, HIGH)[..., None], 3, axis=-1)
        if not np.array_equal(hint * 255, bare) or not np.array_equal(detector(picture, LOW, HIGH), bare):
            return False
    return True


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py bench canny", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pictures", type=int, default=32)
    options = parser.parse_args(argv)

    import cv2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # controlnet_aux warns of its optional parts on import
        from controlnet_aux import CannyDetector

    detector = CannyDetector()
    batch = pictures(options.pictures)
    images = torch.from_numpy(batch.astype(np.float32) / 255.0)
    print(f"{len(batch)} pictures {SIZE}x{SIZE} (skimage.data: {', '.join(PHOTOGRAPHS)}), thresholds {LOW}/{HIGH},")
    print(f"OpenCV {cv2.__version__}, {os.cpu_count()} cores, median of {options.rounds} alternating rounds")
    if not same_results(batch, images, detector):
        print("FAILED: the results differ, so the times mean nothing.")
        return 1
    print("Results of all three are equal in every pixel.")

    def bare() -> object:
        return [cv2.Canny(picture, LOW, HIGH) for picture in batch]

    def controlnet_aux() -> object:
        return [detector(picture, LOW, HIGH) for picture in batch]

    def steer(workers: int, auto: bool = False) -> Method:
        return lambda: canny(images, LOW, HIGH, auto=auto, workers=workers)

    own_setting, torch_setting = cv2.getNumThreads(), torch.get_num_threads()
    torch.set_num_threads(1)
    one_thread: dict[str, float] = {}
    try:
        for threads in (1, 2):
            cv2.setNumThreads(threads)
            methods = {
                "bare cv2.Canny, bytes": bare,
                "controlnet_aux, bytes": controlnet_aux,
                "Steer, IMAGE": steer(threads),
                "Steer, IMAGE, auto": steer(threads, auto=True),
            }
            times = milliseconds(methods, options.rounds)
            one_thread = one_thread or times
            base = one_thread["bare cv2.Canny, bytes"]
            print(f"\n{threads} thread(s)              ms/picture   speed against bare cv2.Canny on 1 thread")
            for name, each in times.items():
                print(f"  {name:24s} {each / len(batch):8.3f}   {base / each:6.2f}x")
    finally:
        cv2.setNumThreads(own_setting)
        torch.set_num_threads(torch_setting)

    reached = one_thread["bare cv2.Canny, bytes"] / one_thread["Steer, IMAGE"]
    aux = one_thread["controlnet_aux, bytes"] / one_thread["Steer, IMAGE"]
    print(f"\nOne thread each: {reached:.2f}x bare cv2.Canny (target {TARGET}x), {aux:.2f}x controlnet_aux")
    return 0 if reached >= TARGET else 1
