"""Files of the field are read as ComfyUI's frontend reads them. tests/reports/conversion.py compares the two."""

from __future__ import annotations

import copy
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parent / "cases"
INFO: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "nodes.json").read_text(encoding="utf-8"))
INFO |= {
    "CustomCombo": {"input": {"required": {"choice": ["COMBO", {"options": []}]}}, "output": ["STRING", "INT"]},
    "Grows": {
        "input": {
            "required": {
                "values": ["COMFY_AUTOGROW_V3", {"template": {"input": {"required": {"v": ["FLOAT", {}]}}, "min": 1}}],
                "mode": [
                    "COMFY_DYNAMICCOMBO_V3",
                    {
                        "options": [
                            {"key": "none", "inputs": {}},
                            {"key": "blur", "inputs": {"required": {"radius": ["INT", {}], "kind": [["a", "b"], {}]}}},
                        ]
                    },
                ],
                "last": ["STRING", {}],
            }
        },
        "output": ["FLOAT"],
        "output_node": True,
    },
    "Switch": {
        "input": {
            "required": {"on": ["COMFY_MATCHTYPE_V3", {"template": {"template_id": "t"}}], "at": ["BOOLEAN", {}]}
        },
        "output": ["COMFY_MATCHTYPE_V3"],
        "output_node": True,
    },
    "Old": {
        "input": {"required": {"text": ["STRING", {"forceInput": True}], "size": ["INT", {}], "name": ["STRING", {}]}},
        "output": [],
        "output_node": True,
    },
}


def case(name: str) -> dict[str, Any]:
    from steer.runner.workflow import read_workflow

    return read_workflow(CASES / f"{name}.json")


def inputs(data: Any) -> dict[str, dict[str, Any]]:
    """The inputs of each node of the prompt of a workflow."""
    from steer.runner.workflow import Workflow

    return {i: node["inputs"] for i, node in Workflow(data, INFO).settle().prompt.items()}


