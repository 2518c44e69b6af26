"""A job on a server that answers oddly: it is done rightly, or ends with a plain reason, in time."""

from __future__ import annotations

import threading
import time
import traceback
from pathlib import Path

from steer.files import sha256_of
from steer.nodes.text.printable import is_printable
from steer.runner.batch.jobs import BatchJob, JobFile, JobOutput
from steer.runner.batch.pool import JobFailed, JobRefused, WorkerLost
from steer.runner.batch.servers import ServerWorker
from steer.runner.comfyui.client import ComfyClient
from steer.runner.comfyui.inventory import RunningComfy
from steer.runner.comfyui.messages import QueueError
from steer.runner.workflow.needs import FileNeed

from .odd import odd_server
from .server import PICTURE, PROMPT, HostileServer
from .tally import SLOW_S, Tally

PATIENCE_S = 1.0


def small_job(folder: Path) -> BatchJob:
    """A job that sends a file, and whose prompt makes a picture."""
    path = folder / "a.png"
    if not path.exists():
        path.write_bytes(PICTURE)
    return BatchJob("job", PROMPT, None, (JobFile(FileNeed("1", "width", "a.png"), path, sha256_of(path)),))


def run_on(server: HostileServer, job: BatchJob, patience: float = PATIENCE_S) -> JobOutput | str:
    """What the job gave, or the plain reason why it gave nothing. Anything else that is raised comes out."""
    try:
        worker = ServerWorker(RunningComfy(ComfyClient(server.url, patience=patience)).client)
        return worker.run(job)
    except (JobFailed, JobRefused, WorkerLost, QueueError) as error:
        return str(error)


def try_servers(folder: Path, numbers: range, seed: int, threads: int = 20) -> Tally:
    """A job on each of the odd servers with these numbers, several at once: most of the time is waiting."""
    tried, job, lock = Tally(), small_job(folder), threading.Lock()
    left = iter(numbers)

    def work() -> None:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            one = _try_server(seed, number, job)
            with lock:
                tried.add(one)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return tried


def _try_server(seed: int, number: int, job: BatchJob) -> Tally:
    name, server = odd_server(seed, number)
    began = time.monotonic()
    result: JobOutput | str = ""
    fault = ""
    with server:
        try:
            result = run_on(server, job)
        except BaseException:  # noqa: BLE001 - that is what is looked for
            fault = traceback.format_exc(limit=-3)
    seconds = time.monotonic() - began
    done = isinstance(result, JobOutput)
    if fault:
        pass
    elif seconds > SLOW_S:
        fault = f"it took {seconds:.0f} s"
    elif isinstance(result, JobOutput):
        wrong = [file for file, content in result.files if content != PICTURE]
        fault = f"done with other content: {', '.join(wrong)}" if wrong else ""
    elif not result.strip() or not is_printable(result) or "Error:" in result or "object at 0x" in result:
        fault = f"no plain reason: {result[:200]!r}"
    return Tally(1, done, not done, seconds, 0.0, [f"{number} ({name}): {fault}"] if fault else [])
