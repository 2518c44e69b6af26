"""queue: jobs as data, results that are there once, and batches on real servers."""

from __future__ import annotations

import copy
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from batches import noisy_prompt, plain_png, prompt_in
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
RUN = [sys.executable, str(ROOT / "run.py"), "queue"]
INFO: dict[str, Any] = {
    "LoadImage": {"input": {"required": {"image": [[], {"image_upload": True}]}}},
    "Sampler": {
        "input": {
            "required": {
                "image": ["IMAGE"],
                "seed": ["INT", {"default": 0, "control_after_generate": True}],
                "steps": ["INT", {"default": 20}],
            }
        },
        "input_order": {"required": ["image", "seed", "steps"]},
        "output": ["IMAGE"],
        "output_name": ["IMAGE"],
        "output_is_list": [False],
    },
}
INFO["LoadImage"] |= {
    "input_order": {"required": ["image"]},
    "output": ["IMAGE"],
    "output_name": ["IMAGE"],
    "output_is_list": [False],
}


def graph() -> dict[str, Any]:
    """A UI workflow: a picture into a sampler with a seed."""
    return {
        "nodes": [
            {
                "id": 1,
                "type": "LoadImage",
                "mode": 0,
                "inputs": [],
                "widgets_values": ["a.png", "image"],
                "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}],
                "properties": {},
            },
            {
                "id": 2,
                "type": "Sampler",
                "title": "My sampler",
                "mode": 0,
                "outputs": [],
                "properties": {},
                "inputs": [{"name": "image", "type": "IMAGE", "link": 1}],
                "widgets_values": [7, "randomize", 20],
            },
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
        "version": 0.4,
    }


def test_a_setting_changes_its_widget_alone():
    """The value behind a seed, such as "randomize", is no widget of the node."""
    from steer.runner.workflow import Setting, Workflow

    names = {"seed": ["INT", {}], "steps": ["INT", {}], "cfg": ["FLOAT", {}], "name": [["euler", "heun"], {}]}
    info = {
        "KSampler": {
            "input": {"required": names},
            "input_order": {"required": list(names)},
            "output": [],
            "output_name": [],
            "output_is_list": [],
        }
    }
    sampler = {
        "id": 1,
        "type": "KSampler",
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "properties": {},
        "widgets_values": [7, "randomize", 20, 8.0, "euler"],
    }
    workflow = {"nodes": [sampler], "links": [], "version": 0.4}
    before = {"seed": 7, "steps": 20, "cfg": 8.0, "name": "euler"}
    assert Workflow(workflow, info).prompt["1"]["inputs"] == before
    for name, value in {"seed": 3, "steps": 30, "cfg": 2.0, "name": "heun"}.items():
        changed = Setting("KSampler", name, value).apply(Workflow(workflow, info))
        assert changed.prompt["1"]["inputs"] == before | {name: value}
        assert changed.data["nodes"][0]["widgets_values"][1] == "randomize"


def api() -> dict[str, Any]:
    from steer.runner.workflow import to_prompt

    return to_prompt(graph(), INFO)


@pytest.mark.parametrize("kind", ["ui", "api"])
def test_one_job_a_seed_and_settings_after_that(tmp_path: Path, kind: str):
    from steer.runner.batch.jobs import make_jobs
    from steer.runner.workflow import Setting, to_prompt
    from steer.runner.workflow.prompt import WorkflowError

    data = graph() if kind == "ui" else api()
    untouched = copy.deepcopy(data)
    plain_png(tmp_path / "a.png", (1, 2, 3))
    jobs = make_jobs({"w": (data, [tmp_path])}, INFO, [3, 4], [Setting("my sampler", "steps", 5)])
    assert [job.name for job in jobs] == ["w-seed3", "w-seed4"]
    assert [job.prompt["2"]["inputs"]["seed"] for job in jobs] == [3, 4]
    assert {job.prompt["2"]["inputs"]["steps"] for job in jobs} == {5}
    assert jobs[0].files[0].path == tmp_path / "a.png"
    assert data == untouched
    for job in jobs if kind == "ui" else ():
        assert job.workflow is not None
        assert to_prompt(job.workflow, INFO) == job.prompt, "a saved picture opens as what made it"
    fixed = make_jobs({"w": (data, [])}, INFO, [3, 4], [Setting("Sampler", "seed", 9)])
    assert {job.prompt["2"]["inputs"]["seed"] for job in fixed} == {9}, "--set has the last word"
    for settings, words in [
        ([Setting("Other", "steps", 1)], "no workflow has a node titled 'Other'. There are: LoadImage, My sampler"),
        ([Setting("My sampler", "stepz", 1)], "no such widget. It has: seed, steps"),
    ]:
        with pytest.raises(WorkflowError, match=words):
            make_jobs({"w": (data, [])}, INFO, [], settings)
    lone = {"1": api()["1"]}
    with pytest.raises(WorkflowError, match="w: --seeds: it has no widget named seed"):
        make_jobs({"w": (lone, [])}, INFO, [1])


def test_the_key_is_of_all_that_makes_the_result_and_of_nothing_else(tmp_path: Path):
    from steer.runner.batch.jobs import make_jobs

    def key(prompt: dict[str, Any], folder: Path = tmp_path, name: str = "w") -> str:
        return make_jobs({name: (prompt, [folder])}, INFO)[0].key

    (tmp_path / "other").mkdir()
    plain_png(tmp_path / "a.png", (1, 2, 3))
    same = api()
    same["2"]["_meta"]["title"] = "renamed"
    assert key(same, name="other name") == key(api())
    assert key(dict(reversed(api().items()))) == key(api())
    keys = {key(api())}
    for node, widget, value in [("2", "seed", 8), ("2", "steps", 21), ("1", "image", "b.png")]:
        changed = api()
        changed[node]["inputs"][widget] = value
        keys.add(key(changed))
    keys.add(key(api(), tmp_path / "other"))
    plain_png(tmp_path / "a.png", (1, 2, 4))
    keys.add(key(api()))
    assert len(keys) == 6


def test_the_key_is_of_the_content_of_models_where_it_is_known():
    from steer.runner.batch.jobs import BatchJob

    plain = BatchJob("w", api())
    with_lora = BatchJob("w", {"1": {"class_type": "LoraLoader", "inputs": {"lora_name": "a.safetensors"}}})
    assert plain.with_models({"a.safetensors": "1" * 64}).key == plain.key, "it names no model"
    keys = {
        with_lora.with_models(known).key for known in ({}, {"a.safetensors": "1" * 64}, {"a.safetensors": "2" * 64})
    }
    assert with_lora.key in keys
    assert len(keys) == 3


names = st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text)


