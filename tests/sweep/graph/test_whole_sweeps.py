"""A Sweep Graph on a real server: what it makes, what it makes again, and what its pictures carry."""

from __future__ import annotations

import io
import json
import re
import threading

import pytest
from graph_lab import (
    PROMPT,
    GraphLab,
    failing_sweep,
    moods_and_seeds,
    node,
    noise_graph,
    noise_sweep,
    read_pixels,
    read_texts,
    seeds,
    swaps,
    tiny_graph,
    values,
    with_graph,
    with_value,
)
from PIL import Image
from steer.nodes.sweep.folder.manifest import Manifest

pytestmark = pytest.mark.server


def test_every_cell_is_the_value_typed_in_and_the_rest_runs_once(lab: GraphLab):
    graph = moods_and_seeds("1-3", folder="whole")
    graph["3"]["_meta"] = {"title": "Moods"}
    graph["other"] = node("SaveImage", images=["10", 0], filename_prefix="whole-other")
    graph["sheet"] = node("SaveImage", images=["99", 0], filename_prefix="whole-sheet")
    text, jobs = lab.sweep(graph)
    assert "2 (prompt) x 3 (seed): 6 cells. 6 to make" in text
    assert "Order: prompt, then seed" in text
    assert len(jobs) == 7
    axes = Manifest(lab.output / "whole").grids[0].axes
    assert [axis.title for axis in axes] == ["Moods", ""], "the page and the sheet call an axis by its node's title"
    cells = lab.cells("whole")
    for (mood, seed), pixels in cells.items():
        typed = tiny_graph()
        typed["7"]["inputs"]["text"] = PROMPT.replace("smiling", mood)
        typed["9"]["inputs"]["seed"] = int(seed.split()[1])
        assert (lab.made_by_hand(typed, ["10", 0]) == pixels).all(), (mood, seed)
    assert len(list(lab.output.glob("whole-other*.png"))) == 1, "it runs once, not once a cell"
    assert len(list(lab.output.glob("whole-sheet*.png"))) == 1
    assert (lab.output / "whole" / "index.html").is_file()
    children = [lab.history(job)["prompt"][2] for job in jobs[:-1]]
    kinds = [{each["class_type"] for each in child.values()} for child in children]
    assert all(kind == {*(n["class_type"] for n in tiny_graph().values()), "SteerSweepGraph"} for kind in kinds)
    assert [child["9"]["inputs"]["seed"] for child in children] == [1, 2, 3, 1, 2, 3]


def test_the_next_run_makes_only_what_is_missing(lab: GraphLab):
    lab.sweep(noise_sweep("1-4", folder="again"))
    before = {path: path.stat().st_mtime_ns for path in (lab.output / "again").glob("*.png")}
    text, jobs = lab.start(noise_sweep("1-4", folder="again"))
    assert (jobs, text) == ([], "4 (seed): 4 cells. 4 are there already. 0 to make, each a job of the queue.")
    text, jobs = lab.sweep(noise_sweep("1-6", folder="again"))
    assert len(jobs) == 3
    assert "2 to make" in text
    gone = next(iter(before))
    gone.unlink()
    text, jobs = lab.sweep(noise_sweep("1-6", folder="again"))
    assert len(jobs) == 2
    after = {path: path.stat().st_mtime_ns for path in (lab.output / "again").glob("*.png")}
    assert len(after) == 6
    assert {path for path in before if after[path] != before[path]} == {gone}


def test_a_complete_sweep_gives_its_sheet_at_once_and_then_from_the_cache(lab: GraphLab):
    graph = noise_sweep("1-2", folder="sheet") | {"p": node("PreviewImage", images=["99", 0])}
    lab.sweep(graph)
    first = lab.client.run(graph)
    assert [each.node_id for each in first.pictures].count("p") == 1
    assert "99" in lab.client.run(graph).cached


