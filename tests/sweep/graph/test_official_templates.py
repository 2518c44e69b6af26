"""Graphs that no one wrote for Steer: each cell is, bit for bit, the same graph with the value typed in."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from conversions import official_templates
from graph_lab import Graph, GraphLab, node, seeds, swaps, values, with_graph, with_value
from PIL import Image, ImageDraw

pytestmark = [pytest.mark.server, pytest.mark.slow]
SIZE = 128
STEPS = 2
MIN_AREA = 64  # of ConditioningSetArea


@dataclass(frozen=True)
class Case:
    """A template, what varies in it and where: by Sweep Value the axis nodes, the targets, and the values by label."""

    name: str
    images: list[Any]
    axes: dict[str, dict[str, Any]]
    wires: dict[str, tuple[str, tuple[tuple[str, str], ...]]]
    typed: dict[str, dict[tuple[str, str], Any]]


SKY = "(best quality) (daytime:1.2) sky (blue)\n"
CASES = [
    Case(
        "image2image",
        ["8", 0],
        {"a": values("number", "0.5, 0.87"), "b": seeds("1-2")},
        {"101": ("a", (("3", "denoise"),)), "102": ("b", (("3", "seed"),))},
        {
            "denoise 0.5": {("3", "denoise"): 0.5},
            "denoise 0.87": {("3", "denoise"): 0.87},
            "seed 1": {("3", "seed"): 1},
            "seed 2": {("3", "seed"): 2},
        },
    ),
    Case(
        "inpaint_example",
        ["8", 0],
        {"a": values("number", "2, 12"), "b": values("sampler", "uni_pc_bh2, euler")},
        {"101": ("a", (("26", "grow_mask_by"),)), "102": ("b", (("3", "sampler_name"),))},
        {
            "grow_mask_by 2": {("26", "grow_mask_by"): 2},
            "grow_mask_by 12": {("26", "grow_mask_by"): 12},
            "uni_pc_bh2": {("3", "sampler_name"): "uni_pc_bh2"},
            "euler": {("3", "sampler_name"): "euler"},
        },
    ),
    Case(
        "2_pass_pose_worship",
        ["52", 0],
        {"a": values("control strength", "0.4, 1"), "b": values("denoise", "0.3, 0.5")},
        {"101": ("a", (("45", "strength"),)), "102": ("b", (("58", "denoise"),))},
        {
            "strength 0.4": {("45", "strength"): 0.4},
            "strength 1": {("45", "strength"): 1.0},
            "denoise 0.3": {("58", "denoise"): 0.3},
            "denoise 0.5": {("58", "denoise"): 0.5},
        },
    ),
    Case(
        "area_composition",
        ["31", 0],
        {"a": swaps("green", prompt=SKY, find="blue"), "b": values("number", "0.5, 1.5")},
        {"101": ("a", (("17", "text"),)), "102": ("b", (("15", "strength"), ("18", "strength")))},
        {
            "blue": {("17", "text"): SKY},
            "green": {("17", "text"): SKY.replace("blue", "green")},
            "strength 0.5": {("15", "strength"): 0.5, ("18", "strength"): 0.5},
            "strength 1.5": {("15", "strength"): 1.5, ("18", "strength"): 1.5},
        },
    ),
    Case(
        "mixing_controlnets",
        ["8", 0],
        {"a": values("text", "canny\nOpenPose"), "b": values("control end", "0.5, 1")},
        {"101": ("a", (("26", "kind"),)), "102": ("b", (("34", "end_percent"), ("36", "end_percent")))},
        {
            "canny": {("26", "kind"): "canny"},
            "OpenPose": {("26", "kind"): "openpose"},
            "end 0.5": {("34", "end_percent"): 0.5, ("36", "end_percent"): 0.5},
            "end 1": {("34", "end_percent"): 1.0, ("36", "end_percent"): 1.0},
        },
    ),
    Case(
        "hiresfix_latent_workflow",
        ["13", 0],
        {
            "s": values("sampler", "dpmpp_2m, euler_ancestral"),
            "t": values("scheduler", "simple, karras"),
            "a": node("SteerZipAxes", axis_1=["s", 0], axis_2=["t", 0]),
            "b": values("text", "nearest-exact\nbislerp"),
        },
        {
            "101": ("a", (("11", "sampler_name"),)),
            "103": ("a", (("11", "scheduler"),)),
            "102": ("b", (("10", "upscale_method"),)),
        },
        {
            "dpmpp_2m, simple": {("11", "sampler_name"): "dpmpp_2m", ("11", "scheduler"): "simple"},
            "euler_ancestral, karras": {("11", "sampler_name"): "euler_ancestral", ("11", "scheduler"): "karras"},
            "nearest-exact": {("10", "upscale_method"): "nearest-exact"},
            "bislerp": {("10", "upscale_method"): "bislerp"},
        },
    ),
]


@cache
def template(name: str) -> dict[str, Any]:
    """A workflow of ComfyUI's own templates. Newer packages of them leave these out: then the test is skipped."""
    found = next((graph for stem, graph in official_templates() if stem == name), None)
    if found is None:
        pytest.skip(f"the installed templates lack {name}")
    return found