EMPTY = {"width": 64, "height": 64, "batch_size": 1, "color": 0}
SCALED = {"upscale_method": "nearest-exact", "width": 80, "height": 40, "crop": "disabled", "image": ["2:10", 0]}
SUBGRAPH = {"1": EMPTY, "2:10": {"image": ["1", 0]}, "2:11": SCALED}
SAVED = {"filename_prefix": "x", "images": ["2:11", 0]}
RIGHT: dict[str, dict[str, dict[str, Any]]] = {
    "primitive-feeds-width": {"2": EMPTY | {"width": 128}, "3": SAVED | {"images": ["2", 0]}},
    "primitive-by-reroute": {"2": EMPTY | {"width": 128}, "3": SAVED | {"images": ["2", 0]}},
    "custom-combo": {
        "1": {"choice": "C", "index": 2, "option1": "A", "option2": "B", "option3": "C", "option4": ""},
        "2": {"source": ["1", 1]},
    },
    "bypass-of-another-type": {"1": EMPTY, "5": {}, "3": SAVED | {"images": ["5", 0]}},
    "picture-from-outputs": {"2": {"image": "pic.png [output]"}, "3": SAVED | {"images": ["2", 0]}},
    "links-as-objects": {"2": EMPTY, "3": SAVED | {"images": ["2", 0]}},
    "subgraph": SUBGRAPH | {"3": SAVED},
    "subgraph-bypassed": SUBGRAPH | {"3": SAVED | {"images": ["1", 0]}},
    "subgraph-muted": SUBGRAPH | {"3": SAVED},
    "subgraph-inner-bypass": {"1": EMPTY, "2:11": SCALED | {"image": ["1", 0]}, "3": SAVED},
    "subgraph-twice": SUBGRAPH
    | {"3": SAVED | {"filename_prefix": "a"}, "5": {"filename_prefix": "b", "images": ["4:11", 0]}}
    | {"4:10": {"image": ["1", 0]}, "4:11": SCALED | {"width": 90, "image": ["4:10", 0]}},
    "subgraph-bypassed-owner": {"1": EMPTY, "2:10": {"image": ["1", 0]}, "3": SAVED | {"images": ["2:10", 0]}},
    "search-name-of-another": {"1": EMPTY, "3": SAVED | {"images": ["1", 0]}},
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_case_of_the_field_gives_the_prompt_of_the_frontend(name: str):
    assert inputs(case(name)) == RIGHT[name]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("group-node", r"node 5 \('workflow>Grey'\) is a group node of an older ComfyUI. .*make a subgraph"),
        ("subgraph-dead-link", r"node 11 \(Upscale Image\), input 'width': the link 99 is not in the file"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(name: str, words: str):
    from steer.runner.workflow import WorkflowError

    with pytest.raises(WorkflowError, match=words):
        inputs(case(name))


def test_texts_are_replaced_as_the_frontend_does():
    from steer.runner.workflow.frontend.texts import choose, format_date, replace_patterns

    assert inputs(case("text-replacement"))["26"]["filename_prefix"] == f"{datetime.date.today()}/s_7"
    assert inputs(case("prompt-comment"))["1"]["text"] == "see https:\nline \n2"
    assert choose(r"/* a */ {b|b} \{c\} {{d|d}e|{d}e} {", "seed") == " b {c} de "
    now = datetime.datetime(2026, 3, 4, 5, 6, 7)
    assert format_date("yyyy-MM-dd hh:mm:ss yy d M h m s yyy", now) == "2026-03-04 05:06:07 26 4 3 5 6 7 yyy"
    found = {("KSampler", "cfg"): "8", ("A", "text"): "a/b:c"}
    text = "%KSampler.cfg%_%A.text%_%B.c%_%width%_%date:yy%_100%"
    assert replace_patterns(text, lambda *key: found.get(key), now) == "8_a_b_c_%B.c%_%width%_26_100%"


def node(number: int, kind: str, values: Any, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "mode": 0, "inputs": [], "outputs": [], "widgets_values": values} | more


def graph(*nodes: dict[str, Any], links: Any = (), **more: Any) -> dict[str, Any]:
    return {"nodes": list(nodes), "links": [list(link) for link in links], "version": 0.4} | more


def slot(name: str, kind: str, link: int | None = None, widget: bool = False) -> dict[str, Any]:
    return {"name": name, "type": kind, "link": link} | ({"widget": {"name": name}} if widget else {})


def test_inputs_that_grow_and_change_have_their_values():
    grown = [slot("values.v0", "FLOAT", widget=True), slot("values.v1", "FLOAT", widget=True)]
    assert inputs(graph(node(1, "Grows", [1.5, 2.5, "blur", 3, "b", "end"], inputs=grown)))["1"] == {
        "values.v0": 1.5,
        "values.v1": 2.5,
        "mode": "blur",
        "mode.radius": 3,
        "mode.kind": "b",
        "last": "end",
    }
    assert inputs(graph(node(1, "Grows", ["none", "end"])))["1"] == {"mode": "none", "last": "end"}
    linked = [slot("values.v0", "FLOAT", 1)]
    source = node(2, "PrimitiveFloat", [4.5], outputs=[{"name": "FLOAT", "type": "FLOAT", "links": [1]}])
    made = inputs(graph(node(1, "Grows", ["none", "end"], inputs=linked), source, links=[[1, 2, 0, 1, 0, "FLOAT"]]))
    assert made["1"]["values.v0"] == ["2", 0]


def test_files_before_1_16_hold_a_value_for_a_socket_too():
    assert inputs(graph(node(1, "Old", ["unused", 5, "n"])))["1"] == {"size": 5, "name": "n"}
    assert inputs(graph(node(1, "Old", [5, "n"])))["1"] == {"size": 5, "name": "n"}


def promoted(values: list[Any], proxies: Any, port: str = "seed") -> dict[str, Any]:
    """A subgraph with a KSampler whose seed and steps are promoted, and one instance of it."""
    slots = [slot("seed", "INT", 1, True), slot("steps", "INT", 2, True)]
    links = [
        {"id": n, "origin_id": -10, "origin_slot": n - 1, "target_id": 7, "target_slot": n + 3, "type": "INT"}
        for n in (1, 2)
    ]
    definition = {
        "id": "5b0d1f6e-0000-4000-8000-000000000001",
        "name": "Block",
        "nodes": [node(7, "KSampler", [1, "fixed", 20, 8.0, "euler", "normal", 1.0], inputs=slots)],
        "links": links,
        "inputs": [{"name": port, "type": "INT", "linkIds": [1]}, {"name": "steps", "type": "INT", "linkIds": [2]}],
        "outputs": [],
    }
    host = [slot(port, "INT", widget=True), slot("steps", "INT", widget=True)]
    instance = node(3, definition["id"], values, inputs=host, properties={"proxyWidgets": proxies})
    return graph(instance, definitions={"subgraphs": [definition]})


@pytest.mark.parametrize(
    ("values", "proxies", "right"),
    [
        ([5, 30], None, (5, 30)),  # older frontends: in the order of the inputs
        ([5, "randomize", 30], None, (5, 30)),  # some with what is behind a seed
        ([30, 5], [["-1", "steps"], ["-1", "seed"]], (5, 30)),  # newer ones name the order
        ([None, 5, 30], [["7", "cfg"], ["-1", "seed"], ["-1", "steps"]], (5, 30)),
        ([None, None], [["7", "seed"], ["7", "steps"]], (1, 20)),  # both stand for the widgets inside
        ([], None, (1, 20)),
        ([5, 30], '[["-1", "seed"], ["-1", "steps"]]', (5, 30)),
        ([5], "no list", (5, 20)),
    ],
)
def test_values_of_a_subgraph_of_any_age(values: list[Any], proxies: Any, right: tuple[int, int]):
    made = inputs(promoted(values, proxies))["3:7"]
    assert (made["seed"], made["steps"]) == right


def test_numbers_of_a_primitive_are_limited_and_rounded_by_the_widget_it_feeds():
    def fed(kind: str, name: str, type_: str, value: Any, values: list[Any]) -> Any:
        out = [{"name": type_, "type": type_, "links": [1], "widget": {"name": name}}]
        target = node(2, kind, values, inputs=[slot(name, type_, 1, True)])
        primitive = node(1, "PrimitiveNode", [value, "fixed"], outputs=out)
        return inputs(graph(primitive, target, links=[[1, 1, 0, 2, 0, type_]]))["2"][name]

    sampler = [1, "fixed", 20, 8.0, "euler", "normal", 1.0]
    assert fed("EmptyLatentImage", "width", "INT", 130, [64, 64, 1]) == 128
    assert fed("EmptyLatentImage", "width", "INT", 1, [64, 64, 1]) == 16
    assert fed("KSampler", "steps", "INT", 2.5, sampler) == 3
    assert fed("KSampler", "cfg", "FLOAT", 7.4567, sampler) == 7.5
    assert fed("KSampler", "seed", "INT", 2**64 - 1, sampler) == 2**64 - 1
    assert fed("CLIPTextEncode", "text", "STRING", "{a|a}", ["old"]) == "a"


def test_what_is_lost_is_noticed_and_what_is_wild_is_joined():
    from steer.runner.workflow import Workflow

    made = case("links-as-objects")
    made["links"].append({"id": 9, "origin_id": 2, "origin_slot": 0, "target_id": 3, "target_slot": 1, "type": "IMAGE"})
    (lost,) = Workflow(made, INFO).notes
    assert lost.startswith("The link 9 from node 2 to node 3 (")
    (empty,) = Workflow(case("bypass-of-another-type"), INFO).notes
    assert empty.startswith("node 5 (Convert Mask to Image): its input 'mask' is empty.")
    out = [{"name": "*", "type": "*", "links": [2]}]
    switch = node(2, "Switch", [True], mode=4, inputs=[slot("on", "*", 1)], outputs=out)
    image = node(1, "EmptyImage", [64, 64, 1, 0], outputs=[{"name": "IMAGE", "type": "IMAGE", "links": [1]}])
    invert = node(3, "ImageInvert", [], inputs=[slot("image", "IMAGE", 2)])
    links = [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 3, 0, "IMAGE"]]
    assert inputs(graph(image, switch, invert, links=links))["3"] == {"image": ["1", 0]}


def test_names_of_models_are_those_that_comfyui_offers_where_one_is_meant():
    for name in ("name-with-backslash", "name-in-capitals"):
        data = case(name)
        assert inputs(data)["40"]["lora_name"] == "sub/foo.safetensors"
        api = {i: {"class_type": n["class_type"], "inputs": n["inputs"]} for i, n in _prompt(data).items()}
        api["40"]["inputs"]["lora_name"] = "SUB\\Foo.safetensors"
        assert inputs(api)["40"]["lora_name"] == "sub/foo.safetensors"
    info = copy.deepcopy(INFO)
    info["LoraLoaderModelOnly"]["input"]["required"]["lora_name"][0] = ["Sub/foo.safetensors", "sub/Foo.safetensors"]
    from steer.runner.workflow import to_prompt

    assert to_prompt(case("name-in-capitals"), info)["40"]["inputs"]["lora_name"] == "SUB/Foo.safetensors"


def _prompt(data: Any) -> Any:
    from steer.runner.workflow import to_prompt

    return to_prompt(data, INFO)


def test_a_deep_chain_and_a_wide_one_are_read_in_a_moment():
    """Reroutes in reroutes, and subgraphs in subgraphs that double at every step."""
    from steer.runner.workflow import WorkflowError

    count = 3000
    chain = [
        node(n, "Reroute", [], inputs=[slot("", "*", n - 1)], outputs=[{"name": "", "type": "*", "links": [n]}])
        for n in range(2, count)
    ]
    image = node(1, "EmptyImage", [64, 64, 1, 0], outputs=[{"name": "IMAGE", "type": "IMAGE", "links": [1]}])
    end = node(count, "ImageInvert", [], inputs=[slot("image", "IMAGE", count - 1)])
    links = [[n, n, 0, n + 1, 0, "*"] for n in range(1, count)]
    assert inputs(graph(image, *chain, end, links=links))[str(count)] == {"image": ["1", 0]}
    names = [f"5b0d1f6e-0000-4000-8000-{n:012}" for n in range(30)]
    subgraphs: list[dict[str, Any]] = [
        {"id": name, "nodes": [node(i, inner, []) for i in (1, 2)], "links": []}
        for name, inner in zip(names, [*names[1:], "EmptyImage"], strict=True)
    ]
    with pytest.raises(WorkflowError, match="it has more than 100000 nodes"):
        inputs(graph(node(1, names[0], []), definitions={"subgraphs": subgraphs}))
    subgraphs[-1]["nodes"][0]["type"] = names[3]
    with pytest.raises(WorkflowError, match="holds itself"):
        inputs(graph(node(1, names[0], []), definitions={"subgraphs": subgraphs}))
