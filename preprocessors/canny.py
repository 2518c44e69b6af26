"""Canny edges of a batch of pictures: the same bits as `cv2.Canny` on RGB bytes, with optional automatic thresholds.

Canny, "A Computational Approach to Edge Detection" (1986), as OpenCV implements it: Sobel 3x3, gradient size
|dx| + |dy|, no blur. cv2 is imported at first use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from .choices import MAX_GRADIENT
from .pictures import Bytes, Floats, Size, check_pictures, fit_pixels, place, resize, to_bytes
from .report import number_lines

Thresholds: TypeAlias = tuple[int, int]

MAX_WORKERS = 8  # bounds the scratch memory
_MEDIANS, _MOST_BELOW_OTSU = 8, 3  # chosen by eye, on photographs and on drawings
_LEAST_HIGH = 20  # a step of 5 of 255 grey levels: below lie grain and smooth slopes


@dataclass(frozen=True)
class CannyHints:
    """hint: float32 [B, H, W, 3] of 0 and 1. thresholds: (low, high) of each picture."""

    hint: torch.Tensor
    thresholds: list[Thresholds]


def canny(
    images: torch.Tensor,
    low: int = 100,
    high: int = 200,
    *,
    auto: bool = False,
    resolution: int = 0,
    target: Size | None = None,
    fit: str = "crop",
    workers: int | None = None,
    on_frame: Callable[[], None] | None = None,
) -> CannyHints:
    """White edges on black for each picture, equal to `cv2.Canny(rgb_bytes, low, high)` in every pixel.

    images: float [B, H, W, C] in 0..1; C = 1 (grey), 3 (RGB) or 4 (RGBA, laid on white as controlnet_aux does).
    low, high: thresholds of the gradient size, 0..1530. auto: choose them per picture (`choose_thresholds`).
    resolution: length of the short side in pixels to resize to first; 0 keeps the size.
    target: (height, width) of the hint, in the place of resolution; `fit` (pictures.fit_pixels) brings pictures of
    another shape onto it before the edges are found.
    workers: threads, by default one per core. on_frame: called in this thread after each picture; may raise to stop.

    Raises:
        ValueError: an input cannot be used; the message names it and the remedy.
    """
    check_pictures(images)
    if not auto and low > high:
        raise ValueError(
            f"low_threshold: {low} is above high_threshold {high}. Lower the first, raise the second or turn on auto."
        )
    frames = images.detach().to("cpu", torch.float32).numpy()
    count, height, width = frames.shape[:3]
    canvas = place((height, width), resolution, target, fit).size
    where = fit_pixels((height, width), canvas, fit if target else "stretch")
    size = where.inner
    allocate = np.empty if size == canvas else np.zeros
    hint = allocate((count, *canvas, 3), np.float32)  # numpy, not torch: its large arrays lie on huge pages

    threads = min(count, workers or min(os.cpu_count() or 1, MAX_WORKERS))
    scratch: SimpleQueue[_Scratch] = SimpleQueue()
    for _ in range(threads):
        scratch.put(_Scratch(size))

    def run(index: int) -> Thresholds:
        own = scratch.get()
        try:
            picture = resize(to_bytes(frames[index][where.rows, where.columns], index), size)
            own.load(picture)
            used = choose_thresholds(own.norm) if auto else (low, high)
            own.write_edges(used, hint[index][where.on_canvas])
            return used
        finally:
            scratch.put(own)

    used: list[Thresholds] = []
    for thresholds in _in_order(run, count, threads):
        used.append(thresholds)
        if on_frame is not None:
            on_frame()
    return CannyHints(torch.from_numpy(hint), used)


def _in_order(run: Callable[[int], Thresholds], count: int, workers: int) -> Iterator[Thresholds]:
    """`run(0)`, `run(1)`, ... computed by threads: cv2 and numpy release the GIL. An exception drops the rest."""
    if workers == 1:
        yield from map(run, range(count))
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="canny")
    try:
        for future in [pool.submit(run, index) for index in range(count)]:
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _Scratch:
    """One thread's working arrays for pictures of one size.

    They are kept from picture to picture: page faults on fresh ones would cost more than the arithmetic.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.dx, self.dy, self.norm, self._dx, self._dy, self._norm, self._size = np.zeros((7, *size), np.int16)
        *self._channels, self._mask = np.zeros((4, *size), np.uint8)
        self._ones = np.zeros(size, np.float32)

    def load(self, picture: Bytes) -> None:
        """Sets dx, dy and norm = |dx| + |dy|: in each pixel those of the channel with the largest norm.

        That is how cv2.Canny reads a colour picture (on a tie the first channel wins). It does so pixel by pixel;
        whole arrays at a time are about twice as fast.
        """
        import cv2

        if picture.ndim == 2:
            self._gradient(picture, self.dx, self.dy, self.norm)
            return
        cv2.split(picture, self._channels)
        self._gradient(self._channels[0], self.dx, self.dy, self.norm)
        for channel in self._channels[1:]:
            self._gradient(channel, self._dx, self._dy, self._norm)
            cv2.compare(self._norm, self.norm, cv2.CMP_GT, dst=self._mask)
            cv2.copyTo(self._dx, self._mask, dst=self.dx)
            cv2.copyTo(self._dy, self._mask, dst=self.dy)
            np.maximum(self.norm, self._norm, out=self.norm)

    def _gradient(self, channel: Bytes, dx: NDArray[np.int16], dy: NDArray[np.int16], norm: NDArray[np.int16]) -> None:
        import cv2

        cv2.spatialGradient(channel, dx=dx, dy=dy, ksize=3, borderType=cv2.BORDER_REPLICATE)
        np.abs(dx, out=norm)
        np.add(norm, np.abs(dy, out=self._size), out=norm)

    def write_edges(self, thresholds: Thresholds, out: Floats) -> None:
        """Thins and thresholds the loaded gradient with cv2.Canny; writes 0 and 1 to `out` [H, W, 3]."""
        import cv2

        cv2.Canny(self.dx, self.dy, *thresholds, edges=self._mask)
        np.copyto(self._ones, self._mask & 1)  # 255 -> 1.0
        cv2.merge((self._ones, self._ones, self._ones), dst=out)