def test_a_saved_picture_makes_itself(lab: GraphLab):
    lab.sweep(moods_and_seeds("7", folder="itself"))
    for labels, path in lab.files("itself").items():
        prompt = read_texts(path)["prompt"]
        assert prompt["99"]["inputs"]["cell"] == "; ".join(labels)
        assert "SteerSweepValue" not in {each["class_type"] for each in prompt.values()}
        (again,) = lab.client.run(prompt).pictures
        assert again.type == "output"
        assert (read_pixels(lab.output / again.subfolder / again.filename) == read_pixels(path)).all()
    assert len(lab.files("itself")) == 2, "the folder's record does not count it"


def test_one_cell_of_the_whole_graph_by_its_labels(lab: GraphLab):
    lab.sweep(moods_and_seeds("7-8", folder="labels"))
    graph = moods_and_seeds("7-8", folder="labels", cell="angry; seed 8")
    (picture,) = lab.client.run(graph).pictures
    assert picture.filename.startswith("angry-seed_8-")
    pixels = read_pixels(lab.output / picture.subfolder / picture.filename)
    assert (pixels == lab.cells("labels")["angry", "seed 8"]).all(), "index 0 stands in the graph, the labels count"


def test_one_value_goes_to_an_int_and_a_float_also_in_a_plain_run(lab: GraphLab):
    graph = tiny_graph() | {"a": values("number", "1, 2")}
    graph = with_value(graph, "11", "a", ("9", "steps"), ("9", "cfg"))
    lab.sweep(with_graph(graph, ["10", 0], folder="both"))
    assert [lab.history(job)["status"]["status_str"] for job in lab.sweep(with_graph(graph, ["10", 0], folder="b2"))[1]]
    for label, pixels in lab.cells("both").items():
        typed = tiny_graph()
        typed["9"]["inputs"] |= {"steps": int(label[0][-1]), "cfg": float(label[0][-1])}
        assert (lab.made_by_hand(typed, ["10", 0]) == pixels).all()
    graph["save"] = node("SaveImage", images=["10", 0], filename_prefix="plain")
    (picture,) = lab.client.run(graph).pictures
    assert (read_pixels(lab.output / picture.filename) == lab.cells("both")["steps 1",]).all()


def test_early_pick_behind_a_sweep_gives_each_chosen_seed_a_cell(lab: GraphLab):
    """Each cell is the whole run of the seed that it picks."""
    noise = {"rng": "ComfyUI (CPU)", "variation_seed": 0, "variation_strength": 0.0, "batch_size": 0}
    sockets = {"guider": ["g", 0], "sampler": ["k", 0], "sigmas": ["t", 0], "latent_image": ["2", 0]}
    early = {"vae": ["1", 2], "steps": 1, "pick": "", "batch_size": 1, "cell_size": 64}
    graph = {name: each for name, each in tiny_graph().items() if name != "9"} | {
        "s": seeds("1-3"),
        "n": node("SteerSeededNoise", seeds=["s", 0], **noise),
        "g": node("CFGGuider", model=["1", 0], positive=["7", 0], negative=["8", 0], cfg=4.0),
        "k": node("KSamplerSelect", sampler_name="euler"),
        "t": node("BasicScheduler", model=["1", 0], scheduler="normal", steps=3, denoise=1.0),
        "p": node("SteerEarlyPick", noise=["n", 0], **sockets, **early),
        "a": values("text", "3\n1"),
    }
    graph["10"]["inputs"]["samples"] = ["p", 0]
    lab.sweep(with_graph(with_value(graph, "11", "a", ("p", "pick")), ["10", 0], folder="picked"))
    cells = lab.cells("picked")
    assert set(cells) == {("1",), ("3",)}
    graph["p"] = node("SamplerCustomAdvanced", noise=["r", 0], **sockets)
    for label, pixels in cells.items():
        graph["r"] = node("RandomNoise", noise_seed=int(label[0]))
        assert (lab.made_by_hand(graph, ["10", 0]) == pixels).all(), label


