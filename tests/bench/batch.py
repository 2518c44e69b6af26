"""What a batch costs beside the work itself: 1,000 to 100,000 jobs that do nothing, over 64 workers that do nothing.

Scheduling alone, then with each result written to the results folder. No Ray, no ComfyUI: both add their own.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ...runner.batch.jobs import BatchJob
from ...runner.batch.pool import JobEnd, Pool
from ...runner.batch.results import Results

WORKERS = 64
SCHEDULED, WRITTEN = (1_000, 10_000, 100_000), (100, 1_000)


class Idle:
    def __init__(self, name: str) -> None:
        self.name = name

    def run(self, job: BatchJob) -> bytes:
        return b""


def jobs(count: int) -> Iterator[BatchJob]:
    for seed in range(count):
        yield BatchJob(f"job-{seed}", {"1": {"class_type": "KSampler", "inputs": {"seed": seed}}})


def measure(count: int, end: Callable[[JobEnd[BatchJob, bytes]], Any]) -> str:
    """A line with the time and memory of `count` jobs.

    Raises:
        AssertionError: not every job ended once.
    """
    ended = 0

    def count_and_end(one: JobEnd[BatchJob, bytes]) -> None:
        nonlocal ended
        ended += 1
        end(one)

    started = time.monotonic()
    Pool(jobs(count), [Idle(f"worker {i}") for i in range(WORKERS)], count_and_end).run()
    seconds = time.monotonic() - started
    assert ended == count
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))
    return (
        f"{count:>9,} jobs  {seconds:7.2f} s  {seconds / count * 1e6:8.1f} us a job  {megabytes:6.0f} MB at most so far"
    )


def main(argv: list[str]) -> int:
    print(f"Scheduling over {WORKERS} workers:")
    for count in SCHEDULED:
        print(measure(count, lambda ended: None), flush=True)
    print("The same, and each result written and flushed to the disk:")
    for count in WRITTEN:
        with tempfile.TemporaryDirectory() as folder:
            results = Results(Path(folder))
            print(
                measure(count, lambda ended, into=results: into.save(ended.job, "x", 0.0, [("a.png", b"1")])),
                flush=True,
            )
    return 0