def repointed(name: str, object_info: Mapping[str, Any]) -> Graph:
    """The template's prompt on the embedded model, its pictures and latents 128 pixels wide, with few steps."""
    from steer.runner.workflow.conversion import convert

    graph: Graph = dict(convert(template(name), dict(object_info)).prompt)
    for number, each in graph.items():
        kind, inputs = each["class_type"], each["inputs"]
        if kind == "CheckpointLoaderSimple":
            graph[number] = node("SteerDemoModel")
        elif kind == "ControlNetLoader":
            graph[number] = node(
                "SteerDemoControlNet", kind="openpose" if "pose" in inputs["control_net_name"] else "canny"
            )
        elif kind == "LoadImage":
            inputs["image"] = "graph-lab.png"
        elif kind == "ImageScaleToTotalPixels":
            inputs["megapixels"] = SIZE * SIZE / 2**20
        elif kind == "KSampler":
            inputs["steps"] = STEPS
        elif kind == "CLIPSetLastLayer":
            inputs["stop_at_clip_layer"] = -1
        for side in ("width", "height", "x", "y"):
            if isinstance(inputs.get(side), int):
                area = inputs[side] * SIZE // 1280 // 8 * 8
                least = MIN_AREA if side in ("width", "height") else 0
                inputs[side] = max(area, least) if kind == "ConditioningSetArea" else SIZE
    loader = next(number for number, each in graph.items() if each["class_type"] == "SteerDemoModel")
    vaes = [number for number, each in graph.items() if each["class_type"] == "VAELoader"]
    for each in graph.values():
        for input_name, value in each["inputs"].items():
            if isinstance(value, list) and value[0] in vaes:
                each["inputs"][input_name] = [loader, 2]
    return {i: {k: v for k, v in each.items() if k != "_meta"} for i, each in graph.items() if i not in vaes}


def picture() -> bytes:
    """A face on a gradient with a hole in its alpha, which Load Image gives as the mask."""
    image = Image.linear_gradient("L").resize((SIZE, SIZE)).convert("RGBA")
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 30, 90, 100), fill=(220, 180, 150, 255))
    draw.rectangle((50, 45, 80, 65), fill=(0, 0, 0, 0))
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_cell_is_the_picture_of_the_value_typed_in(lab: GraphLab, case: Case):
    lab.client.upload("graph-lab.png", picture())
    plain = repointed(case.name, lab.client.get("/object_info"))
    graph = plain | case.axes
    for number, (axis, targets) in case.wires.items():
        graph = with_value(
            graph,
            number,
            axis,
            *targets,
            text=SKY if case.axes[axis]["class_type"] == "SteerPromptSwap" else "",
            part=2 if number == "103" else 1,
        )
    folder = f"official-{case.name}"
    text, jobs = lab.sweep(with_graph(graph, case.images, folder=folder))
    assert lab.report(jobs) == "4 of 4 pictures are there.", text
    cells = lab.cells(folder)
    assert len(cells) == 4
    assert len({cell.tobytes() for cell in cells.values()}) == 4, "a value changed nothing"
    for labels, pixels in cells.items():
        typed = {i: {**each, "inputs": dict(each["inputs"])} for i, each in plain.items()}
        for label in labels:
            for (number, name), value in case.typed[label].items():
                typed[number]["inputs"][name] = value
        assert (lab.made_by_hand(typed, case.images) == pixels).all(), labels