def choose_thresholds(norm: NDArray[np.int16]) -> Thresholds:
    """(low, high) for a picture whose gradient sizes |dx| + |dy| are `norm` [H, W], 0..1530.

    Otsu's threshold of the gradient sizes is a strict high: it follows contrast and stands above noise, but drops the
    faint lines of drawings. Where little lies between the edges, faint ones are meant: there high is a few times the
    median size. It is never under a share of Otsu's, nor under the least. low is half of high, within the ratios that
    Canny (1986) advises.
    """
    counts = np.bincount(norm.ravel(), minlength=MAX_GRADIENT + 1)
    median = int(np.searchsorted(np.cumsum(counts), norm.size / 2))
    strict = find_otsu_threshold(counts)
    high = max(_LEAST_HIGH, min(strict, max(strict // _MOST_BELOW_OTSU, _MEDIANS * median)))
    return high // 2, high


def find_otsu_threshold(counts: NDArray[np.intp]) -> int:
    """The value that best parts a histogram in two: largest variance between "at most it" and "above it".

    Otsu, "A Threshold Selection Method from Gray-Level Histograms" (1979): (mu_total w - mu)^2 / (w (1 - w)).
    0 if the histogram has a single value.
    """
    share = counts / counts.sum()
    below = np.cumsum(share)
    mean = np.cumsum(share * np.arange(len(share)))
    parts = below * (1 - below)
    between = np.divide((mean[-1] * below - mean) ** 2, parts, out=np.zeros_like(parts), where=parts > 1e-12)
    return int(np.argmax(between))


def describe_thresholds(thresholds: Sequence[Thresholds | None]) -> str:
    """`low 100, high 200`, or one such line per picture if they differ. None: not used."""
    return number_lines(["none" if one is None else f"low {one[0]}, high {one[1]}" for one in thresholds])
