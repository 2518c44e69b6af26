"""A job on a server that answers oddly: it is done rightly, or ends with a plain reason, in time."""

from __future__ import annotations

import time
import traceback
from pathlib import Path

from hostile_server import PICTURE, PROMPT, HostileServer, odd_server
from steer.files import sha256_of
from steer.nodes.text.printable import is_printable
from steer.runner.batch.jobs import BatchJob, JobFile, JobOutput
from steer.runner.batch.pool import JobFailed, JobRefused, WorkerLost
from steer.runner.batch.servers import ServerWorker
from steer.runner.comfyui.client import ComfyClient
from steer.runner.comfyui.inventory import RunningComfy
from steer.runner.comfyui.messages import QueueError
from steer.runner.workflow.needs import FileNeed

PATIENCE_S, LIMIT_S = 1.0, 20.0


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


def try_server(seed: int, number: int, job: BatchJob) -> tuple[bool, float, str]:
    """Whether the job was done on the odd server with this number, the seconds, and what was wrong; empty: nothing."""
    name, server = odd_server(seed, number)
    began = time.monotonic()
    with server:
        try:
            result = run_on(server, job)
        except Exception:  # noqa: BLE001 - that is what is looked for
            return False, time.monotonic() - began, f"{number} ({name}): {traceback.format_exc(limit=-3)}"
    seconds = time.monotonic() - began
    fault = ""
    if seconds > LIMIT_S:
        fault = f"it took {seconds:.0f} s"
    elif isinstance(result, JobOutput):
        wrong = [file for file, content in result.files if content != PICTURE]
        fault = f"done with other content: {', '.join(wrong)}" if wrong else ""
    elif not result.strip() or not is_printable(result) or "Error:" in result or "object at 0x" in result:
        fault = f"no plain reason: {result[:200]!r}"
    return isinstance(result, JobOutput), seconds, fault and f"{number} ({name}): {fault}"