@given(st.lists(st.tuples(names, st.booleans()), max_size=6), st.integers(0, 60))
def test_results_are_found_again_and_only_while_their_files_are_there(
    tmp_path_factory: pytest.TempPathFactory, ends: list[tuple[str, bool]], torn: int
):
    from steer.runner.batch.jobs import BatchJob
    from steer.runner.batch.results import Results

    folder = tmp_path_factory.mktemp("out")
    jobs = [BatchJob(name, noisy_prompt(seed=i)) for i, (name, _) in enumerate(ends)]
    results = Results(folder / "r")
    for job, (_, good) in zip(jobs, ends, strict=True):
        if good:
            results.save(job, "s", 1.0, [(r"x\..\evil.PNG", b"one"), ("/etc/passwd", b"two")])
        else:
            results.fail(job, "s", "no")
    good_jobs = [job for job, (_, good) in zip(jobs, ends, strict=True) if good]
    assert {path.parent for path in folder.rglob("*") if path.is_file()} <= {folder / "r"}
    again = Results(folder / "r")
    assert [job for job in jobs if again.finished(job.key)] == good_jobs
    if good_jobs:
        result = again.finished(good_jobs[0].key)
        assert result is not None
        (folder / "r" / result.files[1].name).write_bytes(b"cut")
        assert again.finished(good_jobs[0].key) is None, "the same length, and another content"
        (folder / "r" / result.files[1].name).write_bytes(b"two")
        assert again.finished(good_jobs[0].key) is not None
        (folder / "r" / result.files[1].name).write_bytes(b"")
        assert again.finished(good_jobs[0].key) is None
        text = again.path.read_bytes()
        again.path.write_bytes(text[: max(0, len(text) - torn)])
        left = Results(folder / "r")
        assert set(left.last) <= set(again.last)
        last = left.save(jobs[0], "s", 1.0, [("a.png", b"x")])
        assert Results(folder / "r").finished(jobs[0].key) == last, "a torn line spoils none that follows"


