"""What a batch on Ray rests on, without Ray: its workers, what tells them apart, and who imports Ray."""

from __future__ import annotations

import ast
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from batches import noisy_prompt, plain_png, prompt_in

ROOT = Path(__file__).resolve().parents[2]


def test_without_ray_one_command_is_told_that_installs_it(tmp_path: Path):
    (tmp_path / "w.json").write_text('{"1": {"class_type": "X", "inputs": {}}}')
    code = (
        f"import sys; sys.modules['ray'] = None; sys.path.insert(0, {str(ROOT)!r})\n"
        "from runner.queueing import main\nsys.exit(main(['w.json', '--ray', '--workers', '2']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert f"Ray is not installed. Install it with: {sys.executable} -m pip install ray" in done.stdout


def test_one_file_of_steer_knows_ray():
    importing = set()
    for folder in ("nodes", "preprocessors", "demo", "runner"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                if any(name.split(".")[0] == "ray" for name in names):
                    importing.add(path.relative_to(ROOT).as_posix())
    assert importing == {"runner/cluster.py"}


def test_a_worker_of_another_steer_or_with_another_model_is_told_apart():
    from steer.runner.cluster import differences
    from steer.runner.cluster_worker import Identity

    ours = Identity("1", "w")
    found = {
        "same": Identity("1", "w", {"a": "x" * 64, "b": ""}),
        "too": Identity("1", "w", {"a": "x" * 64, "b": ""}),
        "older": Identity("0", "w", {"a": "x" * 64, "b": ""}),
        "trained": Identity("1", "v", {"a": "x" * 64, "b": ""}),
        "other": Identity("1", "w", {"a": "y" * 64, "b": ""}),
        "lacks": Identity("1", "w", {"a": "", "b": ""}),
        "url": Identity(None),
    }
    told = {name: " ".join(differences(found, name, ours)) for name in found}
    assert {name for name, text in told.items() if not text} == {"same", "too", "url"}, "b is nowhere: not told apart"
    assert "has Steer 0, this is 1" in told["older"]
    assert "weights of Steer" in told["trained"]
    assert "another a than most (sha256 yyyy" in told["other"]
    assert told["lacks"] == "lacks a"


def test_the_identity_is_of_versions_weights_and_models(tmp_path: Path):
    from steer.runner.cluster_worker import identity_of
    from steer.runner.pack import version

    (tmp_path / "pyproject.toml").write_text('version = "7"\n')
    (tmp_path / "demo" / "weights").mkdir(parents=True)
    weights = tmp_path / "demo" / "weights" / "unet.safetensors"
    weights.write_bytes(b"one")
    model = tmp_path / "comfy" / "models" / "loras" / "a.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"model")
    first = identity_of(str(tmp_path), str(tmp_path / "comfy"), ["a.safetensors", "b.safetensors"])
    assert first.steer == "7"
    assert first.models == {"a.safetensors": hashlib.sha256(b"model").hexdigest(), "b.safetensors": ""}
    weights.write_bytes(b"two")
    assert identity_of(str(tmp_path)).weights != first.weights
    assert identity_of(str(ROOT)).steer == version()


@pytest.mark.server
def test_a_job_travels_with_its_pictures(server, tmp_path: Path):
    from steer.runner.cluster_worker import ComfyWorker, WorkerSetup
    from steer.runner.jobs import make_jobs

    info = {"LoadImage": {"input": {"required": {"image": [[], {"image_upload": True}]}}}}
    picture = plain_png(tmp_path / "travels.png", (9, 8, 7))
    bad = noisy_prompt() | {"2": {"class_type": "NoSuchNode", "inputs": {}}}
    good, other = make_jobs({"w": (noisy_prompt(image="travels.png"), [tmp_path]), "bad": (bad, [])}, info)
    contents = {file.sha256: picture.read_bytes() for file in good.files}
    picture.unlink()  # it lies on the other machine
    worker = ComfyWorker(WorkerSetup(str(ROOT), "", "", server.url))
    assert worker.identity(["a"]).steer is None
    word, made = worker.run(good, contents)
    assert word == "made"
    ((_, content),) = made.files
    assert prompt_in(content)["2"] == noisy_prompt()["2"]
    word, why = worker.run(other, {})
    assert word == "refused"
    assert "NoSuchNode" in why


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("guard_too", [False, True], ids=["starter", "starter and guard"])
def test_what_is_guarded_ends_with_its_starter_however_that_ends(tmp_path: Path, guard_too: bool):
    told = tmp_path / "pid"
    child = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    starter = (
        "import subprocess, sys, time\n"
        f"command = [sys.executable, {str(ROOT / 'runner' / 'guard.py')!r}, sys.executable, '-c', {child!r}]\n"
        "guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)\n"
        "print(guard.pid, flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    guard = int(process.stdout.readline())
    limit = time.monotonic() + 20
    while not (told.is_file() and told.read_text()) and time.monotonic() < limit:
        time.sleep(0.05)
    pid = int(told.read_text())
    os.kill(pid, 0)
    if guard_too:
        os.kill(guard, signal.SIGKILL)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    while time.monotonic() < limit:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("it was left behind")
