"""A Sweep Graph on a server that is killed, cleared, cancelled, full, and shared: nothing lost, doubled or mixed."""

from __future__ import annotations

import json
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from graph_lab import GraphLab, moods_and_seeds, node, noise_sweep, read_texts, wait_for

pytestmark = pytest.mark.server


@contextmanager
def own_server(tmp_path: Path, output: Path) -> Iterator[GraphLab]:
    """A ComfyUI of this test alone, which may be killed. To start one takes longer than most sweeps here."""
    from steer.runner import setup
    from steer.runner.comfyui.client import ComfyClient
    from steer.runner.comfyui.process import ComfyServer, own_folders

    arguments = ["--cpu", "--output-directory", str(output), *own_folders(tmp_path, "user", "temp")]
    arguments += ["--disable-api-nodes"]
    with ComfyServer(setup.COMFYUI, setup.PYTHON, tmp_path / "comfyui.log", arguments=arguments) as running:
        yield GraphLab(running, ComfyClient(running.url, running.check_alive))


def pictures(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob("*.png")}


def recorded(folder: Path) -> list[str]:
    """The files that the manifest records, in its order."""
    lines = map(json.loads, (folder / "manifest.jsonl").read_text(encoding="ascii").splitlines())
    return [line["file"] for line in lines if line["kind"] == "cell" and line["file"]]


def check_folder(folder: Path, count: int, before: dict[str, tuple[int, bytes]]) -> None:
    """All pictures are there, each recorded once, and what was there before is as it was."""
    after = pictures(folder)
    assert len(after) == count
    assert before.items() <= after.items(), "a finished picture was touched"
    assert Counter(recorded(folder)) == dict.fromkeys(after, 1), "a cell was made twice, or one is lost"
    assert not list(folder.glob("*.part"))
    for name in after:
        texts = read_texts(folder / name)["prompt"]
        seed = next(each["inputs"]["seed"] for each in texts.values() if "seed" in each["inputs"])
        assert f"seed_{seed}-" in name, "a picture of another cell"


def several(lab: GraphLab, folder: Path, graph: dict[str, Any], count: int) -> None:
    """Queue a sweep and wait until `count` pictures are there."""
    lab.queue(graph)
    wait_for(lambda: len(list(folder.glob("*.png"))) >= count)


def test_clear_ends_the_sweep_and_run_goes_on(lab: GraphLab):
    folder, graph = lab.output / "cleared", moods_and_seeds("1-15", folder="cleared", steps=2)
    several(lab, folder, graph, 3)
    lab.post("/queue", clear=True)
    lab.wait_until_idle()
    before = pictures(folder)
    assert 3 <= len(before) < 15
    assert (folder / "index.html").read_text().count(".png") == len(before), "the last cell makes the page"
    text, jobs = lab.sweep(graph)
    assert f"{30 - len(before)} to make" in text
    check_folder(folder, 30, before)
    assert lab.report(jobs) == "30 of 30 pictures are there."


def test_cancel_stops_one_cell(lab: GraphLab):
    folder, graph = lab.output / "one", moods_and_seeds("1-2", folder="one", steps=40)
    job = lab.queue(graph)
    jobs = lab.jobs(job)
    wait_for(lambda: lab.is_running(jobs[2]))
    while lab.is_running(jobs[2]):  # a job that has only just begun forgets it
        lab.post("/interrupt", prompt_id=jobs[2])
    assert len(pictures(folder)) == 2
    assert lab.history(jobs[2])["status"]["status_str"] == "error"
    assert lab.report(jobs).startswith("3 of 4 pictures are there.\nPress Run to go on.")
    assert "failed" not in lab.report(jobs)
    before = pictures(folder)
    lab.sweep(graph)
    check_folder(folder, 4, before)


def test_one_job_that_is_removed_from_the_queue_is_left_out(lab: GraphLab):
    folder, graph = lab.output / "removed", moods_and_seeds("1-3", folder="removed", steps=6)
    jobs = lab.jobs(lab.queue(graph))
    lab.post("/queue", delete=[jobs[3]])
    assert lab.report(jobs).startswith("5 of 6 pictures are there.")
    before = pictures(folder)
    lab.sweep(graph)
    check_folder(folder, 6, before)


def test_two_runs_of_one_sweep_at_once_make_no_cell_twice(lab: GraphLab):
    graph = noise_sweep("1-40", folder="twice")
    first, second = lab.queue(graph), lab.queue(graph)
    for job in (first, second):
        lab.history(lab.jobs(job)[-1])
    lab.wait_until_idle()
    check_folder(lab.output / "twice", 40, {})


