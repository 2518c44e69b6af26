"""`python run.py queue`: workflows as a batch on running ComfyUIs, their results in one folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from .answers import Progress, QueueError
from .batch import Batch
from .client import PATIENCE_S, ComfyClient, full_url
from .jobs import Job, make_jobs, names_of
from .needs import read_any
from .pack import part
from .remote import Made, ServerWorker
from .scheduling import Ended, JobFailed, JobRefused, Pool, WorkerLost
from .sharing import beside
from .workflow import Setting, WorkflowError

ALL_DONE, SOMETHING_FAILED, NOT_STARTED = 0, 1, 2
DEFAULT_URL = "http://127.0.0.1:8188"

console = Console(highlight=False, soft_wrap=True)


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
        clients, object_info = _connect(options.urls or [DEFAULT_URL], options.patience)
        batch = Batch(options.out)
        output_kinds = {kind for kind, node in object_info.items() if node.get("output_node")}
        batch.add(make_jobs(sources, object_info, seeds, settings), lambda job: _told(job, clients), output_kinds)
    except (WorkflowError, QueueError, OSError) as error:
        console.print(f"Error: {error}", markup=False)
        return NOT_STARTED
    return run_batch(batch, clients)


def _seeds(text: str | None) -> list[int]:
    if text is None:
        return []
    language = part("seeds.text")
    try:
        return list(language.parse_seeds(text))
    except language.SeedTextError as error:
        raise WorkflowError(f"--seeds: {error}") from error


def _connect(urls: Sequence[str], patience: float) -> tuple[list[ComfyClient], dict[str, Any]]:
    """The servers that answer, and the kinds of nodes that any of them has. Raises QueueError when none does."""
    clients, object_info = [], {}
    for url in dict.fromkeys(map(full_url, urls)):
        client = ComfyClient(url, patience=patience)
        try:
            object_info = client.get("/object_info") | object_info
            clients.append(client)
        except QueueError as error:
            console.print(f"Left out: {error}", markup=False)
    if not clients:
        raise QueueError("no ComfyUI answers. Start one, or name one that runs with --comfyui-url URL.")
    return clients, object_info


def _told(job: Job, clients: Sequence[ComfyClient]) -> Sequence[str]:
    """What the nodes of a job tell on the first server that can run it. Raises QueueError."""
    reasons = []
    for client in clients:
        try:
            return ServerWorker(client).run(job).texts
        except (JobFailed, JobRefused, WorkerLost) as error:
            reasons.append(str(error))
    raise QueueError("; ".join(dict.fromkeys(reasons)))


def run_batch(batch: Batch, clients: Sequence[ComfyClient]) -> int:
    """Do what has no result yet; returns the exit code."""
    for line in batch.lines():
        console.print(line, markup=False)
    with _Board(len(batch.todo), [client.url for client in clients]) as board:

        def end(ended: Ended[Job, Made]) -> None:
            board.tell(batch.end(ended))
            board.ended(ended.worker)

        def lost(worker: str, reason: str, gone: bool) -> None:
            board.tell(f"lost    {worker}{'' if gone else ' has lost its job'}: {reason}")

        workers = [ServerWorker(client, board.progress) for client in clients]
        try:
            Pool(batch.todo, workers, end, lost).run()
        except BaseException:  # Ctrl-C, a full disk: nothing shall go on that nobody fetches
            for worker in workers:
                worker.cancel()
            raise
        finally:
            batch.write_pages()
    console.print(batch.summary())
    return SOMETHING_FAILED if batch.failed else ALL_DONE


class _Board:
    """Bars: one for all jobs, one a server."""

    def __init__(self, jobs: int, servers: Sequence[str]) -> None:
        self.bar = Bar(
            TextColumn("{task.description:32}"), BarColumn(24), MofNCompleteColumn(), TextColumn("{task.fields[what]}"),
            TimeElapsedColumn(), console=console, transient=True,
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