def test_values_of_every_kind(lab: GraphLab):
    """Texts to a choice in other letters, a switch, a number below 0, a label to a text."""
    graph = tiny_graph() | {
        "s": values("text", "EULER\nheun"),
        "t": values("text", "true\nfalse"),
        "i": node("ImageScale", image=["10", 0], upscale_method="bilinear", width=32, height=32, crop="center"),
        "l": node("ConditioningZeroOut", conditioning=["8", 0]),
        "w": node("ComfySwitchNode", switch=True, on_true=["i", 0], on_false=["10", 0]),
    }
    if "ComfySwitchNode" not in lab.client.get("/object_info"):
        graph["w"] = node("ImageInvert", image=["i", 0])
        graph["t"] = values("text", "center\ndisabled")
    graph = with_value(graph, "11", "s", ("9", "sampler_name"))
    switch = ("w", "switch") if "switch" in graph["w"]["inputs"] else ("i", "crop")
    graph = with_value(graph, "12", "t", switch)
    graph["7"]["inputs"]["text"] = ["11", 1]
    _, jobs = lab.sweep(with_graph(graph, ["w", 0], folder="kinds"))
    assert lab.report(jobs) == "4 of 4 pictures are there."
    child = lab.history(jobs[0])["prompt"][2]
    assert child["9"]["inputs"]["sampler_name"] == "euler"
    assert child["7"]["inputs"]["text"] == "EULER"


def test_two_axes_change_one_prompt(lab: GraphLab):
    graph = tiny_graph() | {"3": swaps("angry"), "4": swaps("meadows", find="backstreet")}
    graph = with_value(graph, "11", "3", text=PROMPT)
    graph = with_value(graph, "12", "4", ("7", "text"))
    graph["12"]["inputs"]["text"] = ["11", 0]
    _, jobs = lab.sweep(with_graph(graph, ["10", 0], folder="chain"))
    texts = [lab.history(job)["prompt"][2]["7"]["inputs"]["text"] for job in jobs[:-1]]
    assert sorted(texts) == sorted(
        ["girl, smiling, backstreet", "girl, smiling, meadows", "girl, angry, backstreet", "girl, angry, meadows"]
    )
    (saved,) = lab.client.run(graph | {"save": node("SaveImage", images=["10", 0], filename_prefix="p")}).pictures
    assert (read_pixels(lab.output / saved.filename) == lab.cells("chain")["smiling", "backstreet"]).all()


def test_a_cell_that_fails_breaks_no_chain_and_says_why(lab: GraphLab):
    _, jobs = lab.sweep(failing_sweep("1\nno seeds here\n1-3\nnor here", folder="fails"))
    report = lab.report(jobs)
    assert report.startswith("2 of 4 pictures are there.")
    assert "2 failed. The next Run tries them again:" in report
    assert "- no seeds here: SteerSeeds (node s): text" in report
    assert set(lab.files("fails")) == {("1",), ("1-3",)}
    lines = [json.loads(line) for line in (lab.output / "fails" / "manifest.jsonl").read_text().splitlines()]
    assert sum(line.get("error") is not None for line in lines) == 2
    text, jobs = lab.sweep(failing_sweep("1\nno seeds here\n1-3\nnor here", folder="fails"))
    assert "2 to make" in text


def test_with_stop_the_rest_ends_without_work(lab: GraphLab):
    _, jobs = lab.sweep(failing_sweep("no\n1\n1-3\n1-4", folder="stops", on_error="stop"))
    lab.wait_until_idle()
    assert "Stopped: the cell 'no' failed, and on_error is stop." in lab.report(jobs)
    assert lab.files("stops") == {}


