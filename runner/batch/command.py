"""`python run.py queue`: workflows as a batch on running ComfyUIs, their results in one folder."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from ...nodes.seeds.text import parse_seeds
from ...nodes.text.error import TextError
from .. import setup
from ..comfyui.address import DEFAULT_URL, full_url
from ..comfyui.messages import Progress, QueueError
from ..console import PlainConsole
from ..files import names_of
from ..workflow.needs import folders_beside
from ..workflow.prompt import WorkflowError
from ..workflow.reading import read_workflow
from ..workflow.settings import Setting
from .jobs import BatchJob, JobOutput, make_jobs
from .options import ALL_DONE, NOT_STARTED, SOMETHING_FAILED
from .pool import JobEnd, JobFailed, JobRefused, Pool, WorkerLost
from .results import Batch, claim_folder
from .servers import BatchWorker, Fleet, Servers

console = PlainConsole(highlight=False, soft_wrap=True, emoji=False)


def run(options: argparse.Namespace) -> int:
    """Run the files as a batch; returns the exit code."""
    try:
        settings = [Setting.parse(text) for text in options.settings]
        seeds = _seeds(options.seeds)
        sources = {
            name: (read_workflow(path), [*options.input, *folders_beside(path)])
            for name, path in zip(names_of(options.files), options.files, strict=True)
        }
        fleet = _fleet(options)
        try:
            jobs = make_jobs(
                sources, fleet.object_info, seeds, settings, lambda line: console.print(line, markup=False)
            )
            for line in fleet.check(jobs):
                console.print(line, markup=False)
            jobs = [job.with_models(fleet.models) for job in jobs] if fleet.models else jobs
            with claim_folder(options.out):
                batch = Batch(options.out)
                output_kinds = {kind for kind, node in fleet.object_info.items() if node.get("output_node")}
                batch.add(jobs, lambda job: _ask_plan(job, fleet.workers), output_kinds)
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
            names = ", ".join(f"--{name.replace('_', '-')}" for name in named)
            raise QueueError(
                f"{names}: this counts only with --ray, which starts ComfyUIs. Add --ray, or leave it out and name "
                "running ones with --comfyui-url URL."
            )
        return Servers(options.urls or [DEFAULT_URL], options.patience)
    from .on_ray.fleet import RayFleet

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
    try:
        return list(parse_seeds(text))
    except TextError as error:
        raise WorkflowError(f"--seeds: {error}") from error


def _ask_plan(job: BatchJob, workers: Sequence[BatchWorker]) -> Sequence[str]:
    """The texts of a job's nodes, from the first worker that can run it.

    Raises:
        QueueError: none can.
    """
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

        def end(ended: JobEnd[BatchJob, JobOutput]) -> None:
            board.print(batch.end(ended))
            board.advance(ended.worker)

        def lost(worker: str, reason: str, gone: bool) -> None:
            board.print(f"lost    {worker}{'' if gone else ' has lost its job'}: {reason}")

        for worker in workers:
            worker.on_progress = board.progress
        try:
            Pool(batch.todo, workers, end, lost).run()
        except BaseException as error:  # nothing goes on that is never fetched
            for worker in workers:
                worker.cancel()
            if not isinstance(error, OSError):  # such as Ctrl-C
                raise
            board.print(f"stopped: {error}. Run the same command again, and it goes on from here.")
            return SOMETHING_FAILED
        finally:
            for line in batch.write_pages():
                board.print(line)
    console.print(batch.summary(), markup=False)
    return SOMETHING_FAILED if batch.failed else ALL_DONE


class _Board:
    """Bars: one for all jobs, one a server."""

    def __init__(self, jobs: int, servers: Sequence[str]) -> None:
        self.bar = Bar(
            TextColumn("{task.description:32}", markup=False),
            BarColumn(24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[what]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self.all = self.bar.add_task("all jobs", total=jobs, what="")
        self.tasks: dict[str, TaskID] = {url: self.bar.add_task(url, total=100, what="") for url in servers}

    def __enter__(self) -> _Board:
        self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.bar.stop()

    def print(self, line: str) -> None:
        self.bar.console.print(line, markup=False)

    def progress(self, server: str, job: BatchJob, progress: Progress) -> None:
        what = f"{job.name}: {progress.title}"
        self.bar.update(self.tasks[server], completed=int(100 * progress.share), what=what[:48])

    def advance(self, server: str) -> None:
        self.bar.advance(self.all)
        if server in self.tasks:
            self.bar.update(self.tasks[server], completed=0, what="")
