"""What a batch on Ray rests on, without Ray: its workers, their identity, and who imports Ray."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from batches import noisy_prompt, plain_png, prompt_in

ROOT = Path(__file__).resolve().parents[3]


def test_without_ray_the_error_names_the_command_that_installs_it(tmp_path: Path):
    (tmp_path / "w.json").write_text('{"1": {"class_type": "X", "inputs": {}}}')
    code = (
        f"import sys; sys.modules['ray'] = None; sys.path.insert(0, {str(ROOT)!r})\n"
        "from runner.pack import load_pack; load_pack()\nfrom steer.runner import cli\n"
        "sys.exit(cli.run(['queue', 'w.json', '--ray', '--workers', '2']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert f'Ray is not installed. Install it with: {sys.executable} -m pip install "ray[default]"' in done.stdout


def test_one_file_of_steer_knows_ray():
    importing = set()
    for place in (
        "*.py",
        *(f"{folder}/**/*.py" for folder in ("nodes", "preprocessors", "demo", "runner", "workflows")),
    ):
        for path in ROOT.glob(place):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
                if any(name.split(".")[0] == "ray" for name in names):
                    importing.add(path.relative_to(ROOT).as_posix())
    assert importing == {"runner/batch/on_ray/fleet.py"}


def test_a_worker_of_another_steer_or_with_another_model_is_known():
    from steer.runner.batch.on_ray.fleet import differences, find_known_models
    from steer.runner.batch.on_ray.worker import Identity
    from steer.runner.comfyui.messages import QueueError

    def identity(a: str, b: str = "", steer: str = "1", code: str = "c", weights: str = "w") -> Identity:
        return Identity(steer, code, weights, {"a": a, "b": b})

    x, y = "x" * 64, "y" * 64
    ours = identity("")
    found = {
        "same": identity(x),
        "too": identity(x),
        "other": identity(y),
        "lacks": identity(""),
        "older": identity(x, steer="0"),
        "edited": identity(x, code="d"),
        "trained": identity(x, weights="v"),
        "bare": Identity("", models={"a": x, "b": ""}),
    }
    known = find_known_models(found, ours)
    assert known == {"a": x}, "b is nowhere"
    faults = {name: " ".join(differences(one, ours, known)) for name, one in found.items()}
    assert {name for name, text in faults.items() if not text} == {"same", "too"}
    assert "has Steer 0, this is 1" in faults["older"]
    assert "of other code" in faults["edited"]
    assert "other weights of Steer" in faults["trained"]
    assert "another a (sha256 yyyyyyyyyy, not xxxxxxxxxx)" in faults["other"]
    assert faults["lacks"] == "lacks a"
    assert "without Steer" in faults["bare"]

    two = {"first": identity(x), "second": identity(y)}
    with pytest.raises(QueueError, match=r"under the name a: first \(sha256 x+\) and second \(sha256 y+\)"):
        find_known_models(two, ours)
    assert find_known_models(two, identity(y)) == {"a": y}, "the file of this machine decides"


def test_the_identity_is_that_of_the_steer_that_the_comfyui_has_loaded(tmp_path: Path):
    from steer.nodes.identity import version
    from steer.runner.batch.on_ray.worker import find_loaded_pack, identity_of

    comfyui = tmp_path / "comfy"
    pack = comfyui / "custom_nodes" / "Steer-2"
    (pack / "demo" / "weights").mkdir(parents=True)
    (pack / "nodes").mkdir()
    (pack / "pyproject.toml").write_text('version = "7"\n')
    (pack / "nodes" / "a.py").write_bytes(b"1\n2\n")
    (pack / "demo" / "weights" / "unet.safetensors").write_bytes(b"one")
    model = comfyui / "models" / "loras" / "a.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"model")
    assert find_loaded_pack({}, comfyui) is None
    assert find_loaded_pack({"SteerSweep": {"python_module": "custom_nodes.gone"}}, comfyui) is None
    assert find_loaded_pack({"SteerSweep": {"python_module": "custom_nodes.Steer-2"}}, comfyui) == pack
    first = identity_of(pack, comfyui, ["a.safetensors", "b.safetensors"])
    assert first.steer == "7"
    assert first.models == {"a.safetensors": hashlib.sha256(b"model").hexdigest(), "b.safetensors": ""}
    (pack / "nodes" / "a.py").write_bytes(b"1\r\n2\r\n")
    assert identity_of(pack, comfyui, list(first.models)) == first
    (pack / "nodes" / "a.py").write_bytes(b"1\n3\n")
    assert identity_of(pack, comfyui).code != first.code
    (pack / "demo" / "weights" / "unet.safetensors").write_bytes(b"other")
    assert identity_of(pack, comfyui).weights != first.weights
    assert identity_of(None, comfyui).steer == ""
    assert identity_of(ROOT, comfyui).steer == version()


@pytest.mark.server
def test_a_job_travels_with_its_pictures_and_what_was_fetched_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.runner import setup
    from steer.runner.batch.jobs import make_jobs
    from steer.runner.batch.on_ray import worker as cluster_worker
    from steer.runner.batch.on_ray.worker import ComfyWorker, WorkerSetup

    info: dict[str, Any] = {kind: {"input": {}} for kind in ("EmptyImage", "ImageAddNoise", "SaveImage", "NoSuchNode")}
    info["LoadImage"] = {"input": {"required": {"image": [[], {"image_upload": True}]}}}
    picture = plain_png(tmp_path / "travels.png", (9, 8, 7))
    two = noisy_prompt(image="travels.png")
    two["4"] = {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "as it came"}}
    sources = {
        f"seed{seed}": (two | {"2": two["2"] | {"inputs": two["2"]["inputs"] | {"seed": seed}}}, [tmp_path])
        for seed in (1, 2, 3)
    }
    bad = noisy_prompt() | {"2": {"class_type": "NoSuchNode", "inputs": {}}}
    *good, other = make_jobs(sources | {"bad": (bad, [])}, info)
    contents = {file.sha256: picture.read_bytes() for file in good[0].files}
    picture.unlink()  # it lies on the other machine
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    worker = ComfyWorker(WorkerSetup(str(setup.COMFYUI), str(setup.PYTHON)))
    try:
        assert worker.up() == ""
        (home,) = tmp_path.glob("steer-worker-*")
        assert worker.identity(["a"]) == cluster_worker.identity_of(ROOT, setup.COMFYUI, ["a"])
        for job in good:  # of the second and third, the cache has one picture of two
            word, made = worker.run(job, contents)
            assert word == "done"
            by_node = {json.dumps(prompt_in(content)["2"]): content for _, content in made.files}
            assert json.dumps(job.prompt["2"]) in by_node
            assert len(made.files) == len(list((home / "output").glob("*.png"))) == 2
        word, why = worker.run(other, {})
        assert word == "refused"
        assert "NoSuchNode" in why
    finally:
        worker.stop()
    assert not home.exists()


def test_a_worker_whose_gpu_torch_does_not_see_does_not_start_on_the_cpu(tmp_path: Path, monkeypatch: Any):
    from steer.runner.batch.on_ray import worker as cluster_worker

    def starts(*arguments: Any, **more: Any) -> None:
        pytest.fail("a ComfyUI was started")

    monkeypatch.setattr(cluster_worker, "has_gpu", lambda python: False)
    monkeypatch.setattr(cluster_worker, "ComfyServer", starts)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    worker = cluster_worker.ComfyWorker(cluster_worker.WorkerSetup("nowhere", "python", gpus=1))
    assert "it needs 1 GPU, but python on" in worker.up()
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("guard_too", [False, True], ids=["starter", "starter and guard"])
def test_what_is_guarded_ends_with_its_starter_however_that_ends(tmp_path: Path, guard_too: bool):
    pid_file, folder = tmp_path / "pid", tmp_path / "folder"
    (folder / "output").mkdir(parents=True)
    script = str(ROOT / "runner" / "comfyui" / "watchdog.py")
    child = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    starter = (
        "import subprocess, sys, time\n"
        f"command = [sys.executable, {script!r}, {str(folder)!r}, sys.executable, '-c', {child!r}]\n"
        "guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)\n"
        "print(guard.pid, flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    guard = int(process.stdout.readline())
    limit = time.monotonic() + 20
    while not (pid_file.is_file() and pid_file.read_text()) and time.monotonic() < limit:
        time.sleep(0.05)
    pid = int(pid_file.read_text())
    os.kill(pid, 0)
    if guard_too:
        os.kill(guard, signal.SIGKILL)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    while time.monotonic() < limit:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            if not folder.exists():
                return
        time.sleep(0.05)
    pytest.fail("it or its folder was left behind")


def test_the_folder_of_what_ended_by_itself_stays_until_its_starter_is_gone(tmp_path: Path):
    folder = tmp_path / "folder"
    folder.mkdir()
    guard = subprocess.Popen(
        [
            sys.executable,
            str(ROOT / "runner" / "comfyui" / "watchdog.py"),
            str(folder),
            sys.executable,
            "-c",
            "raise SystemExit(7)",
        ],
        stdin=subprocess.PIPE,
    )
    assert guard.wait(20) == 7
    assert folder.exists(), "its log can be read"
    assert guard.stdin is not None
    guard.stdin.close()
    limit = time.monotonic() + 20
    while folder.exists() and time.monotonic() < limit:
        time.sleep(0.05)
    assert not folder.exists()


@pytest.mark.server
def test_a_running_comfyui_says_which_steer_it_has(server: Any, client: Any):
    from steer.runner.batch.on_ray.fleet import identity_at
    from steer.runner.batch.on_ray.worker import identity_of
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.comfyui.process import free_port

    assert identity_at(client) == identity_of(ROOT, ROOT)
    assert identity_at(ComfyClient(f"http://127.0.0.1:{free_port()}", patience=1.0)) is None