def test_batches_and_more_pictures_of_a_cell(lab: GraphLab):
    graph = noise_sweep("1-2", folder="several")
    graph["1"]["inputs"]["batch_size"] = 2
    graph["99"]["inputs"] |= {"images_2": ["1", 0], "latent": ["l", 0]}
    graph["l"] = node("EmptyLatentImage", width=64, height=64, batch_size=1)
    lab.sweep(graph)
    names = sorted(path.name for path in (lab.output / "several").iterdir())
    stems = [path.stem for path in lab.files("several").values()]
    assert names == sorted(
        [f"{stem}{end}" for stem in stems for end in (".png", "-2.png", "-3.png", "-4.png", ".latent")]
        + ["index.html", "manifest.jsonl"]
    )


def test_join_axes_sets_rows_and_columns(lab: GraphLab):
    graph = noise_sweep("1-2", "0.2, 0.4, 0.6", folder="rows")
    lab.sweep(graph)
    graph["j"] = node("SteerJoinAxes", axis_1=["b", 0], axis_2=["a", 1])
    graph["99"]["inputs"]["axes"] = ["j", 0]
    text, jobs = lab.start(graph)
    assert jobs == []
    assert "3 (strength) x 2 (seed): 6 cells. 6 are there already." in text


def test_a_seed_that_the_frontend_changes_is_no_part_of_a_resume(lab: GraphLab):
    def run(seed: int, control: str) -> tuple[str, list[str]]:
        graph = with_value(noise_graph() | {"a": values("number", "0.2, 0.4")}, "11", "a", ("2", "strength"))
        graph["2"]["inputs"]["seed"] = seed
        drawn = {"nodes": [{"id": 2, "type": "ImageAddNoise", "widgets_values": [seed, control, 0.2]}]}
        return lab.sweep(
            with_graph(graph, ["2", 0], folder="moving"), extra_data={"extra_pnginfo": {"workflow": drawn}}
        )

    _, jobs = run(5, "randomize")
    assert len(jobs) == 3
    next(iter(lab.files("moving").values())).unlink()
    text, jobs = run(77, "randomize")
    assert len(jobs) == 2
    assert "seed of ImageAddNoise (node 2) was changed after the last Run. The pictures of this folder have 5" in text
    assert {read_texts(path)["prompt"]["2"]["inputs"]["seed"] for path in lab.files("moving").values()} == {5}
    assert len(run(78, "fixed")[1]) == 3, "a seed that was set by hand counts"


def test_secrets_and_other_extra_data_go_with_the_jobs_and_into_no_file(lab: GraphLab):
    extra = {
        "api_key_comfy_org": "a-secret-key",
        "auth_token_comfy_org": "a-secret-token",
        "extra_pnginfo": {"note": 1},
    }
    _, jobs = lab.sweep(noise_sweep("1-2", folder="secret"), extra_data=extra, client_id="somebody")
    for job in jobs:
        prompt = lab.history(job)["prompt"]
        assert "a-secret" not in json.dumps(prompt)
        assert prompt[3]["client_id"] == "somebody"
        assert prompt[3]["extra_pnginfo"] == {"note": 1}
    for path in (lab.output / "secret").iterdir():
        assert b"a-secret" not in path.read_bytes(), path


def test_no_more_than_fifty_jobs_wait(lab: GraphLab):
    waiting: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            waiting.append(len(lab.client.get("/queue")["queue_pending"]))

    watcher = threading.Thread(target=watch)
    watcher.start()  # before the first cell: they are quick
    try:
        last = lab.jobs(lab.queue(noise_sweep("1-70", folder="many")))[-1]
        lab.history(last)
    finally:
        ended.set()
        watcher.join()
    assert 40 <= max(waiting) <= 50
    assert len(lab.files("many")) == 70


def test_seeds_above_the_floats_stay_exact(lab: GraphLab):
    graph = with_value(noise_graph() | {"a": seeds("18446744073709551614, 9007199254740993")}, "11", "a", ("2", "seed"))
    _, jobs = lab.sweep(with_graph(graph, ["2", 0], folder="large"))
    assert [lab.history(job)["prompt"][2]["2"]["inputs"]["seed"] for job in jobs[:-1]] == [
        18446744073709551614,
        9007199254740993,
    ]


