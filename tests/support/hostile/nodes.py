"""Prompts that hold one node of Steer, fed by small sources, with hostile texts in its widgets."""

from __future__ import annotations

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from steer.nodes.text.printable import is_printable, printable

from .tally import SLOW_S, Tally
from .texts import hostile_text, hostile_value

Node = dict[str, Any]


def _node(class_type: str, /, **inputs: Any) -> Node:
    return {"class_type": class_type, "inputs": inputs}


# Where a socket's type comes from: the node and its output.
SOURCES: dict[str, list[Any]] = {
    "MODEL": ["model", 0],
    "CLIP": ["model", 1],
    "VAE": ["model", 2],
    "LATENT": ["latent", 0],
    "IMAGE": ["image", 0],
    "MASK": ["mask", 0],
    "SIGMAS": ["sigmas", 0],
    "SAMPLER": ["sampler", 0],
    "NOISE": ["noise", 0],
    "GUIDER": ["guider", 0],
    "CONDITIONING": ["words", 0],
    "CONTROL_NET": ["net", 0],
    "STEER_AXIS": ["axis", 1],
    "POSE_KEYPOINT": ["pose", 1],
}
SMALL: dict[str, Node] = {
    "model": _node("SteerDemoModel"),
    "latent": _node("EmptyLatentImage", width=64, height=64, batch_size=1),
    "image": _node("EmptyImage", width=64, height=64, batch_size=1, color=0x808080),
    "mask": _node("SolidMask", value=1.0, width=64, height=64),
    "sigmas": _node("BasicScheduler", model=["model", 0], scheduler="normal", steps=2, denoise=1.0),
    "sampler": _node("KSamplerSelect", sampler_name="euler"),
    "noise": _node("RandomNoise", noise_seed=1),
    "guider": _node("BasicGuider", model=["model", 0], conditioning=["words", 0]),
    "words": _node("CLIPTextEncode", clip=["model", 1], text="girl"),
    "net": _node("SteerDemoControlNet", kind="canny"),
    "axis": _node("SteerSeeds", text="1-2"),
}


def steer_kinds(object_info: dict[str, Any]) -> list[str]:
    """The nodes of Steer."""
    return sorted(kind for kind in object_info if kind.startswith("Steer"))


def _specs(definition: Node) -> Iterator[tuple[str, Any, dict[str, Any], bool]]:
    for part in ("required", "optional"):
        for name, spec in definition["input"].get(part, {}).items():
            yield name, spec[0], spec[1] if len(spec) > 1 else {}, part == "required"


def text_inputs(definition: Node) -> list[str]:
    """The widgets and sockets of a node that take a text."""
    return [name for name, kind, _, _ in _specs(definition) if kind == "STRING"]


def plain_node(kind: str, definition: Node) -> Node:
    """The node with its sources connected and its widgets as they are at first, small and quick."""
    inputs: dict[str, Any] = {}
    for name, type_name, options, required in _specs(definition):
        if isinstance(type_name, list) or type_name == "COMBO":
            choices = type_name if isinstance(type_name, list) else options.get("options", [])
            inputs[name] = options.get("default", choices[0] if choices else "")
        elif type_name in SOURCES and (required or type_name in ("IMAGE", "STEER_AXIS", "MODEL", "POSE_KEYPOINT")):
            inputs[name] = SOURCES[type_name]
        elif type_name in ("INT", "FLOAT", "BOOLEAN") and not options.get("forceInput"):
            inputs[name] = options.get("default", options.get("min", 0))
        elif type_name in ("INT", "FLOAT") and required:
            inputs[name] = 1
        elif type_name == "STRING" and (required or not options.get("forceInput")):
            inputs[name] = options.get("default", "")
    for name, value in (("steps", 1), ("width", 320), ("height", 320)):
        if isinstance(inputs.get(name), int):
            inputs[name] = value
    if kind == "SteerSweep":
        inputs |= {"axis_2": None, "axis_3": None, "axis_4": None, "sampler_name": "euler", "scheduler": "normal"}
    if kind == "SteerReverseDiffusion":
        inputs.pop("image", None)
    return _node(kind, **{name: value for name, value in inputs.items() if value is not None})


def prompt_of(node: Node, object_info: dict[str, Any]) -> dict[str, Node]:
    """The node with all sources, and one that shows its first output.

    Sources that it does not need do not run, but ComfyUI keeps what they gave before.
    """
    small = SMALL | {"pose": plain_node("SteerOpenPose", object_info["SteerOpenPose"])}
    return small | {"tried": node, "shown": _node("PreviewAny", source=["tried", 0])}