def test_two_graphs_in_one_folder_do_not_mix(lab: GraphLab):
    from steer.nodes.sweep.folder.manifest import Manifest

    one, other = (noise_sweep("1-12", folder="shared") for _ in range(2))
    other["1"]["inputs"]["color"] = 0x2060C0
    for job in [lab.queue(one), lab.queue(other)]:
        lab.history(lab.jobs(job)[-1])
    lab.wait_until_idle()
    manifest = Manifest(lab.output / "shared")
    for grid, color in zip(manifest.grids[:2], (0xC06020, 0x2060C0), strict=True):
        for cell in grid.cells:
            record = manifest.finished(cell.key)
            assert record is not None
            prompt = read_texts(manifest.folder / str(record.file))["prompt"]
            assert prompt["1"]["inputs"]["color"] == color
            assert f"seed {prompt['2']['inputs']['seed']}" in cell.labels
    assert len(pictures(manifest.folder)) == 24


def test_a_graph_that_is_edited_between_runs_keeps_the_old_pictures_and_shows_the_new(lab: GraphLab):
    graph = noise_sweep("1-3", folder="edited")
    lab.sweep(graph)
    before = pictures(lab.output / "edited")
    graph["2"]["inputs"]["strength"] = 0.5
    graph["x"] = node("ImageInvert", image=["2", 0])
    graph["99"]["inputs"]["images"] = ["x", 0]
    lab.sweep(graph)
    after = pictures(lab.output / "edited")
    assert len(after) == 6
    assert before.items() <= after.items()
    assert not {path.name for path in lab.files("edited").values()} & before.keys()
    lab.sweep(noise_sweep("1-3", folder="edited"))
    assert pictures(lab.output / "edited") == after, "back to the first graph: its pictures are still there"


def test_a_job_that_is_queued_again_after_its_sweep_does_no_harm(lab: GraphLab):
    _, jobs = lab.sweep(noise_sweep("1-2", folder="later"))
    before = pictures(lab.output / "later")
    prompt = lab.history(jobs[0])["prompt"][2]
    job = lab.queue(prompt)
    (output,) = lab.history(job)["outputs"].values()
    assert output["text"] == [
        "The sweep of this job has ended. Run the workflow again: it goes on with what is missing."
    ]
    assert pictures(lab.output / "later") == before


@pytest.mark.slow
def test_a_full_disk_ends_the_sweep_and_keeps_what_is_finished(lab: GraphLab, small_disk: Callable[..., Path]):
    folder = small_disk("600k", lab.output / "full")
    graph = noise_sweep("1-40", folder="full")
    graph["1"]["inputs"] |= {"width": 128, "height": 128}
    job = lab.queue(graph)
    jobs = lab.jobs(job)
    lab.wait_until_idle()
    before = pictures(folder)
    assert 3 <= len(before) < 40
    entries = [lab.client.get(f"/history/{each}") for each in jobs]
    failed = [e[j] for e, j in zip(entries, jobs, strict=True) if e and e[j]["status"]["status_str"] == "error"]
    assert len(failed) <= 2, "the rest ends without work"
    assert "What is finished stays: make room" in json.dumps(failed)
    small_disk("20m", folder)
    _, jobs = lab.sweep(graph)
    assert lab.report(jobs) == "40 of 40 pictures are there."
    check_folder(folder, 40, {name: entry for name, entry in before.items() if name in recorded(folder)})


def wait_until(lab: GraphLab, folder: Path, count: int) -> None:
    """Until so many pictures are there, or nothing runs any more."""
    wait_for(lambda: len(list(folder.glob("*.png"))) >= count or not lab.client.get("/queue")["queue_running"])


@pytest.mark.slow
def test_at_twenty_random_moments(lab: GraphLab, tmp_path: Path):
    """Cancel, Clear, a second Run or kill -9 at any moment; the next Run always goes on from there."""
    folder, graph = lab.output / "random", moods_and_seeds("1-30", folder="random", steps=1)
    dice = random.Random(24)
    known: dict[str, tuple[int, bytes]] = {}
    killed_at: list[int] = []
    moments = ["cancel", "clear", "run"] * 6 + ["kill"] * 2
    dice.shuffle(moments)
    while moments:
        # The shared server takes over what the last killed one has left.
        with own_server(tmp_path, lab.output) if "kill" in moments else nullcontext(lab) as running:
            while moments:
                running.queue(graph)
                target = min(60, len(pictures(folder)) + dice.randrange(4))
                wait_until(running, folder, target)
                moment = moments.pop()
                if moment == "kill":
                    os.kill(running.server.process.pid, signal.SIGKILL)
                    running.server.process.wait(30)
                elif moment == "cancel":
                    running.post("/interrupt")
                elif moment == "clear":
                    running.post("/queue", clear=True)
                there = {name: entry for name, entry in pictures(folder).items() if name in recorded(folder)}
                assert known.items() <= there.items(), "a finished picture was touched"
                known = there
                if moment == "kill":
                    killed_at.append(len(known))
                    break
    assert 3 <= max(killed_at) < 60, "one was killed in the middle of its sweep"
    lab.post("/queue", clear=True)
    lab.wait_until_idle()
    _, jobs = lab.sweep(graph)
    assert not jobs or lab.report(jobs) == "60 of 60 pictures are there."
    check_folder(folder, 60, known)
