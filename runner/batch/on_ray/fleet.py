"""ComfyUIs on the machines of a Ray cluster as the workers of a batch. The only part of Steer that knows Ray.

Ray places the workers, reports when one is lost, and starts it again. Each worker is a ComfyUI of its own, from the
same set-up at the same path on its machine. ComfyUIs that run already, named by their URL, work beside them from here.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....nodes.identity import ROUTE
from ... import setup
from ...comfyui.client import ComfyClient
from ...comfyui.messages import BadAnswer, Progress, QueueError, ServerLost
from ...engine import python_of
from ...workflow.needs import model_needs
from ..jobs import BatchJob, JobOutput
from ..pool import JobFailed, JobRefused, WorkerLost
from ..servers import BatchWorker, OnProgress, Servers
from .worker import ComfyWorker, Identity, WorkerSetup, identity_of

INSTALL = f'{sys.executable} -m pip install "ray[default]"'
LOCAL = "local"  # a Ray of its own on this machine
MAX_RESTARTS = 3  # of a worker that died
START_S = 600.0
REPORT_S = 30.0  # how often it is said which workers are waited for
STOP_S = 30.0
A_LITTLE = 0.01  # of a core: Ray spreads only what asks for something, and a machine may hold more workers than cores


class RayWorker:
    """A worker on the cluster, as the pool sees it. expected: what it must be when it has been started again."""

    def __init__(self, ray: Any, actor: Any, name: str) -> None:
        self._ray, self.actor, self.name = ray, actor, name
        self.on_progress: OnProgress = lambda name, job, progress: None
        self.expected: Identity | None = None

    def run(self, job: BatchJob) -> JobOutput:
        """Run a job to its end and get its files.

        Raises:
            JobRefused: the worker does not take it; another may.
            JobFailed: it did not work there.
            WorkerLost: the worker is gone, or has lost the job.
        """
        try:
            contents = {file.sha256: file.path.read_bytes() for file in job.files}
        except OSError as error:
            raise JobFailed(str(error)) from error
        answer = self.actor.run.remote(job, contents)
        try:
            while not self._ray.wait([answer], timeout=1.0)[0]:
                progress = self._ray.get(self.actor.progress.remote(), timeout=START_S)
                if isinstance(progress, Progress):
                    self.on_progress(self.name, job, progress)
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
        """End what runs now."""
        self.actor.cancel.remote()

    def stop(self) -> Any:
        """Begin to end its ComfyUI; what to wait for."""
        return self.actor.stop.remote()

    def kill(self) -> None:
        """Have Ray end it for good and give its place back."""
        self._ray.kill(self.actor, no_restart=True)

    def _is_back(self) -> bool:
        """Wait until Ray has started it again; False when it does not.

        Raises:
            WorkerLost: it is not what it was. It may be on another machine now.
        """
        limit = time.monotonic() + START_S
        while time.monotonic() < limit and self._ray.is_initialized():
            try:
                fault = self._ray.get(self.actor.up.remote(), timeout=START_S)
                if not fault and self.expected is not None:
                    now = self._ray.get(self.actor.identity.remote(list(self.expected.models)), timeout=START_S)
                    known = {name: sha256 for name, sha256 in self.expected.models.items() if sha256}
                    fault = "; ".join(differences(now, self.expected, known))
            except self._ray.exceptions.ActorDiedError:
                return False
            except (self._ray.exceptions.RayError, TimeoutError):
                time.sleep(1.0)
                continue
            if fault:
                self.kill()
                raise WorkerLost(f"it was started again and left out: {fault}")
            return True
        return False

    def _restarted(self) -> bool:
        """Have it start its ComfyUI again."""
        try:
            return bool(self._ray.get(self.actor.restart.remote(), timeout=START_S))
        except (self._ray.exceptions.RayError, TimeoutError):
            return self._is_back()


class RayFleet:
    """`workers` ComfyUIs on the cluster at `address`, beside the running ones at `urls`.

    report: called with a line on what is waited for. models: after `check`, the sha256 of those that the jobs name and
    that are there.

    Raises:
        QueueError: Ray is not there, has no room, or no worker came up.
    """

    def __init__(
        self,
        address: str,
        workers: int,
        gpus: float,
        urls: Sequence[str],
        patience: float,
        comfyui: Path,
        report: Callable[[str], object],
    ) -> None:
        try:
            import ray  # type: ignore
        except ImportError as error:
            raise QueueError(f"Ray is not installed. Install it with: {INSTALL}") from error
        self._ray: Any = ray
        self._comfyui, self._report = comfyui, report
        self._running: list[RayWorker] = []  # those to end
        self.models: dict[str, str] = {}
        self.left_out: list[str] = []
        self.servers = Servers(urls, patience, beside=True)
        environment = {"PYTHONPATH": str(setup.ROOT), "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
        loading = {"env_vars": environment, "worker_process_setup_hook": "runner.pack.load_pack"}
        try:
            ray.init(address=address, log_to_driver=False, configure_logging=False, runtime_env=loading)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise QueueError(f"--ray {address}: {_last_line(error)}") from error
        try:
            self._look_for_room(address, workers, gpus)
            python = setup.PYTHON if comfyui == setup.COMFYUI else python_of(comfyui)
            self._up = self._start(workers, WorkerSetup(str(comfyui), str(python), patience, gpus))
            found = self._ask_all("object_info").values()
            self.object_info: dict[str, Any] = dict(self.servers.object_info)
            for each in found:
                self.object_info = each | self.object_info
            if not self.workers:
                raise QueueError(" ".join([*self.left_out, *self.servers.left_out]))
        except BaseException:
            self.close()
            raise

    @property
    def workers(self) -> list[BatchWorker]:
        return [*self._up, *self.servers.workers]

    def _look_for_room(self, address: str, workers: int, gpus: float) -> None:
        """Ray waits in silence for room that is not there."""
        if not gpus or not workers:
            return
        there = float(self._ray.cluster_resources().get("GPU", 0.0))
        room = int(there) * int(1 / gpus) if gpus < 1 else int(there / gpus)
        if workers <= room:
            return
        reason = f"--workers {workers} with --gpus-per-worker {gpus:g}: Ray sees {there:g} GPU, room for {room}"
        if address == LOCAL:
            raise QueueError(f"{reason}. Ask for no more, or for --gpus-per-worker 0, on the CPU.")
        self._report(f"{reason}. The others are waited for, {START_S / 60:g} minutes at most: the cluster may grow.")

    def _start(self, workers: int, each: WorkerSetup) -> list[RayWorker]:
        """Start workers; returns those that come up. All are waited for at the same time."""
        options = {"num_cpus": A_LITTLE, "num_gpus": each.gpus, "max_restarts": MAX_RESTARTS, "max_concurrency": 4}
        actor = self._ray.remote(ComfyWorker).options(**options, scheduling_strategy="SPREAD")
        self._running = [RayWorker(self._ray, actor.remote(each), f"worker {i}") for i in range(1, workers + 1)]
        if workers:
            self._report(f"Waiting for {workers} ComfyUI to start on the cluster, {START_S / 60:g} minutes at most.")
        faults = self._ask_all("up")
        for worker in [each for each in self._running if faults.get(each.name)]:
            self._leave_out(worker, f"{worker.name} could not be started: {faults[worker.name]}")
        return list(self._running)

    def _ask_all(self, method: str, *arguments: Any) -> dict[str, Any]:
        """The answers of all workers by their names. Workers that give none are left out."""
        calls = {getattr(worker.actor, method).remote(*arguments): worker for worker in self._running}
        waiting, limit, found = list(calls), time.monotonic() + START_S, dict[str, Any]()
        while waiting and (left := limit - time.monotonic()) > 0:
            done, waiting = self._ray.wait(waiting, num_returns=len(waiting), timeout=min(REPORT_S, left))
            for answer in done:
                try:
                    found[calls[answer].name] = self._ray.get(answer, timeout=STOP_S)
                except (self._ray.exceptions.RayError, TimeoutError) as error:
                    self._leave_out(calls[answer], f"{calls[answer].name} does not answer: {_last_line(error)}")
            if waiting:
                names = ", ".join(calls[answer].name for answer in waiting)
                self._report(f"{len(calls) - len(waiting)} of {len(calls)} have answered. Still waited for: {names}")
        for answer in waiting:
            name = calls[answer].name
            self._leave_out(calls[answer], f"{name} gave no answer in {START_S / 60:g} minutes. Is there room for it?")
        return found

    def _leave_out(self, worker: RayWorker, reason: str) -> None:
        """End a worker, so that its GPU and memory are free; its ComfyUI ends with it (watchdog.py)."""
        self.left_out.append(f"Left out: {reason}")
        worker.kill()
        self._running.remove(worker)

    def check(self, jobs: Sequence[BatchJob]) -> Iterator[str]:
        """Leave out the workers of another Steer or with another file under the name of a model."""
        names = sorted({need.name for job in jobs for need in model_needs(job.prompt)})
        found: dict[str, Identity] = self._ask_all("identity", names)
        ours = identity_of(setup.ROOT, self._comfyui, names)
        self.models = find_known_models(found, ours)
        for worker in list(self._running):
            if faults := differences(found[worker.name], ours, self.models):
                self._leave_out(worker, f"{worker.name} {'; '.join(faults)}.")
            else:
                worker.expected = found[worker.name]
        self._up = list(self._running)
        yield from self.left_out
        yield from self.servers.check(jobs, self.object_info, set(self.models) if self._up else None)
        yield from self._compare(ours)
        if not self.workers:
            raise QueueError("no worker has the right Steer and models.")

    def _compare(self, ours: Identity) -> Iterator[str]:
        """Leave out the named ComfyUIs that have another Steer. None of them says what is in its models."""
        for server in list(self.servers.workers):
            found = identity_at(server.client)
            faults = differences(found, ours, {}) if found is not None else []
            if faults:
                self.servers.workers.remove(server)
                yield f"Left out: {server.name} {'; '.join(faults)}."
                continue
            what = "the models" if found is not None else "the models and the Steer"
            yield f"Note: what is in {what} of {server.name} cannot be seen from outside."

    def close(self) -> None:
        """End the workers; one that does not listen is ended by Ray."""
        stopping = [worker.stop() for worker in self._running]
        if stopping:
            self._ray.wait(stopping, num_returns=len(stopping), timeout=STOP_S)
        self._ray.shutdown()


def find_known_models(found: Mapping[str, Identity], ours: Identity) -> dict[str, str]:
    """The sha256 that counts for each model that is anywhere: that here, else that of most workers.

    Raises:
        QueueError: neither decides.
    """
    known: dict[str, str] = {}
    for model, own in ours.models.items():
        owners: dict[str, list[str]] = {}
        for name, one in found.items():
            if one.models.get(model):
                owners.setdefault(one.models[model], []).append(name)
        counts = Counter({sha256: len(names) for sha256, names in owners.items()}).most_common(2)
        if own:
            known[model] = own
        elif len(counts) == 2 and counts[0][1] == counts[1][1]:
            names = " and ".join(f"{', '.join(owners[sha256])} (sha256 {sha256[:10]})" for sha256, _ in counts)
            raise QueueError(
                f"the workers have different files under the name {model}: {names}. Which one is meant? Put it into "
                "the models of this machine too, or make them the same."
            )
        elif counts:
            known[model] = counts[0][0]
    return known


def identity_at(client: ComfyClient) -> Identity | None:
    """Of the Steer of a running ComfyUI; None where it has none, or an older one that does not say."""
    try:
        return Identity(**client.get(ROUTE))
    except (ServerLost, BadAnswer, TypeError):
        return None


def differences(mine: Identity, ours: Identity, known: Mapping[str, str]) -> list[str]:
    """How a worker differs: from `ours` in Steer, from `known` in a model."""
    faults = []
    if not mine.steer:
        faults.append("has a ComfyUI without Steer: put it into custom_nodes there, or see in its log why it fails")
    elif mine.steer != ours.steer:
        faults.append(f"has Steer {mine.steer}, this is {ours.steer}")
    elif mine.code != ours.code:
        faults.append(f"has a Steer {mine.steer} of other code")
    if mine.steer and mine.weights != ours.weights:
        faults.append("has other weights of Steer")
    for model, sha256 in known.items():
        if not mine.models.get(model):
            faults.append(f"lacks {model}")
        elif mine.models[model] != sha256:
            faults.append(f"has another {model} (sha256 {mine.models[model][:10]}, not {sha256[:10]})")
    return faults


def _last_line(error: BaseException) -> str:
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__).strip()[:300]
