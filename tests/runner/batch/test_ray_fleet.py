"""Workers on a cluster from start to end: a Ray and ComfyUIs that are scripted, everything between them ours."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_ray import FakeRay, RayError

ROOT = Path(__file__).resolve().parents[3]
INFO = {"SteerSweep": {"output_node": True}, "KSampler": {}}


class Scripted:
    """A worker with the number in which it was made; `faults` says what is wrong with which."""

    faults: dict[int, str] = {}
    made = 0

    def __init__(self, setup: Any) -> None:
        type(self).made += 1
        self.number, self.stopped, self.died, self.runs = type(self).made, False, False, 0

    @property
    def fault(self) -> str:
        return self.faults.get(self.number, "")

    def up(self) -> str:
        return self.fault if "GPU" in self.fault else ""

    def object_info(self) -> dict[str, Any]:
        return INFO

    def identity(self, models: list[str]) -> Any:
        from steer.runner.batch.on_ray.worker import identity_of

        if self.fault == "disk":
            raise RayError("Traceback\nOSError: the disk broke")
        ours = identity_of(ROOT, ROOT, models)
        other = self.fault == "weights" or (self.fault == "comes back with other weights" and self.died)
        return SimpleNamespace(steer=ours.steer, code=ours.code, weights="x" if other else ours.weights, models={})

    def run(self, job: Any, contents: dict[str, bytes]) -> Any:
        from steer.runner.batch.jobs import JobOutput

        self.runs += 1
        if "comes back" in self.fault and not self.died:
            self.died = True
            raise RayError("the actor died")
        time.sleep(0.01)
        return ("done", JobOutput(0.1, ()))

    def progress(self) -> None:
        return None

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a fleet on a given Ray whose workers have these faults; returns it and the lines that it reports."""
    from steer.runner.batch.on_ray import fleet as cluster

    def make(
        ray: FakeRay,
        faults: dict[int, str],
        workers: int,
        gpus: float = 0.0,
        address: str = "auto",
        urls: tuple[str, ...] = (),
    ) -> Any:
        lines: list[str] = []
        monkeypatch.setitem(sys.modules, "ray", ray)
        kind = type("Worker", (Scripted,), {"faults": faults})
        monkeypatch.setattr(cluster, "ComfyWorker", kind)
        monkeypatch.setattr(cluster, "START_S", 2.0)
        monkeypatch.setattr(cluster, "REPORT_S", 0.5)
        return cluster.RayFleet(address, workers, gpus, urls, 0.2, ROOT, lines.append), lines

    return make


def jobs(count: int) -> list[Any]:
    from steer.runner.batch.jobs import BatchJob

    return [BatchJob(f"job {i}", {"1": {"class_type": "KSampler", "inputs": {"seed": i}}}) for i in range(count)]


def test_who_cannot_work_is_left_out_by_name_and_ended_and_all_are_waited_for_at_once(fleet: Any):
    from steer.runner.comfyui.process import free_port

    ray = FakeRay(placed=lambda number: number not in (3, 4))
    url = f"http://127.0.0.1:{free_port()}"
    began = time.monotonic()
    ours, reports = fleet(ray, {2: "it sees no GPU", 5: "disk", 6: "weights"}, 7, urls=(url,))
    assert time.monotonic() - began < 3.5, "one after another it would have been twice the limit"
    assert reports[0].startswith("Waiting for 7 ComfyUI to start")
    assert any("Still waited for: worker 3, worker 4" in line for line in reports)
    assert ours.object_info == INFO
    lines = list(ours.check(jobs(1)))
    out = {line.split(":", 1)[1].split()[0] + line.split(":", 1)[1].split()[1]: line for line in lines}
    assert "worker 2 could not be started: it sees no GPU" in out["worker2"]
    assert all("Is there room for it?" in out[name] for name in ("worker3", "worker4"))
    assert "worker 5 does not answer: OSError: the disk broke" in out["worker5"]
    assert "worker 6 has other weights of Steer" in out["worker6"]
    assert sum(url in line for line in lines) == 1, "a server that does not answer costs no batch"
    assert [worker.name for worker in ours.workers] == ["worker 1", "worker 7"]
    assert [i for i, actor in enumerate(ray.actors, start=1) if actor.killed] == [2, 3, 4, 5, 6]
    ours.close()
    assert [actor.worker.number for actor in ray.actors if actor.worker.stopped] == [1, 7]
    assert not ray.running


