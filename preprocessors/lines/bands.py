"""A network's work on a map, band by band: in memory that a processor's cache holds, and a band for each thread.

torch splits each call over its threads and waits for the slowest after each, some thousand times for one picture of
M-LSD. Where another program has one of the processor's cores, each of these waits lasts until that core is free. Here
a thread takes a whole band, works on it alone, and takes the next: a slow one takes fewer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch

_BAND = 1 << 23  # bytes of 128 channels
_FEWEST_ROWS = 16
_FEWEST_PIXELS = 8192  # of a band for a thread: less is not worth the call
_EACH = 2  # bands for each thread, so that none waits long for the last

Band = tuple[int, int, int, int]


def run_in_bands(x: torch.Tensor, shared: int, compute: Callable[[int, int, int, int], None]) -> None:
    """Call compute(top, bottom, first, last) for bands of rows that cover x [B, C, H, W].

    first, last: `shared` rows further out than top and bottom, as far as there are any. On a CPU the bands are worked
    on by torch's number of threads at once; elsewhere, and where gradients may be asked for, one after the other.
    """
    threads = torch.get_num_threads() if x.device.type == "cpu" and torch.is_inference_mode_enabled() else 1
    bands = list(_bands(x, shared, threads))
    if threads == 1 or len(bands) == 1:
        for band in bands:
            compute(*band)
        return

    def work(band: Band) -> None:
        with torch.inference_mode():  # each thread has a mode of its own
            compute(*band)

    list(_pool(threads).map(work, bands))


def _bands(x: torch.Tensor, shared: int, threads: int) -> Iterator[Band]:
    """Bands for so many threads. Only on a CPU there are several: memory for whole maps of many channels would be
    allocated each time, which takes longer than to compute the few shared rows twice.
    """
    height, width = x.shape[2:]
    rows = max(_FEWEST_ROWS, _BAND // (128 * 4 * width * len(x))) if x.device.type == "cpu" else height
    if threads > 1:
        rows = min(rows, max(-(-_FEWEST_PIXELS // width), -(-height // (_EACH * threads))))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        yield top, bottom, max(0, top - shared), min(height, bottom + shared)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads in each of which torch works alone."""
    pool = ThreadPoolExecutor(threads, "steer-bands", _work_alone)
    all_there = threading.Barrier(threads)
    list(pool.map(lambda _: all_there.wait(), range(threads)))
    torch.set_num_threads(threads)  # what was set last is also what threads begin with that come later
    return pool


def _work_alone() -> None:
    torch.get_num_threads()  # the first question sets a thread's number, so it comes before
    torch.set_num_threads(1)