def test_long_and_similar_names_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.runner.batch import results
    from steer.runner.batch.jobs import BatchJob
    from steer.runner.batch.sweeps import KINDS, DividedSweep
    from steer.runner.files import MAX_STEM, folder_name, safe_name

    long = "\uace0\uc591\uc774" * 40
    names = [f"{long}-seed{seed}" for seed in range(1, 9)] + ["a b", "a_b", "a/b", "w", "", " ", "x" * 300, "x" * 301]
    folders = [folder_name(name) for name in names]
    assert len(set(folders)) == len(names)
    assert [folder_name(name) for name in ("a_b", "w", "w-seed3")] == ["a_b", "w", "w-seed3"]
    assert all(safe_name(name).endswith(name[-6:]) for name in names[:8]), "the seed is still there"
    assert all(len(safe_name(name).encode()) <= MAX_STEM for name in names)
    taken: list[Path] = []
    monkeypatch.setattr(results, "divide", lambda job, ask, kinds: ([DividedSweep(job.name, None, ())], None))
    monkeypatch.setattr(
        results, "SweepResults", lambda folder, plan: taken.append(folder) or type("", (), {"todo": list})
    )
    sweep = {"1": {"class_type": KINDS[0], "inputs": {}}}
    results.Batch(tmp_path).add([BatchJob(name, sweep) for name in names], lambda job: [], [])
    assert taken == [tmp_path / folder for folder in folders]


def queue(folder: Path, *arguments: str, timeout: float = 120) -> tuple[int, str]:
    done = subprocess.run(
        [*RUN, *arguments], capture_output=True, text=True, timeout=timeout, cwd=folder, encoding="utf-8"
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def listed(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text("ascii").splitlines()]


def write(path: Path, prompt: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(prompt), encoding="utf-8")
    return path


def test_a_folder_belongs_to_one_batch_at_a_time(tmp_path: Path):
    from steer.runner.batch.results import claim_folder
    from steer.runner.comfyui.messages import QueueError

    folder = tmp_path / "out"
    with (
        claim_folder(folder),
        pytest.raises(QueueError, match=r"another batch is at work in .*out.*--out"),
        claim_folder(folder),
    ):
        pytest.fail("two have it")
    with claim_folder(folder), claim_folder(tmp_path / "other"):
        pass


@pytest.mark.server
def test_a_batch_is_done_once_and_a_second_run_does_what_is_missing(server, client, tmp_path: Path):
    """Two workflows of one name, each with an input picture a.png of its own; one job that cannot succeed."""
    for name, color in (("one", (200, 0, 0)), ("two", (0, 0, 200))):
        write(tmp_path / name / "w.json", noisy_prompt(image="deep/a.png"))
        plain_png(tmp_path / name / "input" / "deep" / "a.png", color)
    bad = noisy_prompt()
    bad["2"]["inputs"]["strength"] = "much"
    write(tmp_path / "bad.json", bad)
    batch = ["one/w.json", "two/w.json", "bad.json", "--seeds", "1-2", "--comfyui-url", server.url, "--out", "out"]
    code, text = queue(tmp_path, *batch)
    assert code == 1, text
    assert text.count("done    w") == 4
    assert text.count("failed  bad-seed") == 2
    assert "strength" in text
    found = {}
    for result in listed(tmp_path / "out"):
        for file in result["files"]:
            content = (tmp_path / "out" / file["name"]).read_bytes()
            seed = prompt_in(content)["2"]["inputs"]["seed"]
            assert file["name"].startswith(f"{result['name']}-")
            with Image.open(io.BytesIO(content)) as picture:
                red, _, blue = (sum(channel) // 2 for channel in picture.convert("RGB").getextrema())
            found[result["name"]] = (seed, red > blue)
    assert found == {"w-seed1": (1, True), "w-seed2": (2, True), "w-2-seed1": (1, False), "w-2-seed2": (2, False)}
    before = len(client.get("/history"))
    next((tmp_path / "out").glob("w-2-seed1*.png")).unlink()
    write(tmp_path / "bad.json", noisy_prompt())
    code, text = queue(tmp_path, *batch)
    assert code == 0, text
    assert text.count("done    ") == 3
    assert "3 of 6 jobs are done already" in text
    assert len(client.get("/history")) == before + 3
    assert len(list((tmp_path / "out").glob("*.png"))) == 6


@pytest.mark.server
def test_faults_of_the_call_are_named_before_anything_is_sent(server, client, tmp_path: Path):
    from steer.runner.comfyui.process import free_port

    file = str(write(tmp_path / "w.json", noisy_prompt()))
    before = len(client.get("/history"))
    url = ["--comfyui-url", server.url]
    for arguments, words in [
        ([file, "--comfyui-url", f"127.0.0.1:{free_port()}", "--patience", "1"], "no ComfyUI answers"),
        ([file, *url, "--seeds", "1-"], "--seeds: text, character"),
        ([file, *url, "--set", "Nothing.x=1"], "no workflow has a node titled 'Nothing'"),
        ([str(tmp_path / "none.json"), *url], "none.json: there is no such file in"),
    ]:
        code, text = queue(tmp_path, *arguments)
        assert code == 2, text
        assert words in text
    assert not (tmp_path / "output").exists()
    assert len(client.get("/history")) == before
