"""Every bundled workflow is clean JSON of format 0.4 that the frontend opens without repairing it."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from steer.runner.workflow import is_twin

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "workflows").glob("*.json"))
CNR_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]$")


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def workflow(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def parts_of(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    """The subgraphs of a workflow."""
    return workflow.get("definitions", {}).get("subgraphs", [])


def test_there_are_workflows():
    assert {"02-forward-and-reverse-diffusion", "08-canny-same-face-angle"} <= {path.stem for path in FILES}


def test_head(workflow: dict[str, Any]):
    assert workflow["version"] == 0.4
    uuid.UUID(workflow["id"])
    ids = [node["id"] for graph in (workflow, *parts_of(workflow)) for node in graph["nodes"]]
    assert workflow["last_node_id"] == max(ids)
    assert len(ids) == len(set(ids)), "newer frontends give other ids to nodes in subgraphs that are not the only ones"
    assert workflow["last_link_id"] == max(link[0] for link in workflow["links"])
    assert workflow["extra"].keys() <= {"linearData"}, "no view, no keys of other extensions"


def test_an_app_shows_widgets_and_pictures_that_are_there(path: Path, workflow: dict[str, Any]):
    nodes = {str(node["id"]): node for node in workflow["nodes"]}
    app = workflow["extra"].get("linearData", {"inputs": [], "outputs": []})
    for number, name in app["inputs"]:
        assert any(slot.get("widget") == {"name": name} and slot["link"] is None for slot in nodes[number]["inputs"])
    assert all(nodes[number]["type"] in ("SaveImage", "PreviewImage") for number in app["outputs"])
    if path.stem.startswith(("04-", "05-", "07-", "10-")):
        assert app["inputs"]
        assert app["outputs"]


def test_every_link_is_listed_at_both_ends(workflow: dict[str, Any]):
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for number, source, slot, target, target_slot, kind in workflow["links"]:
        assert number in nodes[source]["outputs"][slot]["links"]
        assert nodes[source]["outputs"][slot]["type"] == kind
        assert nodes[target]["inputs"][target_slot]["link"] == number
    listed = [n for node in workflow["nodes"] for out in node["outputs"] for n in out["links"] or []]
    assert sorted(listed) == sorted(link[0] for link in workflow["links"])


def test_nodes_are_placed_named_and_versioned(workflow: dict[str, Any]):
    from steer.nodes.identity import version

    parts = parts_of(workflow)
    names = {part["id"] for part in parts}
    for node in [*workflow["nodes"], *(node for part in parts for node in part["nodes"])]:
        assert {"id", "type", "pos", "size", "flags", "order", "mode", "properties"} <= node.keys()
        if node["type"] in {"MarkdownNote", *names}:
            continue
        properties = node["properties"]
        assert properties["Node name for S&R"] == node["type"]
        assert CNR_ID.match(properties["cnr_id"])
        expected = version() if node["type"].startswith("Steer") else "0.3.75"
        assert properties["ver"] == expected


def boxes_of(graph: dict[str, Any]) -> list[tuple[float, float, float, float, str]]:
    """Left, top with the title, right and bottom of each node, and its kind."""
    places = ((*node["pos"], *node["size"], node["type"]) for node in graph["nodes"])
    return [(x, y - 30, x + width, y + height, kind) for x, y, width, height, kind in places]


def test_no_two_nodes_overlap(workflow: dict[str, Any]):
    for graph in (workflow, *parts_of(workflow)):
        boxes = boxes_of(graph)
        for i, (ax0, ay0, ax1, ay1, a) in enumerate(boxes):
            for bx0, by0, bx1, by1, b in boxes[i + 1 :]:
                assert ax1 <= bx0 or bx1 <= ax0 or ay1 <= by0 or by1 <= ay0, f"{a} and {b} overlap"


def test_it_is_readable_on_a_small_screen(workflow: dict[str, Any]):
    """At 1280 x 800 the frontend shows a graph of this size at 57 %. Below that it draws no text."""
    nodes = [(left, top, right, bottom) for left, top, right, bottom, _ in boxes_of(workflow)]
    groups = [(x, y, x + w, y + h) for x, y, w, h in (group["bounding"] for group in workflow["groups"])]
    lefts, tops, rights, bottoms = zip(*nodes, *groups, strict=True)
    assert max(rights) - min(lefts) <= 1660
    assert max(bottoms) - min(tops) <= 1030


def test_what_matters_is_in_sight(path: Path, workflow: dict[str, Any]):
    """Nothing is folded up, and the rest lies in a few named parts that are as easy to read. Notes do not count."""
    for graph in (workflow, *parts_of(workflow)):
        assert sum(node["type"] != "MarkdownNote" for node in graph["nodes"]) <= 12
        assert not any(node["flags"].get("collapsed") for node in graph["nodes"])
    assert all(part["name"] and part["description"] for part in parts_of(workflow))
    loaders = [
        graph for graph in (workflow, *parts_of(workflow)) if {node["type"] for node in graph["nodes"]} & LOADERS
    ]
    assert [graph.get("name", "Model") for graph in loaders] == ["Model"], (
        "the loaders are in sight, or in a part Model"
    )
    last = max(node["pos"][0] for node in workflow["nodes"] if node["type"] == "SaveImage")
    column = max(group["bounding"][0] for group in workflow["groups"] if group["bounding"][0] <= last)
    pictures = [node for node in workflow["nodes"] if node["type"] in ("SaveImage", "PreviewImage")]
    results = [node["size"] for node in pictures if node["pos"][0] >= column]
    assert sum(width * height for width, height in results) >= 720 * 500, "the result is large"


def test_titles_of_groups_are_not_cut(workflow: dict[str, Any]):
    """The frontend draws them at the size of the file, and cuts what is wider than the group.

    The name of its pack stands above a node: in a group, beside the title, where the node is the first.
    """
    assert {group["font_size"] for group in workflow["groups"]} == {20}
    for group in workflow["groups"]:
        left, top, width, _ = group["bounding"]
        beside = [
            node
            for node in workflow["nodes"]
            if node["type"].startswith("Steer") and left <= node["pos"][0] < left + width
            if node["pos"][1] - top < 80
        ]
        assert 9.8 * len(group["title"]) <= width - (52 if beside else 10), group["title"]


def test_the_note_names_what_is_on_the_canvas(workflow: dict[str, Any]):
    """Its bold words that stand at the head of a hint are titles of nodes, and the code after them names widgets."""
    notes = [node["widgets_values"][0] for node in workflow["nodes"] if node["type"] == "MarkdownNote"]
    hints = [line for note in notes for line in note.split("**Try next**")[-1].split("\n") if line.startswith("- **")]
    titles = {node.get("title") or NAMES.get(node["type"], node["type"]) for node in workflow["nodes"]}
    named = {name for line in hints for name in re.findall(r"\*\*([^*]+)\*\*", line)}
    assert named - titles <= {"Load Image", "OpenPose"}


def test_it_explains_itself(workflow: dict[str, Any]):
    notes = [node for node in workflow["nodes"] if node["type"] == "MarkdownNote"]
    assert notes
    assert workflow["groups"]
    assert all(group["title"] for group in workflow["groups"])


def test_thumbnail(path: Path):
    with Image.open(path.with_suffix(".jpg")) as picture:
        assert picture.size == (512, 512), "the template browser would crop it"
    assert path.with_suffix(".jpg").stat().st_size < 200_000


# Kinds of nodes that the slides give no title, and what ComfyUI calls them.
NAMES = {
    "KSampler": "KSampler",
    "SteerControlNetGuide": "ControlNet Guide",
    "SteerCanny": "Canny",
    "SteerDemoPicture": "Demo Picture",
    "SteerFaceMask": "Face Mask",
    "SteerPoseRender": "Pose Render",
}
# What the twin on Stable Diffusion 1.5 has in place of the embedded model.
TWINS = {"SteerDemoModel": "CheckpointLoaderSimple", "SteerDemoControlNet": "ControlNetLoader"}
LOADERS = {"SteerDemoModel", "CheckpointLoaderSimple", "UNETLoader"}
# Side of a picture, cfg (the others with a noisy sampler, and where a ControlNet guides), sampler.
VALUES = {256: 512, 5.0: 7.0, 4.0: 7.0, 3.0: 7.0, "dpmpp_2m_sde": "dpmpp_2m"}


@pytest.mark.parametrize("name", [path.stem for path in FILES if not is_twin(path.stem)])
def test_the_sd15_twin_differs_only_in_models_size_and_sampler_settings(name: str):
    ours, theirs = (
        json.loads((ROOT / "workflows" / f"{name}{end}.json").read_text(encoding="utf-8")) for end in ("", "-sd15")
    )
    assert ours.pop("id") != theirs.pop("id")
    loaders = 0
    parts = zip(parts_of(ours), parts_of(theirs), strict=True)
    inner = [pair for mine, other in parts for pair in zip(mine.pop("nodes"), other.pop("nodes"), strict=True)]
    for mine, other in [*zip(ours.pop("nodes"), theirs.pop("nodes"), strict=True), *inner]:
        if mine["type"] in TWINS:
            assert other["type"] == TWINS[mine["type"]]
            for model in other["properties"]["models"]:
                assert model["name"] in other["widgets_values"]
                assert model["name"].endswith(".safetensors")
                assert model["url"].startswith("https://huggingface.co/")
                assert model["url"].endswith(f"/resolve/main/{model['name']}")
                assert model["directory"] in ("checkpoints", "controlnet")
            assert [out["links"] for out in mine["outputs"]] == [out["links"] for out in other["outputs"]]
            assert [out["type"] for out in mine["outputs"]] == [out["type"] for out in other["outputs"]]
            assert (mine["pos"], mine["size"], mine["title"]) == (other["pos"], other["size"], other["title"])
            loaders += 1
            continue
        for value, twin in zip(mine.pop("widgets_values"), other.pop("widgets_values"), strict=True):
            assert value == twin or twin in (VALUES.get(value), f"{value}-sd15")
        assert mine == other
    assert loaders
    assert ours == theirs


TODAY = [path for path in FILES if is_twin(path.stem) and not path.stem.endswith("-sd15")]
# What ComfyUI's own templates of the families load and set, by the end of the name.
SETTINGS = {
    "-zimage": ("res_multistep", "simple", 9, 1.0, 1024),
    "-qwen": ("euler", "simple", 20, 2.5, 1328),
    "-sdxl": ("euler", "normal", 25, 8.0, 1024),
}
FOLDERS = {"checkpoints", "controlnet", "diffusion_models", "model_patches", "text_encoders", "vae"}


def test_slides_4_to_10_have_a_twin_for_each_family_of_today():
    slides = {path.stem for path in FILES if "04" <= path.stem[:2] <= "10" and not is_twin(path.stem)}
    assert {path.stem for path in TODAY} == {name + end for name in slides for end in SETTINGS}


@pytest.mark.parametrize("path", TODAY, ids=lambda path: path.stem)
def test_a_twin_of_today_names_the_files_and_settings_of_its_family(path: Path):
    workflow = json.loads(path.read_text(encoding="utf-8"))
    nodes = [node for graph in (workflow, *parts_of(workflow)) for node in graph["nodes"]]
    loaders = [node for node in nodes if any(name in node["type"] for name in ("Loader", "PatchLoader"))]
    assert loaders
    for node in loaders:
        (model,) = node["properties"]["models"]
        assert model["name"] in node["widgets_values"]
        assert model["url"].startswith("https://huggingface.co/")
        assert model["url"].endswith(f"/{model['name']}")
        assert model["directory"] in FOLDERS
    sampler, scheduler, steps, cfg, side = SETTINGS["-" + path.stem.rpartition("-")[2]]
    samplers = [node["widgets_values"] for node in nodes if node["type"] in ("KSampler", "SteerSweep")]
    assert samplers
    for values in samplers:
        assert [sampler, scheduler] == values[(at := values.index(sampler)) : at + 2]
        assert [steps, cfg] == values[at - 2 : at]
    sizes = [node["widgets_values"] for node in nodes if node["type"].startswith("Empty")]
    assert all(values[:2] == [side, side] for values in sizes)
    note = "\n".join(node["widgets_values"][0] for node in nodes if node["type"] == "MarkdownNote")
    controlled = path.stem[:2] in ("08", "09", "10")
    assert ("newer than 0.3.75" in note) == (controlled and path.stem.endswith("-zimage"))
