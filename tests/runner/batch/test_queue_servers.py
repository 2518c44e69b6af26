"""queue on two real servers of which one is killed in the middle: every job is done, and recorded once."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from batches import prompt_in, slow_prompt

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[3]
JOBS, STEPS = 8, 20


def test_one_of_two_servers_is_killed_in_the_middle(server, client, tmp_path: Path):
    from steer.runner import setup
    from steer.runner.comfyui.process import ComfyServer, own_folders

    (tmp_path / "w.json").write_text(json.dumps(slow_prompt(STEPS)), encoding="utf-8")
    folders = own_folders(tmp_path / "comfyui", "output", "user", "temp")
    with ComfyServer(setup.COMFYUI, setup.PYTHON, tmp_path / "second.log", arguments=["--cpu", *folders]) as second:
        assert second.process is not None
        command = [
            sys.executable,
            str(ROOT / "run.py"),
            "queue",
            "w.json",
            "--seeds",
            f"1-{JOBS}",
            "--out",
            "out",
            "--comfyui-url",
            server.url,
            "--comfyui-url",
            second.url,
            "--patience",
            "2",
        ]
        batch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, encoding="utf-8")
        assert batch.stdout is not None
        lines: list[str] = []
        for line in batch.stdout:
            lines.append(line)
            if line.startswith("done") and second.url in line and second.process.poll() is None:
                # It has been given its next job, or is about to.
                threading.Timer(0.5, second.process.send_signal, [signal.SIGKILL]).start()
        code = batch.wait(60)
        text = "".join(lines)
    assert code == 0, text
    assert any(line.startswith("lost") and second.url in line for line in lines), text
    results = [json.loads(line) for line in (tmp_path / "out" / "results.jsonl").read_text("ascii").splitlines()]
    assert Counter(result["name"] for result in results) == {f"w-seed{seed}": 1 for seed in range(1, JOBS + 1)}
    assert {result["server"] for result in results} == {server.url, second.url}, "both have worked"
    for result in results:
        (file,) = result["files"]
        seed = prompt_in((tmp_path / "out" / file["name"]).read_bytes())["k"]["inputs"]["seed"]
        assert result["name"] == f"w-seed{seed}"
    ran = [
        entry["prompt"][2]["k"]["inputs"]["seed"]
        for entry in client.get("/history").values()
        if "k" in entry["prompt"][2] and entry["prompt"][2]["k"]["inputs"]["steps"] == STEPS
    ]
    assert max(Counter(ran).values()) == 1, "the server that stayed did no job twice"
    assert f"{JOBS} done, 0 there before, 0 failed" in text