def test_a_folder_of_pictures_goes_through_one_graph(lab: GraphLab):
    expected = {}
    for number in (2, 10):
        image = Image.effect_noise((64, 64), 10 * number).convert("RGB")
        content = io.BytesIO()
        image.save(content, "PNG")
        lab.client.upload(f"graph-lab-folder/photo{number}.png", content.getvalue())
        typed = {"l": node("LoadImage", image=f"graph-lab-folder/photo{number}.png"), "i": node("ImageInvert")}
        typed["i"]["inputs"]["image"] = ["l", 0]
        expected[f"photo{number}",] = lab.made_by_hand(typed, ["i", 0])
    graph = {"f": node("SteerImageAxis", files="graph-lab-folder"), "i": node("ImageInvert")}
    graph = with_value(graph, "v", "f")
    graph["i"]["inputs"]["image"] = ["v", 2]
    _, jobs = lab.sweep(with_graph(graph, ["i", 0], folder="photos"))
    cells = lab.cells("photos")
    assert list(cells) == list(expected)
    assert all((cells[labels] == pixels).all() for labels, pixels in expected.items())
    child = lab.history(jobs[0])["prompt"][2]
    assert child["v"] == node("LoadImage", image="graph-lab-folder/photo2.png"), "any ComfyUI can make it again"


def test_poses_go_through_one_graph(lab: GraphLab):
    for number in (1, 2):
        points = [60.0, 20.0 * number, 1.0] + [60.0, 60.0, 1.0] + [0.0] * 48
        pose = {"people": [{"pose_keypoints_2d": points}], "canvas_width": 128, "canvas_height": 128}
        lab.client.upload(f"graph-lab-poses/p{number}.json", json.dumps(pose).encode())
    info = lab.client.get("/object_info")["SteerPoseRender"]["input"]["required"]
    widgets = {name: spec[1]["default"] for name, spec in info.items() if len(spec) > 1 and "default" in spec[1]}
    socket = next(name for name, spec in info.items() if spec[0] == "POSE_KEYPOINT")
    graph = {"f": node("SteerImageAxis", files="graph-lab-poses/*.json"), "r": node("SteerPoseRender", **widgets)}
    graph = with_graph(with_value(graph, "v", "f", ("r", socket)), ["r", 0], folder="poses")
    lab.sweep(graph)
    cells = lab.cells("poses")
    assert list(cells) == [("p1",), ("p2",)]
    assert (cells["p1",] != cells["p2",]).any()
    path = lab.files("poses")["p2",]
    (again,) = lab.client.run(read_texts(path)["prompt"]).pictures
    assert (read_pixels(lab.output / again.subfolder / again.filename) == cells["p2",]).all()


def test_nodes_within_subgraphs_within_subgraphs(lab: GraphLab):
    names = {"11": "20:4:1", "2": "20:4:7", "1": "20:3"}
    graph = json.loads(
        re.sub(r'"(11|2|1)"', lambda m: f'"{names[m[1]]}"', json.dumps(noise_sweep("1-2", folder="deep")))
    )
    _, jobs = lab.sweep(graph)
    assert lab.report(jobs) == "2 of 2 pictures are there."
    assert (
        lab.client.run(graph | {"99": graph["99"] | {"inputs": graph["99"]["inputs"] | {"cell": "seed 2"}}})
    ).pictures


def test_a_script_that_runs_it_gets_all_pictures(lab: GraphLab):
    outcome = lab.client.run(noise_sweep("1-3", folder="script") | {"p": node("PreviewImage", images=["99", 0])})
    saved = [each for each in outcome.pictures if each.type == "output"]
    assert [each.filename.rpartition("-")[0] for each in saved] == ["seed_1", "seed_2", "seed_3"]
    assert [each.node_id for each in outcome.pictures].count("p") == 1
    assert outcome.texts["99"][-1] == "3 of 3 pictures are there."