def hostile_prompt(object_info: dict[str, Any], seed: int, number: int) -> dict[str, Node]:
    """The prompt with this number: the same one always."""
    rng = random.Random(f"{seed} {number}")
    kinds = steer_kinds(object_info)
    texts = [kind for kind in kinds if text_inputs(object_info[kind])]
    kind = rng.choice(texts if rng.random() < 0.85 else kinds)
    node = plain_node(kind, object_info[kind])
    widgets = [name for name in node["inputs"] if name not in _linked(node)]
    chosen = [name for name in text_inputs(object_info[kind]) if rng.random() < 0.6] or widgets[:1]
    for name in chosen:
        text = hostile_text(rng)  # of what stands in the place of a number, ComfyUI's own log makes an error
        node["inputs"][name] = text if name in text_inputs(object_info[kind]) else printable(text)
    if rng.random() < 0.15 and widgets:
        node["inputs"][rng.choice(widgets)] = hostile_value(rng)
    if kind == "SteerSweep" and rng.random() < 0.7:
        node["inputs"]["folder"] = f"hostile/{number}"
    return prompt_of(node, object_info)


def _linked(node: Node) -> set[str]:
    return {name for name, value in node["inputs"].items() if isinstance(value, list)}


# What a node may raise: a fault that it has found itself, and said in words.
WORDED = ("ValueError", "TextError", "RuntimeError", "OSError", "NotAFileError")
BATCH = 40  # prompts that wait at once


def try_nodes(url: str, object_info: dict[str, Any], numbers: range, seed: int) -> Tally:
    """Run the hostile prompts with these numbers on the server at `url`."""
    tried = Tally()
    for start in range(numbers.start, numbers.stop, BATCH):
        some = range(start, min(start + BATCH, numbers.stop))
        prompts = {number: hostile_prompt(object_info, seed, number) for number in some}
        queued = {number: _queue(url, prompt) for number, prompt in prompts.items()}
        if not _wait(url):
            tried.faults.append(f"{some}: the worker of ComfyUI is dead, or a prompt takes more than {SLOW_S:g} s")
            tried.inputs = 0
            return tried
        for number, name in queued.items():
            tried.inputs += 1
            if name is None:
                tried.refused += 1
                continue
            entry = _get(url, f"/history/{name}").get(name)
            if entry is not None and _seconds(entry) > SLOW_S:  # a busy machine may be at fault: once more, alone
                name = _queue(url, prompts[number]) or name
                _wait(url)
                entry = _get(url, f"/history/{name}").get(name)
            _judge(number, prompts[number], entry, tried)
    return tried


def _judge(number: int, prompt: dict[str, Node], entry: dict[str, Any] | None, tried: Tally) -> None:
    kind = prompt["tried"]["class_type"]
    if entry is None:
        tried.faults.append(f"{number} ({kind}): it is neither waiting nor done")
        return
    seconds = _seconds(entry)
    tried.slowest = max(tried.slowest, seconds)
    if seconds > SLOW_S:
        tried.faults.append(f"{number} ({kind}): it took {seconds:.0f} s")
    error = dict(entry["status"]["messages"]).get("execution_error")
    tried.refused += error is not None
    tried.ran += error is None
    if error is not None and error["node_type"].startswith("Steer"):
        name, text = error["exception_type"].rpartition(".")[2], error["exception_message"].strip()
        if name not in WORDED or not is_printable(text) or not text:
            tried.faults.append(f"{number} ({kind}): {name}: {text[:300]}")


def _seconds(entry: dict[str, Any]) -> float:
    times = [data["timestamp"] for _, data in entry["status"]["messages"] if "timestamp" in data]
    return (max(times) - min(times)) / 1000


def _queue(url: str, prompt: dict[str, Node]) -> str | None:
    """The name of the prompt; None where ComfyUI refuses it."""
    body = json.dumps({"prompt": prompt, "client_id": "hostile"}).encode()
    request = urllib.request.Request(f"{url}/prompt", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=SLOW_S) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError:
        return None
    return str(found["prompt_id"])


def _wait(url: str) -> bool:
    """Wait until nothing runs or waits; False where nothing has moved for too long."""
    left, since = -1, time.monotonic()
    while time.monotonic() - since < 2 * SLOW_S:
        queue = _get(url, "/queue")
        now = len(queue["queue_running"]) + len(queue["queue_pending"])
        if now == 0:
            return True
        if now != left:
            left, since = now, time.monotonic()
        time.sleep(0.05)
    return False


def _get(url: str, path: str) -> Any:
    with urllib.request.urlopen(f"{url}{path}", timeout=SLOW_S) as answer:
        return json.load(answer)
