"""ComfyUIs on the machines of a Ray cluster as the workers of a batch. The only part of Steer that knows Ray.

Ray places the workers, tells when one is lost, and starts it again; each worker is a ComfyUI of its own, from the same
set-up at the same path on its machine, or one that runs already and is named by its URL.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import setup
from .answers import Progress, QueueError
from .cluster_worker import ComfyWorker, Identity, WorkerSetup, identity_of
from .fleet import OnProgress
from .jobs import Job
from .needs import model_needs
from .remote import Made
from .scheduling import JobFailed, JobRefused, WorkerLost
from .server import python_of

INSTALL = f"{sys.executable} -m pip install ray"
LOCAL = "local"  # a Ray of its own on this machine
MAX_RESTARTS = 3  # of a worker that died
START_S = 600.0
STOP_S = 30.0
A_LITTLE = 0.01  # of a core: Ray spreads only what asks for something, and a machine may hold more workers than cores


class RayWorker:
    """A worker on the cluster, as the pool sees it."""

    def __init__(self, ray: Any, actor: Any, name: str) -> None:
        self._ray, self._actor, self.name = ray, actor, name
        self.on_progress: OnProgress = lambda name, job, progress: None

    def ask(self, method: str, *arguments: Any) -> Any:
        """Raises QueueError when the worker cannot be started or does not answer."""
        try:
            return self._ray.get(getattr(self._actor, method).remote(*arguments), timeout=START_S)
        except (self._ray.exceptions.RayError, TimeoutError) as error:
            raise QueueError(f"{self.name} could not be started: {_last_line(error)}") from error

    def run(self, job: Job) -> Made:
        """Raises JobFailed, JobRefused or WorkerLost."""
        try:
            contents = {file.sha256: file.path.read_bytes() for file in job.files}
        except OSError as error:
            raise JobFailed(str(error)) from error
        answer = self._actor.run.remote(job, contents)
        try:
            while not self._ray.wait([answer], timeout=1.0)[0]:
                told = self._ray.get(self._actor.progress.remote(), timeout=START_S)
                if isinstance(told, Progress):
                    self.on_progress(self.name, job, told)
            word, *rest = self._ray.get(answer)
        except (self._ray.exceptions.RayError, TimeoutError) as error:
            raise WorkerLost(f"Ray lost it: {_last_line(error)}", gone=False, recover=self._is_back) from error
        if word == "failed":
            raise JobFailed(rest[0])
        if word == "refused":
            raise JobRefused(f"{self.name}: {rest[0]}")
        if word == "lost":
            raise WorkerLost(rest[0], gone=False, recover=self._restarted if rest[1] else lambda: True)
        return rest[0]

    def cancel(self) -> None:
        self._actor.cancel.remote()

    def stop(self) -> Any:
        """Begin to end its ComfyUI; what to wait for."""
        return self._actor.stop.remote()

    def _is_back(self) -> bool:
        """Wait until Ray has started it again; False when it does not."""
        limit = time.monotonic() + START_S
        while time.monotonic() < limit and self._ray.is_initialized():
            try:
                self._ray.get(self._actor.progress.remote(), timeout=START_S)
                return True
            except self._ray.exceptions.ActorDiedError:
                return False
            except (self._ray.exceptions.RayError, TimeoutError):
                time.sleep(1.0)
        return False

    def _restarted(self) -> bool:
        """Have it start its ComfyUI anew."""
        try:
            return bool(self._ray.get(self._actor.restart.remote(), timeout=START_S))
        except (self._ray.exceptions.RayError, TimeoutError):
            return self._is_back()


class RayFleet:
    """`workers` ComfyUIs on the cluster at `address`, and one for each of `urls`. Raises QueueError."""

    def __init__(
        self, address: str, workers: int, gpus: float, urls: Sequence[str], patience: float, comfyui: Path
    ) -> None:
        try:
            import ray  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise QueueError(f"Ray is not installed. Install it with: {INSTALL}") from error
        self._ray: Any = ray
        environment = {"PYTHONPATH": str(setup.ROOT), "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
        try:
            ray.init(
                address=address, log_to_driver=False, configure_logging=False, runtime_env={"env_vars": environment}
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise QueueError(f"--ray {address}: {_last_line(error)}") from error
        python = setup.PYTHON if comfyui == setup.COMFYUI else python_of(comfyui)
        own = WorkerSetup(str(setup.ROOT), str(comfyui), str(python), patience=patience, gpus=gpus)
        setups = [own] * workers + [WorkerSetup(own.root, "", "", url, patience) for url in urls]
        actor = ray.remote(ComfyWorker)
        self.workers = [
            RayWorker(ray, actor.options(
                num_cpus=A_LITTLE, num_gpus=0 if each.url else gpus, max_restarts=MAX_RESTARTS, max_concurrency=4,
                scheduling_strategy="SPREAD",
            ).remote(each), each.url or f"worker {number}")
            for number, each in enumerate(setups, start=1)
        ]  # fmt: skip
        self.started = self.workers
        self.left_out: list[str] = []
        self.object_info = self._object_info()

    def _object_info(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        up = []
        for worker in self.workers:
            try:
                found = worker.ask("object_info") | found
                up.append(worker)
            except QueueError as error:
                self.left_out.append(f"Left out: {error}")
        self.workers = up
        if not up:
            self.close()
            raise QueueError(" ".join(self.left_out))
        return found

    def check(self, jobs: Sequence[Job]) -> Iterator[str]:
        """Leave out the workers of another Steer or with another file under the name of a model."""
        yield from self.left_out
        models = sorted({need.name for job in jobs for need in model_needs(job.prompt)})
        found: dict[str, Identity] = {worker.name: worker.ask("identity", models) for worker in self.workers}
        ours = identity_of(str(setup.ROOT))
        faults = {name: differences(found, name, ours) for name in found}
        for worker in self.workers:
            if faults[worker.name]:
                yield f"Left out: {worker.name} {'; '.join(faults[worker.name])}."
            elif found[worker.name].steer is None:
                yield f"Note: which Steer and which models {worker.name} has cannot be seen from outside."
        self.workers = [worker for worker in self.workers if not faults[worker.name]]
        if not self.workers:
            raise QueueError("no worker has the right Steer and models.")

    def close(self) -> None:
        """End the workers; one that does not listen is ended by Ray."""
        stopping = [worker.stop() for worker in self.started]
        if stopping:
            self._ray.wait(stopping, num_returns=len(stopping), timeout=STOP_S)
        self._ray.shutdown()


def differences(found: dict[str, Identity], name: str, ours: Identity) -> list[str]:
    """In what the worker `name` differs: from `ours` in Steer, from most of the others in a model."""
    mine = found[name]
    if mine.steer is None:
        return []
    faults = []
    if mine.steer != ours.steer:
        faults.append(f"has Steer {mine.steer}, this is {ours.steer}")
    if mine.weights != ours.weights:
        faults.append("has other weights of Steer")
    for model, sha256 in mine.models.items():
        known = Counter(one.models[model] for one in found.values() if one.models.get(model))
        usual = max(known, key=lambda each: (known[each], each)) if known else ""
        if not sha256 and usual:
            faults.append(f"lacks {model}")
        elif sha256 != usual:
            faults.append(f"has another {model} than most (sha256 {sha256[:10]}, not {usual[:10]})")
    return faults


def _last_line(error: BaseException) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).strip()[:300]