def test_no_worker_is_left(fleet: Any):
    from steer.runner.comfyui.messages import QueueError

    ray = FakeRay()
    with pytest.raises(QueueError, match=r"worker 1 could not be started: no GPU .*worker 2 could"):
        fleet(ray, {1: "no GPU ", 2: "no GPU"}, 2)
    assert not ray.running
    ours, _ = fleet(FakeRay(), {1: "weights"}, 1)
    with pytest.raises(QueueError, match="no worker has the right Steer"):
        list(ours.check(jobs(1)))


@pytest.mark.parametrize(("gpus", "room"), [(1.0, 2), (0.5, 4), (2.0, 1)])
def test_more_workers_than_there_is_room_for_are_refused_before_anything_waits(fleet: Any, gpus: float, room: int):
    from steer.runner.comfyui.messages import QueueError

    ray = FakeRay(gpus=2.0)
    with pytest.raises(QueueError, match=f"Ray sees 2 GPU, room for {room}"):
        fleet(ray, {}, room + 1, gpus, address="local")
    assert not ray.running
    assert not ray.actors
    _, reports = fleet(ray, {}, room + 1, gpus)
    assert f"room for {room}" in reports[0], "another cluster may grow"
    assert ray.actors[0].options["num_gpus"] == gpus
    _, reports = fleet(FakeRay(gpus=2.0), {}, room, gpus, address="local")
    assert "room" not in reports[0]


def test_a_worker_that_was_started_again_works_on_if_it_is_the_same(fleet: Any):
    from steer.runner.batch.pool import Pool

    ray = FakeRay()
    ours, _ = fleet(ray, {1: "comes back with other weights", 2: "comes back"}, 3)
    assert list(ours.check(jobs(1))) == []
    ended, lost = [], []
    Pool(jobs(60), ours.workers, ended.append, lambda *reports: lost.append(reports)).run()
    assert Counter(e.job.name for e in ended if not e.error) == Counter(f"job {i}" for i in range(60))
    gone = [(name, reason) for name, reason, is_gone in lost if is_gone]
    assert gone == [("worker 1", "it was started again and left out: has other weights of Steer")]
    assert [actor.killed for actor in ray.actors] == [True, False, False]
    assert [actor.worker.runs > 1 for actor in ray.actors] == [False, True, True]


def test_a_named_server_of_another_steer_is_left_out(monkeypatch: pytest.MonkeyPatch):
    from steer.runner.batch.on_ray import fleet as cluster
    from steer.runner.batch.on_ray.worker import Identity

    ours = Identity("1", "code", "weights", {"a.pt": "sha"})
    reports = {
        "same": Identity("1", "code", "weights"),
        "silent": None,
        "trained": Identity("1", "code", "other"),
        "edited": Identity("1", "other", "weights"),
    }
    servers = SimpleNamespace(workers=[SimpleNamespace(name=name, client=name) for name in reports])
    monkeypatch.setattr(cluster, "identity_at", reports.__getitem__)
    lines = list(cluster.RayFleet._compare(SimpleNamespace(servers=servers), ours))  # type: ignore[arg-type]
    assert [server.name for server in servers.workers] == ["same", "silent"]
    assert lines == [
        "Note: what is in the models of same cannot be seen from outside.",
        "Note: what is in the models and the Steer of silent cannot be seen from outside.",
        "Left out: trained has other weights of Steer.",
        "Left out: edited has a Steer 1 of other code.",
    ]


