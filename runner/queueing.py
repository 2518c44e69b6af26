"""`python run.py queue`: workflows as a batch on running ComfyUIs, their results in one folder."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from . import setup
from .answers import Progress, QueueError
from .batch import Batch
from .client import DEFAULT_PORT, PATIENCE_S, full_url
from .fleet import BatchWorker, Fleet, Servers
from .jobs import Job, make_jobs, names_of
from .needs import read_any
from .pack import part
from .remote import Made
from .results import claimed
from .scheduling import Ended, JobFailed, JobRefused, Pool, WorkerLost
from .sharing import beside
from .workflow import Setting, WorkflowError

ALL_DONE, SOMETHING_FAILED, NOT_STARTED = 0, 1, 2
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"

console = Console(highlight=False, soft_wrap=True, emoji=False)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python run.py queue", description="Run workflows on one or more running ComfyUIs and fetch the results. "
        "What the results folder holds already is not done again. Exit code "
        f"{ALL_DONE}: all is done, {SOMETHING_FAILED}: something failed, {NOT_STARTED}: nothing was begun."
    )  # fmt: skip
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a workflow, saved or exported (API)")
    parser.add_argument("--comfyui-url", action="append", default=[], metavar="URL", dest="urls",
                        help=f"a running ComfyUI (default: {DEFAULT_URL}); repeatable, each takes the next job when it "
                        "is free")  # fmt: skip
    parser.add_argument("--set", action="append", default=[], metavar="TITLE.widget=value", dest="settings",
                        help="change a widget first, e.g. --set KSampler.steps=30; repeatable")  # fmt: skip
    parser.add_argument(
        "--seeds", metavar="LIST", help="run each workflow once a seed, e.g. 1-8 or 42, 1000..1040(+10)"
    )
    parser.add_argument("--out", type=Path, default=Path("output") / "queue", metavar="DIR",
                        help="the results folder (default: output/queue)")  # fmt: skip
    parser.add_argument("--input", type=Path, action="append", default=[], metavar="DIR",
                        help="look for the input files here first, then beside the workflow; repeatable")  # fmt: skip
    parser.add_argument("--ray", nargs="?", const="local", metavar="ADDRESS", help="let Ray place ComfyUIs: on this "
                        "machine, or on the cluster at ADDRESS (auto: the one this machine belongs to)")  # fmt: skip
    parser.add_argument("--comfyui", type=Path, metavar="PATH", help="with --ray: the ComfyUI to start, in this place "
                        "on each machine (default: Steer's own)")  # fmt: skip
    parser.add_argument("--workers", type=int, metavar="N", help="with --ray: how many ComfyUIs (default: 1)")
    parser.add_argument("--gpus-per-worker", type=float, metavar="G",
                        help="with --ray: GPUs for each (default: 0, on the CPU)")  # fmt: skip
    parser.add_argument("--patience", type=float, default=PATIENCE_S, metavar="SECONDS",
                        help="how long a ComfyUI may give no answer before its job goes to another (default: "
                        f"{PATIENCE_S:g})")  # fmt: skip
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    options = parse(argv)
    try:
        settings = [Setting.parse(text) for text in options.settings]
        seeds = _seeds(options.seeds)
        sources = {
            name: (read_any(path), [*options.input, *beside(path)])
            for name, path in zip(names_of(options.files), options.files, strict=True)
        }
        fleet = _fleet(options)
        try:
            jobs = make_jobs(sources, fleet.object_info, seeds, settings)
            for line in fleet.check(jobs):
                console.print(line, markup=False)
            jobs = [job.with_models(fleet.models) for job in jobs] if fleet.models else jobs
            with claimed(options.out):
                batch = Batch(options.out)
                output_kinds = {kind for kind, node in fleet.object_info.items() if node.get("output_node")}
                batch.add(jobs, lambda job: _told(job, fleet.workers), output_kinds)
                return run_batch(batch, fleet.workers)
        finally:
            fleet.close()
    except (WorkflowError, QueueError, OSError) as error:
        console.print(f"Error: {error}", markup=False)
        return NOT_STARTED


def _fleet(options: argparse.Namespace) -> Fleet:
    if options.ray is None:
        named = [name for name in ("comfyui", "workers", "gpus_per_worker") if getattr(options, name) is not None]
        if named:
            told = ", ".join(f"--{name.replace('_', '-')}" for name in named)
            raise QueueError(
                f"{told}: this counts only with --ray, which starts ComfyUIs. Add --ray, or leave it out and name "
                "running ones with --comfyui-url URL."
            )
        return Servers(options.urls or [DEFAULT_URL], options.patience)
    from .cluster import RayFleet

    urls = list(dict.fromkeys(map(full_url, options.urls)))
    workers = options.workers if options.workers is not None else 0 if urls else 1
    gpus = options.gpus_per_worker or 0.0
    if workers < 0 or workers + len(urls) < 1:
        raise QueueError(f"--workers {workers}: there must be at least one, or a --comfyui-url.")
    if not 0 <= gpus < math.inf or (gpus > 1 and gpus != int(gpus)):
        raise QueueError(f"--gpus-per-worker {gpus:g}: write 0, a part of a GPU such as 0.5, or a whole number.")
    comfyui = (options.comfyui or setup.COMFYUI).resolve()
    if options.comfyui and options.ray == "local" and not (comfyui / "main.py").is_file():
        raise QueueError(f"--comfyui {comfyui}: this is not a ComfyUI folder (it has no main.py).")
    return RayFleet(
        options.ray, workers, gpus, urls, options.patience, comfyui, lambda line: console.print(line, markup=False)
    )


def _seeds(text: str | None) -> list[int]:
    if text is None:
        return []
    language = part("seeds.text")
    try:
        return list(language.parse_seeds(text))
    except language.TextError as error:
        raise WorkflowError(f"--seeds: {error}") from error


def _told(job: Job, workers: Sequence[BatchWorker]) -> Sequence[str]:
    """What the nodes of a job tell on the first worker that can run it. Raises QueueError."""
    reasons = []
    for worker in workers:
        try:
            return worker.run(job).texts
        except (JobFailed, JobRefused, WorkerLost) as error:
            reasons.append(str(error))
    raise QueueError("; ".join(dict.fromkeys(reasons)))


def run_batch(batch: Batch, workers: Sequence[BatchWorker]) -> int:
    """Do what has no result yet; returns the exit code."""
    for line in batch.lines():
        console.print(line, markup=False)
    with _Board(len(batch.todo), [worker.name for worker in workers]) as board:

        def end(ended: Ended[Job, Made]) -> None:
            board.tell(batch.end(ended))
            board.ended(ended.worker)

        def lost(worker: str, reason: str, gone: bool) -> None:
            board.tell(f"lost    {worker}{'' if gone else ' has lost its job'}: {reason}")

        for worker in workers:
            worker.on_progress = board.progress
        try:
            Pool(batch.todo, workers, end, lost).run()
        except BaseException as error:  # nothing shall go on that nobody fetches
            for worker in workers:
                worker.cancel()
            if not isinstance(error, OSError):  # such as Ctrl-C
                raise
            board.tell(f"stopped: {error}. Run the same command again, and it goes on from here.")
            return SOMETHING_FAILED
        finally:
            for line in batch.write_pages():
                board.tell(line)
    console.print(batch.summary(), markup=False)
    return SOMETHING_FAILED if batch.failed else ALL_DONE


class _Board:
    """Bars: one for all jobs, one a server."""

    def __init__(self, jobs: int, servers: Sequence[str]) -> None:
        self.bar = Bar(
            TextColumn("{task.description:32}", markup=False), BarColumn(24), MofNCompleteColumn(),
            TextColumn("{task.fields[what]}", markup=False), TimeElapsedColumn(), console=console, transient=True,
        )  # fmt: skip
        self.all = self.bar.add_task("all jobs", total=jobs, what="")
        self.tasks: dict[str, TaskID] = {url: self.bar.add_task(url, total=100, what="") for url in servers}

    def __enter__(self) -> _Board:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def tell(self, line: str) -> None:
        self.bar.console.print(line, markup=False)

    def progress(self, server: str, job: Job, progress: Progress) -> None:
        what = f"{job.name}: {progress.title}"
        self.bar.update(self.tasks[server], completed=int(100 * progress.share), what=what[:48])

    def ended(self, server: str) -> None:
        self.bar.advance(self.all)
        if server in self.tasks:
            self.bar.update(self.tasks[server], completed=0, what="")
