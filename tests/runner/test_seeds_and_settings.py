"""--seeds and --set find a value wherever it lives, and the workflow in a picture makes that picture again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
INFO: dict[str, Any] = json.loads((HERE / "data" / "nodes.json").read_text(encoding="utf-8"))
INFO["Add"] = {"input": {"required": {"a": ["INT", {}], "b": ["INT", {}]}}, "output": ["INT"]}


def case(name: str) -> Any:
    return json.loads((HERE / "cases" / f"{name}.json").read_text(encoding="utf-8"))


def jobs_of(data: Any, seeds: Any = (), *settings: str) -> tuple[list[Any], list[str]]:
    from steer.runner.batch.jobs import make_jobs
    from steer.runner.workflow import Setting

    said: list[str] = []
    return make_jobs({"w": (data, [])}, INFO, seeds, [Setting.parse(each) for each in settings], said.append), said


def values(job: Any, name: str) -> dict[str, Any]:
    """The values of that name, by the id of the node that runs with it."""
    found = {i: node["inputs"][name] for i, node in job.prompt.items() if name in node["inputs"]}
    return {
        i: job.prompt[value[0]]["inputs"]["value"] if isinstance(value, list) else value for i, value in found.items()
    }


def api(data: Any) -> Any:
    from steer.runner.workflow import to_prompt

    return to_prompt(data, INFO)


SEEDS = {
    "seed-by-primitive": ("24",),
    "seed-by-primitive-int": ("24",),
    "seed-and-refiner": ("24", "27"),
    "seed-in-subgraph": ("24:10",),
    "subgraph-listed-values": ("3:7",),
    "subgraph-all-inner-widgets": ("3:7",),
    "primitive-into-subgraph": ("3:7",),
}


@pytest.mark.parametrize("name", SEEDS)
@pytest.mark.parametrize("kind", ["ui", "api"])
def test_every_seed_is_set_and_the_workflow_in_a_picture_remakes_it(name: str, kind: str):
    data = case(name) if kind == "ui" else api(case(name))
    jobs, said = jobs_of(data, [1, 2])
    assert [job.name for job in jobs] == ["w-seed1", "w-seed2"]
    for job, seed in zip(jobs, (1, 2), strict=True):
        assert values(job, "seed") == dict.fromkeys(SEEDS[name], seed)
        if kind == "ui":
            assert api(job.workflow) == job.prompt
    several = len(SEEDS[name]) > 1
    assert said == (["Note: w: --seeds sets Seed.value (for KSampler.seed), Refine.seed."] if several else [])


def test_steers_lists_of_seeds_and_noise_have_the_seed():
    noise = {
        "class_type": "SteerSeededNoise",
        "inputs": {"seeds": ["1", 0], "rng": "ComfyUI (CPU)", "variation_seed": 4},
    }
    data = {
        "1": {"class_type": "SteerSeeds", "inputs": {"text": "11-18"}},
        "2": noise,
        "3": {"class_type": "RandomNoise", "inputs": {"noise_seed": 5}},
    }
    (job,), said = jobs_of(data, [7])
    assert job.prompt["1"]["inputs"]["text"] == "7"
    assert job.prompt["2"]["inputs"]["variation_seed"] == 4
    assert job.prompt["3"]["inputs"]["noise_seed"] == 7
    assert said == ["Note: w: --seeds sets SteerSeeds.text, RandomNoise.noise_seed."]


def test_a_seed_that_is_computed_is_set_at_its_source_or_refused():
    from steer.runner.workflow import WorkflowError

    def data(b: Any) -> Any:
        prompt = api(case("seed-by-primitive-int"))
        prompt["31"] = {"class_type": "Add", "inputs": {"a": ["30", 0], "b": b}, "_meta": {"title": "Sum"}}
        prompt["24"]["inputs"]["seed"] = ["31", 0]
        return prompt

    (job,), _ = jobs_of(data(1000), [2])
    assert job.prompt["30"]["inputs"]["value"] == 2
    other = data(["32", 0]) | {"32": {"class_type": "PrimitiveInt", "inputs": {"value": 9}}}
    with pytest.raises(WorkflowError, match=r"w: --seeds: KSampler.seed comes from 'Sum' \(Add\), where there is no"):
        jobs_of(other, [2])


def test_no_name_says_a_seed_that_is_not_the_pictures():
    jobs, _ = jobs_of(case("seed-in-subgraph"), [1, 2], "Block.seed=5")
    assert [job.name for job in jobs] == ["w"]
    assert values(jobs[0], "seed") == {"24:10": 5}


@pytest.mark.parametrize(
    ("name", "setting", "node", "widget", "value"),
    [
        ("seed-in-subgraph", "Block.seed=5", "24:10", "seed", 5),
        ("seed-in-subgraph", "KSampler.seed=5", "24:10", "seed", 5),
        ("seed-in-subgraph", "24:10.seed=5", "24:10", "seed", 5),
        ("seed-in-subgraph", "KSampler.steps=5", "24:10", "steps", 5),
        ("seed-by-primitive", "KSampler.seed=5", "24", "seed", 5),
        ("seed-by-primitive", "PrimitiveNode.value=5", "24", "seed", 5),
        ("seed-by-primitive-int", "KSampler.seed=5", "30", "value", 5),
        ("seed-by-primitive-int", "Seed.value=5", "30", "value", 5),
        ("same-title", 'Same.text={"a":1}', "21", "text", '{"a":1}'),
        ("same-title", "Same.text=true", "22", "text", "true"),
        ("same-title", "Same.text=", "22", "text", ""),
        ("same-title", "Same.text=5", "22", "text", "5"),
        ("same-title", "KSampler.cfg=5", "24", "cfg", 5.0),
        ("same-title", "KSampler.cfg=.5e1", "24", "cfg", 5.0),
        ("same-title", "KSampler.steps= 7.0 ", "24", "steps", 7),
        ("same-title", "KSampler.sampler_name=HEUN", "24", "sampler_name", "heun"),
        (
            "name-with-backslash",
            "LoraLoaderModelOnly.lora_name=SUB\\FOO.safetensors",
            "40",
            "lora_name",
            "sub/foo.safetensors",
        ),
    ],
)
def test_a_setting_reaches_its_value_and_takes_its_type_from_the_widget(
    name: str, setting: str, node: str, widget: str, value: Any
):
    for data in (case(name), api(case(name))):
        if data is not None and "nodes" not in data and (":" in node or name == "seed-by-primitive"):
            continue  # an API file has neither subgraphs nor primitives
        (job,), _ = jobs_of(data, (), setting)
        found = job.prompt[node]["inputs"][widget]
        assert (found, type(found)) == (value, type(value))
        if job.workflow is not None:
            assert api(job.workflow) == job.prompt


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("KSampler.steps=true", r"--set KSampler.steps: 'true' is no whole number. Write for example 20."),
        ("KSampler.steps=2.5", "'2.5' is no whole number"),
        ('KSampler.steps={"a":1}', "is no whole number"),
        ("KSampler.cfg=nan", "'nan' is no number. Write for example 0.5."),
        ("KSampler.cfg=1e999", "'1e999' is no number"),
        ("KSampler.model=5", "its value comes from the node 'Demo Model' by a link. Set it there."),
        ("KSampler.nothing=5", "the node has no such widget. It has: seed, steps, cfg"),
        ("Nobody.steps=5", "no workflow has a node titled 'Nobody'. There are: .*KSampler"),
    ],
)
def test_a_value_that_the_widget_does_not_take_is_refused(setting: str, words: str):
    from steer.runner.workflow import WorkflowError

    with pytest.raises(WorkflowError, match=words):
        jobs_of(case("same-title"), (), setting)


def test_the_date_of_a_file_name_makes_no_other_job():
    (job,), _ = jobs_of(case("text-replacement"))
    prefix = case("text-replacement")["nodes"][-1]["widgets_values"][0]
    assert job.dated == (("26", "filename_prefix", prefix),)
    assert job.prompt["26"]["inputs"]["filename_prefix"] != prefix

    later = {
        **job.prompt,
        "26": {**job.prompt["26"], "inputs": {**job.prompt["26"]["inputs"], "filename_prefix": "later"}},
    }
    assert dataclasses.replace(job, prompt=later).key == job.key


def test_what_newer_frontends_read_first_does_not_hold_the_old_value():
    data = case("same-title")
    data["nodes"][4]["widgets_values_named"] = {"seed": 7}
    (job,), _ = jobs_of(data, [3])
    assert "widgets_values_named" not in job.workflow["nodes"][4]
    assert data["nodes"][4]["widgets_values_named"] == {"seed": 7}


def test_an_api_file_with_foreign_nodes_is_refused_with_all_of_them():
    from steer.runner.workflow import WorkflowError

    data = api(case("same-title")) | {str(n): {"class_type": f"Foreign{n}", "inputs": {}} for n in (1, 2, 3)}
    with pytest.raises(WorkflowError, match="w: This ComfyUI has no node named Foreign1, Foreign2, Foreign3"):
        jobs_of(data, [1])


def test_a_workflow_of_which_nothing_runs_is_refused():
    from steer.runner.workflow import WorkflowError

    for nodes in ([], [{"id": 1, "type": "Note"}], [{"id": 1, "type": "EmptyImage", "mode": 2}]):
        with pytest.raises(WorkflowError, match="w: nothing of it runs"):
            jobs_of({"nodes": nodes})