def test_a_server_is_left_out_only_for_what_another_has():
    from steer.runner.batch.jobs import BatchJob
    from steer.runner.batch.servers import find_lacking

    def place(kinds: str, models: str) -> Any:
        return SimpleNamespace(object_info=dict.fromkeys(kinds), has_model=lambda need: need.name in models.split())

    def reports(places: dict[str, Any], prompts: list[tuple[str, str]], **more: Any) -> dict[str, str]:
        made = [
            BatchJob("j", {k: {"class_type": k, "inputs": {"m": model}} for k in kinds}) for kinds, model in prompts
        ]
        return {name: line for name, _, line in find_lacking(places, made, **({"kinds": (), "models": None} | more))}

    both = {"a": place("KL", "x.pt"), "b": place("K", "x.pt y.pt")}
    assert reports({"a": both["a"]}, [("Z", "z.pt")]) == {}, "there is none to compare with"
    assert reports(both, [("K", "x.pt"), ("K", "nowhere.pt")]) == {}
    assert reports(both, [("L", "x.pt")]) == {"b": "Left out: b lacks the node L."}
    lines = reports(both, [("K", "y.pt"), ("K", "x.pt")])
    assert lines == {"a": "Note: a lacks the model y.pt. Jobs that need it go to others."}
    beside = reports({"a": both["a"]}, [("Z", "z.pt")], kinds=["Z"], models=["z.pt"])
    assert beside == {"a": "Left out: a lacks the node Z, the model z.pt."}


@pytest.mark.parametrize(
    ("arguments", "reports"),
    [
        (["--workers", "2", "--gpus-per-worker", "1"], "--workers, --gpus-per-worker: this counts only with --ray"),
        (["--comfyui", "here"], "--comfyui: this counts only with --ray"),
        (["--ray", "--workers", "-1"], "--workers -1: there must be at least one"),
        (["--ray", "--gpus-per-worker", "-1"], "--gpus-per-worker -1: write 0"),
        (["--ray", "--gpus-per-worker", "1.5"], "--gpus-per-worker 1.5: write 0"),
        (["--ray", "--comfyui", "no/such"], "is not a ComfyUI folder"),
    ],
)
def test_bad_arguments_are_named(tmp_path: Path, capsys: Any, arguments: list[str], reports: str):
    from steer.runner import cli
    from steer.runner.batch.options import NOT_STARTED

    (tmp_path / "w.json").write_text('{"1": {"class_type": "X", "inputs": {}}}')
    assert cli.run(["queue", str(tmp_path / "w.json"), *arguments]) == NOT_STARTED
    assert reports in capsys.readouterr().out


def test_a_url_that_is_named_twice_is_one_worker(fleet: Any, tmp_path: Path, monkeypatch: Any, capsys: Any):
    from steer.runner import cli
    from steer.runner.batch import command
    from steer.runner.batch.on_ray import fleet as cluster

    asked: list[Any] = []

    def stop(*arguments: Any) -> None:
        asked.append(arguments)
        raise command.QueueError("enough")

    monkeypatch.setattr(cluster, "RayFleet", stop)
    (tmp_path / "w.json").write_text('{"1": {"class_type": "X", "inputs": {}}}')
    cli.run(["queue", str(tmp_path / "w.json"), "--ray", "--comfyui-url", "h:1", "--comfyui-url", "http://h:1/"])
    assert asked[0][1:4] == (0, 0.0, ["http://h:1"])


@pytest.mark.parametrize(
    ("arguments", "has_ray", "engine"),
    [
        ("--ray", False, False),
        ("--ray", True, True),
        ("--ray auto --workers 2 --comfyui-url U", True, True),
        ("--ray --comfyui-url U", True, False),
        ("--ray --workers 2 --comfyui PATH", True, False),
        ("--comfyui-url U", True, False),
    ],
)
def test_what_a_batch_on_ray_sets_up_first(arguments: str, has_ray: bool, engine: bool):
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import importlib.util, pathlib\n"
        "from runner.pack import load_pack; load_pack(); from steer.runner import cli, setup\n"
        f"importlib.util.find_spec = lambda name: {'object()' if has_ray else None}\n"
        "setup.VENV = pathlib.Path(sys.prefix)\ncli.call = lambda options: 0\n"
        "setup.prepare = lambda needs: print(needs.engine)\n"
        f"cli.main(['queue', 'w.json', *{arguments.split()!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(engine)
